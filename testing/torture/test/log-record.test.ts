import { describe, expect, test } from 'vitest'
import { FindingBook } from '../src/finding.ts'
import type { LogKind } from '../src/log/life-plan.ts'
import { LogRecord } from '../src/log/log-record.ts'
import type { LogStory } from '../src/log/log-story.ts'
import {
  digestOf,
  isTombstone,
  keyOf,
  nameText,
  parseName,
  type RecordName,
  recordReport,
  recordValue,
  toldName,
} from '../src/log/record-name.ts'

const plain: LogKind = {
  segmentBytesMax: 10_000,
  allocateAheadBytesMax: 0,
  removal: 'none',
  durabilities: ['disk'],
}

/** Records as a log tells them, from `startOffset` on. */
function told(names: readonly RecordName[], startOffset = 0): LogStory {
  const records = names.map((name, index) => ({
    offset: startOffset + index,
    name: nameText(name),
    digest: digestOf(recordValue(name)),
  }))
  return { startOffset, endOffset: startOffset + names.length, bytes: 100_000, gaps: [], records }
}

function append(producer: number, first: number, count = 1): RecordName[] {
  return Array.from({ length: count }, (_, index) => ({
    life: 0,
    producer,
    number: first + index,
    first,
    count,
  }))
}

const all = [...append(0, 0), ...append(1, 0, 2), ...append(0, 1)]

/** What is wrong with a story of the next life, if everything of the first one was acknowledged. */
function broken(
  change: (story: LogStory) => LogStory,
  acknowledged: readonly RecordName[] = all,
  kind: Partial<LogKind> = {},
): string[] {
  const { findings, record } = recordOf(kind)
  acknowledged.forEach((name, offset) => {
    if (name.number === name.first) record.acknowledge(offset, name)
  })
  record.compare(change(told(all)), 1)
  return promisesOf(findings)
}

function recordOf(kind: Partial<LogKind> = {}) {
  const findings = new FindingBook()
  return { findings, record: new LogRecord({ ...plain, ...kind }, findings) }
}

function promisesOf(findings: FindingBook): string[] {
  return findings.all.map(({ promise }) => promise)
}

function without(story: LogStory, ...offsets: number[]): LogStory {
  return { ...story, records: story.records.filter(({ offset }) => !offsets.includes(offset)) }
}

describe('the outside record of a log', () => {
  test('has nothing to say if everything is there, nor if the newest records were never acknowledged', () => {
    expect(broken((story) => story)).toEqual([])
    expect(broken((story) => story, all.slice(0, 1))).toEqual([])
  })

  test('names a record that was acknowledged and is gone', () => {
    expect(broken((story) => ({ ...without(story, 3), endOffset: 3 }))).toEqual([
      'the end never goes back',
      'what was acknowledged is there',
    ])
  })

  test('names a hole, and an append of which only a part is there', () => {
    expect(broken((story) => without(story, 2), all.slice(0, 1))).toEqual([
      'offsets have no holes',
      'an append is all or none',
    ])
  })

  test('names a gap, even if nothing is missing, unless offsets were set aside that nobody had', () => {
    const withGap = (from: number, to: number) => (story: LogStory) => ({
      ...story,
      endOffset: Math.max(story.endOffset, to),
      gaps: [{ from, to, reason: 'damaged' }],
    })
    expect(broken(withGap(0, 1))).toContain('no gap is named')
    expect(broken(withGap(4, 9))).toContain('no gap is named')
    expect(broken(withGap(4, 9), all, { durabilities: ['os'] })).toEqual([])
    expect(broken(withGap(0, 1), all, { durabilities: ['os'] })).toContain('no gap is named')
  })

  test('names a changed byte, and a record that nobody wrote', () => {
    const changed = (text: Partial<LogStory['records'][number]>) => (story: LogStory) => ({
      ...story,
      records: story.records.map((record) => (record.offset === 3 ? { ...record, ...text } : record)),
    })
    expect(broken(changed({ digest: 'another' }))).toEqual(['every byte is as it was written'])
    const invented = { life: 7, producer: 0, number: 0, first: 0, count: 1 }
    const digest = digestOf(recordValue(invented))
    expect(broken(changed({ name: nameText(invented), digest }), all.slice(0, 3))).toEqual([
      'nothing is invented',
    ])
  })

  test('names an offset that has another record than before', () => {
    expect(broken(() => told([...all.slice(0, 3), ...append(2, 0)]))).toEqual(['an offset keeps its record'])
  })

  test('names an offset that was acknowledged twice', () => {
    const { findings, record } = recordOf()
    record.acknowledge(0, append(0, 0)[0] as RecordName)
    record.acknowledge(0, append(1, 0)[0] as RecordName)
    expect(promisesOf(findings)).toEqual(['an offset is used once'])
  })

  test('names a producer whose records overtook each other', () => {
    const names = [...append(0, 1), ...append(1, 0, 2), ...append(0, 0)]
    expect(broken(() => told(names), [])).toContain('a producer keeps its order')
  })

  test('names a removal that took too much: by retention, by trimming, and where there is none', () => {
    const removed = (bytes: number) => () => ({ ...told(all.slice(3), 3), bytes })
    const promise = 'nothing is removed that may not go'
    expect(broken(removed(100_000), all, { removal: 'retention' })).toEqual([])
    expect(broken(removed(10_000), all, { removal: 'retention' })).toEqual([promise])
    expect(broken(removed(100_000))).toEqual([promise])
    const { findings, record } = recordOf({ removal: 'trim' })
    record.acknowledge(0, append(0, 0)[0] as RecordName)
    record.trim(1)
    record.compare(told(append(1, 0, 2), 1), 1)
    expect(promisesOf(findings)).toEqual([])
    record.compare(told(append(0, 1), 3), 2)
    expect(promisesOf(findings)).toEqual([promise])
  })

  test('names what comes back after it was removed', () => {
    const { findings, record } = recordOf({ removal: 'trim' })
    record.compare(told(all.slice(3), 3), 1)
    record.compare(told(all), 2)
    expect(promisesOf(findings)).toContain('what was removed stays away')
  })

  test('names what appears between records that were read before', () => {
    const { findings, record } = recordOf()
    record.compare(without(told(all), 3), 1)
    record.compare(told(all), 2)
    expect(promisesOf(findings)).toContain('nothing appears between what was read')
  })

  test('names a record that a reader has seen and that is gone, and one that was something else', () => {
    const [first, ...others] = told(all).records
    if (first === undefined) return
    const gone = recordOf()
    gone.record.see(first)
    gone.record.compare({ ...without(told(all), 0), startOffset: 0 }, 1)
    expect(promisesOf(gone.findings)).toContain('what a reader has seen stays')
    const changed = recordOf()
    changed.record.acknowledge(0, append(0, 0)[0] as RecordName)
    changed.record.see({ ...(others.at(-1) ?? first), offset: 0 })
    expect(promisesOf(changed.findings)).toEqual(['an offset keeps its record'])
  })
})

describe('the outside record of a log that is compacted', () => {
  const kind: Partial<LogKind> = { removal: 'compaction' }
  const numbers = Array.from({ length: 40 }, (_, number) => append(3, number)[0] as RecordName)
  const story: LogStory = {
    ...told(numbers),
    records: numbers.map((name, offset) => ({
      offset,
      name: toldName(name, true),
      digest: digestOf(isTombstone(name) ? new Uint8Array() : recordValue(name)),
    })),
  }
  const brokenKeyed = (change: LogStory) => {
    const { findings, record } = recordOf(kind)
    numbers.forEach((name, offset) => void record.acknowledge(offset, name))
    record.compare(change, 1)
    return promisesOf(findings)
  }
  const keys = numbers.map(keyOf)
  const latest = keys.findLastIndex(
    (key, index) => key !== undefined && !isTombstone(numbers[index] as RecordName),
  )
  const earlier = keys.findIndex((key, index) => key !== undefined && keys.lastIndexOf(key) > index)

  test('has nothing to say if everything is there, or if only records are gone that have a later one', () => {
    expect(brokenKeyed(story)).toEqual([])
    expect(brokenKeyed(without(story, earlier))).toEqual([])
  })

  test('names the latest record of a key that is gone, and a record without key', () => {
    expect(brokenKeyed(without(story, keys.lastIndexOf(keys[latest])))).toContain(
      'what was acknowledged is there',
    )
    expect(brokenKeyed(without(story, keys.indexOf(undefined)))).toContain('what was acknowledged is there')
  })

  test('names a key that comes back, since what removed it has gone before it', () => {
    const removed = numbers.findIndex((name, index) => isTombstone(name) && keys.indexOf(keys[index]) < index)
    const later = keys.flatMap((key, index) => (key === keys[removed] && index >= removed ? [index] : []))
    const { findings, record } = recordOf(kind)
    numbers.slice(0, removed + 1).forEach((name, offset) => void record.acknowledge(offset, name))
    const left = { ...story, endOffset: removed + 1, records: story.records.slice(0, removed) }
    record.compare(left, 1)
    expect(later.length).toBeGreaterThan(0)
    expect(promisesOf(findings)).toEqual(['a removed key stays removed'])
  })
})

test('A record that removes a key is told by its key, since it has no value', () => {
  const key = new TextEncoder().encode('k3')
  const report = recordReport({ offset: 7, timestampMs: 0, key, value: new Uint8Array() })
  expect(report).toEqual({ kind: 'record', offset: 7, name: '-k3', digest: digestOf(new Uint8Array()) })
})

test('A name is found in the text and in the value that it determines', () => {
  const name = { life: 3, producer: 2, number: 17, first: 15, count: 4 }
  expect(parseName(nameText(name))).toEqual(name)
  expect(parseName(recordValue(name))).toEqual(name)
  expect(parseName('nobody wrote it')).toBeUndefined()
})
