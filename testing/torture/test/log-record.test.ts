import { describe, expect, test } from 'vitest'
import { FindingBook } from '../src/finding.ts'
import { LogRecord, type LogStory } from '../src/log/log-record.ts'
import { digestOf, nameText, parseName, type RecordName, recordValue } from '../src/log/record-name.ts'

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
function broken(change: (story: LogStory) => LogStory, acknowledged: readonly RecordName[] = all): string[] {
  const findings = new FindingBook()
  const record = new LogRecord(findings)
  acknowledged.forEach((name, offset) => {
    if (name.number === name.first) record.acknowledge(offset, name)
  })
  record.compare(change(told(all)), { retentionBytesMax: 50_000, segmentBytesMax: 10_000 }, 1)
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

  test('names a gap, even if nothing is missing', () => {
    expect(broken((story) => ({ ...story, gaps: [{ from: 0, to: 1, reason: 'damaged' }] }))).toEqual([
      'no gap is named',
    ])
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
    expect(broken((story) => story, [...append(0, 0), ...append(1, 0, 2), ...append(0, 1)])).toEqual([])
    const findings = new FindingBook()
    const record = new LogRecord(findings)
    record.acknowledge(0, append(0, 0)[0] as RecordName)
    record.acknowledge(0, append(1, 0)[0] as RecordName)
    expect(findings.all.map(({ promise }) => promise)).toEqual(['an offset is used once'])
  })

  test('names a producer whose records overtook each other', () => {
    const names = [...append(0, 1), ...append(1, 0, 2), ...append(0, 0)]
    expect(broken(() => told(names), [])).toContain('a producer keeps its order')
  })

  test('names a retention that took too much, and what comes back after it was removed', () => {
    const removed = { ...told(all.slice(3), 3), bytes: 20_000 }
    expect(broken(() => removed)).toEqual(['retention takes no more than it may'])
    const findings = new FindingBook()
    const record = new LogRecord(findings)
    const removal = { retentionBytesMax: 50_000, segmentBytesMax: 10_000 }
    record.compare(told(all.slice(3), 3), removal, 1)
    record.compare(told(all), removal, 2)
    expect(findings.all.map(({ promise }) => promise)).toContain('what was removed stays away')
  })

  test('names what appears between records that were read before', () => {
    const findings = new FindingBook()
    const record = new LogRecord(findings)
    const removal = { retentionBytesMax: undefined, segmentBytesMax: 10_000 }
    record.compare(without(told(all), 3), removal, 1)
    record.compare(told(all), removal, 2)
    expect(findings.all.map(({ promise }) => promise)).toContain('nothing appears between what was read')
  })
})

test('A name is found in the text and in the value that it determines', () => {
  const name = { life: 3, producer: 2, number: 17, first: 15, count: 4 }
  expect(parseName(nameText(name))).toEqual(name)
  expect(parseName(recordValue(name))).toEqual(name)
  expect(parseName('nobody wrote it')).toBeUndefined()
})
