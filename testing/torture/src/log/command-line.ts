import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { summaryOfFindings } from '../finding.ts'
import { lieOf, wholeNumber } from '../options.ts'
import { LIES } from './lie.ts'
import { type LogTortureReport, tortureLog } from './torture-log.ts'

/** What `npm run torture -- log --help` prints. */
export const LOG_HELP = `npm run torture -- log [options]

Kills processes that append to a log with kill -9, at random moments of their lives, and compares what the next process
finds with what was acknowledged. Exit code 0: every promise was kept. 1: one was not; the data directory is kept.

  --kills N    default: 500
  --seed N     plans and moments of death; default: another one each time
  --jobs N     logs at the same time (default: 2)
  --data DIR   below which the data directory is made (default: .cache/torture)
  --lie NAME   makes it fail on purpose: ${LIES.join(', ')}
  --json       the summary as JSON`

/** Runs the torture as the command line says; the exit code. */
export async function logCommand(args: readonly string[]): Promise<number> {
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
  const report = await tortureLog({
    seed,
    kills: wholeNumber('--kills', values.kills),
    jobs: Math.max(1, wholeNumber('--jobs', values.jobs)),
    dataDirectory: join(values.data, `log-${seed}-${process.pid}`),
    lie: lieOf(LIES, values.lie),
    tell: (line) => (values.json ? console.error(line) : console.log(line)),
  })
  console.log(values.json ? JSON.stringify(report) : summaryOf(report))
  return report.findings.length === 0 ? 0 : 1
}

function summaryOf(report: LogTortureReport): string {
  const { seed, kills, killsBeforeOpen, killsInClose, closed, logs, acknowledged, recordsCompared } = report
  return [
    `seed ${seed}: ${kills} kills in ${report.seconds} s, ${killsBeforeOpen} of them before it was open, ${killsInClose} while it closed; ${closed} lives closed in peace`,
    `${logs} logs, ${acknowledged} records acknowledged, ${recordsCompared} compared; opened in ${report.openMsMax} ms at most`,
    `readers saw ${report.recordsSeenByReaders} records, and ${report.readerKills} of them were killed`,
    ...summaryOfFindings(report.findings),
    ...(report.dataDirectory === undefined ? [] : [`data: ${report.dataDirectory}`]),
  ].join('\n')
}
