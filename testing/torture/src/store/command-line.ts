import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { summaryOfFindings } from '../finding.ts'
import { wholeNumber } from '../options.ts'
import { startTorturedServer } from './postgres-backends.ts'
import { type StoreTortureReport, tortureStore } from './torture-store.ts'

/** What `npm run torture -- store --help` prints. */
export const STORE_HELP = `npm run torture -- store [options]

Kills processes that write to a store with kill -9, at random moments of their lives: units of events, documents, patches
and rows, with projections and a relay to a bus. On PostgreSQL, processes of the server are killed, too. What was saved
must be there as a whole and once. Exit code 0: every promise was kept. 1: one was not; the data directory is kept.

  --engine NAME  sqlite or postgres (default: sqlite); postgres is a server of its own, started for the run
  --kills N      default: 200
  --seed N       plans and moments of death; default: another one each time
  --jobs N       how many at the same time (default: 2)
  --data DIR     below which the data directory is made (default: .cache/torture)
  --lie          makes it fail on purpose: units are reported before they are saved
  --json         the summary as JSON`

/** Runs the torture of the store as the command line says; the exit code. */
export async function storeCommand(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      engine: { type: 'string', default: 'sqlite' },
      kills: { type: 'string', default: '200' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
      jobs: { type: 'string', default: '2' },
      data: { type: 'string', default: '.cache/torture' },
      lie: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const seed = wholeNumber('--seed', values.seed)
  if (values.engine !== 'sqlite' && values.engine !== 'postgres') {
    throw new Error(`--engine is ${values.engine}, expected sqlite or postgres`)
  }
  await using running = new AsyncDisposableStack()
  const engine =
    values.engine === 'sqlite'
      ? ({ name: 'sqlite' } as const)
      : running.use(await startTorturedServer()).engine
  const report = await tortureStore({
    seed,
    engine,
    kills: wholeNumber('--kills', values.kills),
    jobs: Math.max(1, wholeNumber('--jobs', values.jobs)),
    dataDirectory: join(values.data, `store-${engine.name}-${seed}-${process.pid}`),
    isLying: values.lie,
    tell: (line) => (values.json ? console.error(line) : console.log(line)),
  })
  console.log(values.json ? JSON.stringify(report) : summary(report).join('\n'))
  return report.findings.length === 0 ? 0 : 1
}

function summary(report: StoreTortureReport): readonly string[] {
  const { seed, engine, kills, killsBeforeOpen, killsInClose, serverKills, closed, seconds, findings } =
    report
  const { stores, units, saved, decided, openMsMax, dataDirectory } = report
  const server = engine === 'postgres' ? `; ${serverKills} processes of the server killed beside them` : ''
  return [
    `seed ${seed}, ${engine}: ${kills} kills in ${seconds} s, ${killsBeforeOpen} of them before it was open, ${killsInClose} while it closed; ${closed} lives closed in peace${server}`,
    `${stores} stores, ${units} units, ${saved} of them acknowledged, ${decided} in doubt and then found whole or not at all; opened in ${openMsMax} ms at most`,
    ...summaryOfFindings(findings),
    ...(dataDirectory === undefined ? [] : [`data: ${dataDirectory}`]),
  ]
}
