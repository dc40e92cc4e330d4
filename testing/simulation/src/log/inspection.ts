import { errorText } from '@millrace/kernel'
import { type Log, type LogOptions, type LogRecord, openLog } from '@millrace/log'
import type { MemoryFiles } from '@millrace/memory'
import type { Circumstances } from './circumstances.ts'
import { Judgement } from './judgement.ts'
import type { Fact, Knowledge } from './knowledge.ts'
import { type LightRuntime, lightRuntime } from './light-runtime.ts'
import { fail } from './violation.ts'

/** Where every simulated log lives. */
export const LOG_DIRECTORY = 'log'

/** Options of the logs of a run, but for what differs from life to life. */
export type LogSettings = Omit<LogOptions, 'files' | 'directory' | 'runtime'>

/** An opened survivor. */
export interface Inspected {
  readonly log: Log
  readonly runtime: LightRuntime
  /** Every record that it has, by offset. */
  readonly records: readonly LogRecord[]
  readonly numbers: readonly number[]
}

/** Calls that opening a log may make, beside those for each of its files. */
const OPEN_CALLS_MAX = 60
const OPEN_CALLS_PER_FILE_MAX = 14

/** Opens what a crash has left, reads all of it, and compares it with what is known. Throws {@link Violation}. */
export async function inspect(
  disk: MemoryFiles,
  settings: LogSettings,
  knowledge: Knowledge,
  circumstances: Circumstances = {},
): Promise<Inspected> {
  const runtime = lightRuntime(1, Math.max(knowledge.nowMsMax, 1))
  const files = (await disk.list(LOG_DIRECTORY)).length
  const before = disk.operations
  const log = await openLog({ files: disk, directory: LOG_DIRECTORY, runtime, ...settings }).catch(
    (error: unknown) => fail(`the log does not open: ${errorText(error)}`),
  )
  const calls = disk.operations - before
  if (calls > OPEN_CALLS_MAX + files * OPEN_CALLS_PER_FILE_MAX)
    fail(`opening a log of ${files} files took ${calls} calls`)
  const records = await readAll(log)
  const judgement = new Judgement(log, records, knowledge, circumstances)
  judgement.pronounce()
  return { log, runtime, records, numbers: judgement.numbers }
}

/** Appends one record to a log that was just opened, and reads it. Answers what is known by that. */
export async function appendAfter({ log, runtime }: Inspected, knowledge: Knowledge): Promise<Fact> {
  const { book } = knowledge
  book.beginTurn()
  const [number = -1] = book.book([{ bytes: 24 }], runtime.clock.now())
  const end = log.endOffset
  const { baseOffset } = await log
    .append(book.records([number]))
    .catch((error: unknown) => fail(`nothing can be appended after the crash: ${errorText(error)}`))
  if (baseOffset < end) fail(`the next record got offset ${baseOffset}, and the log ended at ${end}`)
  const [read] = await log.read(baseOffset)
  if (read === undefined || book.identify(read) !== number)
    fail(`the record appended at ${baseOffset} is not there`)
  return {
    kind: 'acknowledged',
    baseOffset,
    numbers: [number],
    isDurable: baseOffset < log.durableOffset,
  }
}

/** Everything that can be read, from the start to the end. */
export async function readAll(log: Pick<Log, 'read' | 'startOffset'>): Promise<readonly LogRecord[]> {
  const records: LogRecord[] = []
  for (let next = log.startOffset; ; ) {
    const batch = await log
      .read(next)
      .catch((error: unknown) => fail(`offset ${next} cannot be read: ${errorText(error)}`))
    const last = batch.at(-1)
    if (last === undefined) return records
    records.push(...batch)
    next = last.offset + 1
  }
}
