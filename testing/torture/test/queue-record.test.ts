import { describe, expect, test } from 'vitest'
import { FindingBook } from '../src/finding.ts'
import { digestOf, keyOf, nameText, type RecordName, recordValue } from '../src/log/record-name.ts'
import { QueueRecord } from '../src/queue/queue-record.ts'
import type { QueueReport, TakenItem } from '../src/queue/queue-report.ts'

const LANE = 'normal'

/** Numbers that give items without key, and others that share one. */
function itemOf(number: number): RecordName {
  return { life: 0, producer: 0, number, first: 0, count: 6 }
}

const put: QueueReport = { kind: 'put', lane: LANE, offsets: [0, 1, 2, 3, 4, 5], name: nameText(itemOf(0)) }

function taken(number: number, change: Partial<TakenItem> = {}): QueueReport {
  const item = itemOf(number)
  const told = { name: nameText(item), digest: digestOf(recordValue(item)), key: keyOf(item), deliveries: 1 }
  return { kind: 'taken', consumer: 'a', items: [{ lane: LANE, offset: number, ...told, ...change }] }
}

function settle(kind: 'acknowledging' | 'acknowledged' | 'returned', ...offsets: number[]): QueueReport {
  return { kind, consumer: 'a', places: offsets.map((offset) => ({ lane: LANE, offset })) }
}

const done = (...offsets: number[]) => [
  settle('acknowledging', ...offsets),
  settle('acknowledged', ...offsets),
]
const everything = [0, 1, 2, 3, 4, 5].flatMap((number) => [taken(number), ...done(number)])

/** What is wrong after these lives. */
function broken(...lives: (readonly QueueReport[])[]): string[] {
  const findings = new FindingBook()
  const record = new QueueRecord(findings, ['a'])
  lives.forEach((reports, life) => void record.learn(life, reports))
  record.checkEmptied()
  return findings.all.map(({ promise }) => promise)
}

describe('the outside record of a queue', () => {
  test('has nothing to say if everything comes once and is acknowledged', () => {
    expect(broken([put, ...everything])).toEqual([])
  })

  test('lets an item come again that its process had not acknowledged, or that was put back', () => {
    expect(broken([put, taken(0)], everything)).toEqual([])
    expect(broken([put, taken(0), settle('returned', 0), ...everything])).toEqual([])
  })

  test('does not know of an acknowledgement that was under way: the item may come again, or not', () => {
    expect(broken([put, taken(0), settle('acknowledging', 0)], everything)).toEqual([])
    expect(broken([put, taken(0), settle('acknowledging', 0)], everything.slice(3))).toEqual([])
  })

  test('names an acknowledged item that comes again', () => {
    expect(broken([put, ...everything], [taken(3), ...done(3)])).toEqual([
      'what was acknowledged never comes again',
    ])
  })

  test('names an item that never comes, and one that does not come again', () => {
    expect(broken([put, ...everything.slice(3)])).toContain('what was put comes to every consumer')
    expect(broken([put, ...everything.slice(0, -2)])).toContain('what is not done comes again')
  })

  test('names an item that two have at a time', () => {
    expect(broken([put, taken(0), ...everything])).toContain('an item is with one at a time')
  })

  test('names an item that comes before an earlier one with its key is done', () => {
    const keys = [0, 1, 2, 3, 4, 5].map((number) => keyOf(itemOf(number)))
    const second = keys.findIndex((key, index) => key !== undefined && keys.indexOf(key) < index)
    expect(second).toBeGreaterThan(0)
    expect(broken([put, taken(second), ...done(second), ...everything])).toContain(
      'items with one key come in order',
    )
  })

  test('names changed bytes, another key, an invented item, and a place that has another item than before', () => {
    expect(broken([put, taken(0, { digest: 'another' })])).toContain('every byte is as it was put')
    expect(broken([put, taken(0, { key: 'another' })])).toContain('every byte is as it was put')
    const invented = { ...itemOf(900), life: 9 }
    const told = { name: nameText(invented), digest: digestOf(recordValue(invented)), key: keyOf(invented) }
    expect(broken([put, taken(0, { offset: 99, ...told })])).toContain('nothing is invented')
    expect(broken([put, taken(1, { offset: 2 })])).toContain('a place keeps its item')
    expect(broken([put, put])).toContain('a place is used once')
  })

  test('hands on what the queue itself complains about at the end', () => {
    expect(broken([put, ...everything, { kind: 'emptied', complaints: ['1 dead letter'] }])).toEqual([
      'an emptied queue is empty',
    ])
  })
})
