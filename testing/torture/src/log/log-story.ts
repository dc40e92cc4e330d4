import type { LogKind } from './life-plan.ts'
import type { LifeReport, ToldRecord } from './life-report.ts'
import { nameText, parseName, type RecordName } from './record-name.ts'

/** What a log says of itself after it was opened. */
export interface LogStory {
  readonly startOffset: number
  readonly endOffset: number
  readonly bytes: number
  readonly gaps: readonly { readonly from: number; readonly to: number; readonly reason: string }[]
  readonly records: readonly ToldRecord[]
}

/** Notes a promise that was not kept, with an example. */
export type Say = (promise: string, example: string) => void

/** The story in the reports of a life; undefined if it died before it had told everything. */
export function storyOf(reports: readonly LifeReport[]): LogStory | undefined {
  const opened = reports.find((report) => report.kind === 'opened')
  const told = reports.find((report) => report.kind === 'told')
  if (opened === undefined || told === undefined) return undefined
  return {
    startOffset: opened.startOffset,
    endOffset: opened.endOffset,
    bytes: told.bytes,
    gaps: reports.filter((report) => report.kind === 'gap'),
    records: reports.filter((report) => report.kind === 'record'),
  }
}

/** Offsets without holes, every producer in its order and without a hole, every append whole. */
export function checkOrder(story: LogStory, kind: LogKind, say: Say): void {
  const { records } = story
  const names = records.flatMap(({ offset, name }) => {
    const record = parseName(name)
    return record === undefined ? [] : [{ offset, record }]
  })
  checkProducers(names, kind.removal === 'compaction', say)
  // What compaction leaves has holes everywhere.
  if (kind.removal === 'compaction') return
  checkHoles(story, say)
  checkAppends(
    names.map(({ record }) => record),
    say,
  )
}

function checkHoles({ startOffset, endOffset, gaps, records }: LogStory, say: Say): void {
  // In the order of offsets; one may begin where another ends, as two crashes in a row leave them.
  const isSkipped = (from: number, to: number) =>
    gaps.reduce((at, gap) => (gap.from <= at && at < gap.to ? gap.to : at), from) >= to
  let expected = startOffset
  for (const { offset } of records) {
    if (offset !== expected && !isSkipped(expected, offset))
      say('offsets have no holes', `${expected} is missing before ${offset}`)
    expected = offset + 1
  }
  if (expected !== endOffset && !isSkipped(expected, endOffset))
    say('offsets have no holes', `${expected} is behind the last record, and the log ends at ${endOffset}`)
}

function checkProducers(
  names: readonly { readonly offset: number; readonly record: RecordName }[],
  mayMiss: boolean,
  say: Say,
): void {
  const numbers = new Map<string, number>()
  for (const { offset, record } of names) {
    const producer = `${record.life}.${record.producer}`
    const last = numbers.get(producer)
    const isNext = last === undefined ? record.number === record.first : record.number === last + 1
    if (!(mayMiss ? record.number > (last ?? -1) : isNext))
      say('a producer keeps its order', `${nameText(record)} at ${offset} behind number ${last}`)
    numbers.set(producer, record.number)
  }
}

function checkAppends(records: readonly RecordName[], say: Say): void {
  for (const [index, record] of records.entries()) {
    if (record.number === record.first + record.count - 1) continue
    const next = records[index + 1]
    const goesOn =
      next?.life === record.life && next.producer === record.producer && next.number === record.number + 1
    if (!goesOn) say('an append is all or none', `${nameText(record)} is not followed by its rest`)
  }
}
