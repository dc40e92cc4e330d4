import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Finding, summaryOfFindings } from './finding.ts'
import { LIES, type Lie } from './log/lie.ts'
import { type LogTortureReport, tortureLog } from './log/torture-log.ts'
import { lieOf, wholeNumber } from './options.ts'
import type { LanesOptions } from './process/lanes.ts'
import { type QueueTortureReport, tortureQueue } from './queue/torture-queue.ts'

/** A torture whose victims are small programs of its own. */
interface Torture<Report> {
  readonly name: string
  readonly run: (options: LanesOptions & { readonly lie: Lie | undefined }) => Promise<Report>
  /** What it came to, beside its findings. */
  readonly summary: (report: Report) => readonly string[]
}

interface Outcome {
  readonly findings: readonly Finding[]
  readonly dataDirectory?: string
}

const OPTIONS_HELP = `  --kills N    default: 500
  --seed N     plans and moments of death; default: another one each time
  --jobs N     how many at the same time (default: 2)
  --data DIR   below which the data directory is made (default: .cache/torture)
  --lie NAME   makes it fail on purpose: ${LIES.join(', ')}
  --json       the summary as JSON`

/** What `npm run torture -- log --help` prints. */
export const LOG_HELP = `npm run torture -- log [options]

Kills processes that append to a log with kill -9, at random moments of their lives, and compares what the next process
finds with what was acknowledged. Exit code 0: every promise was kept. 1: one was not; the data directory is kept.

${OPTIONS_HELP}`

/** What `npm run torture -- queue --help` prints. */
export const QUEUE_HELP = `npm run torture -- queue [options]

Kills processes that put into a queue, take, acknowledge and put back, with kill -9, at random moments of their lives:
what was acknowledged must not come again, and what was put must come until it is. Exit codes as above.

${OPTIONS_HELP}`

/** Runs the torture of the log as the command line says; the exit code. */
export function logCommand(args: readonly string[]): Promise<number> {
  return command(args, { name: 'log', run: tortureLog, summary: logSummary })
}

/** The same for the queue. */
export function queueCommand(args: readonly string[]): Promise<number> {
  return command(args, { name: 'queue', run: tortureQueue, summary: queueSummary })
}

async function command<Report extends Outcome>(
  args: readonly string[],
  torture: Torture<Report>,
): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kills: { type: 'string', default: '500' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
      jobs: { type: 'string', default: '2' },
      data: { type: 'string', default: '.cache/torture' },
      lie: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  })
  const seed = wholeNumber('--seed', values.seed)
  const report = await torture.run({
    seed,
    kills: wholeNumber('--kills', values.kills),
    jobs: Math.max(1, wholeNumber('--jobs', values.jobs)),
    dataDirectory: join(values.data, `${torture.name}-${seed}-${process.pid}`),
    lie: lieOf(LIES, values.lie),
    tell: (line) => (values.json ? console.error(line) : console.log(line)),
  })
  const { findings, dataDirectory } = report
  const text = [
    ...torture.summary(report),
    ...summaryOfFindings(findings),
    ...(dataDirectory === undefined ? [] : [`data: ${dataDirectory}`]),
  ]
  console.log(values.json ? JSON.stringify(report) : text.join('\n'))
  return findings.length === 0 ? 0 : 1
}

interface Killed {
  readonly seed: number
  readonly kills: number
  readonly killsBeforeOpen: number
  readonly killsInClose: number
  readonly closed: number
  readonly seconds: number
}

function killSummary({ seed, kills, killsBeforeOpen, killsInClose, closed, seconds }: Killed): string {
  const when = `${killsBeforeOpen} of them before it was open, ${killsInClose} while it closed`
  return `seed ${seed}: ${kills} kills in ${seconds} s, ${when}; ${closed} lives closed in peace`
}

function logSummary(report: LogTortureReport): readonly string[] {
  const { logs, acknowledged, recordsCompared, openMsMax, recordsSeenByReaders, readerKills } = report
  return [
    killSummary(report),
    `${logs} logs, ${acknowledged} records acknowledged, ${recordsCompared} compared; opened in ${openMsMax} ms at most`,
    `readers saw ${recordsSeenByReaders} records, and ${readerKills} of them were killed`,
  ]
}

function queueSummary(report: QueueTortureReport): readonly string[] {
  const { queues, put, taken, acknowledged, openMsMax } = report
  return [
    killSummary(report),
    `${queues} queues, ${put} items put, handed out ${taken} times, ${acknowledged} times acknowledged; opened in ${openMsMax} ms at most`,
  ]
}
