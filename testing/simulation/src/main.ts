import { parseArgs } from 'node:util'
import { describeReport, describeSwarm, replayCommand } from './report-text.ts'
import { runSimulation, type SimulationReport } from './simulation.ts'
import { drawSwarm } from './swarm.ts'

const USAGE = `npm run sim -- <seed>                                   replays one seed and tells what happened
npm run sim -- --count <n> [--from <seed>] [--json]     runs seeds one after the other`

const VERBOSE_TAIL_MAX = 400
const PROGRESS_EVERY_MS = 5_000
/** Failing seeds after which a long run ends. */
const FAILURES_MAX = 10

/** Runs one seed and prints everything that is known of it. */
async function replay(seed: number): Promise<boolean> {
  console.log(describeSwarm(seed, drawSwarm(seed)))
  const report = await runSimulation(seed, { tailMax: VERBOSE_TAIL_MAX })
  for (const line of report.tail) console.log(line)
  console.log(describeReport(report))
  return report.violation === undefined
}

/** Runs many seeds and prints how far it is; stops early when it is clear that something is wrong. */
async function runMany(from: number, count: number, isJson: boolean): Promise<boolean> {
  const startedMs = performance.now()
  let toldMs = startedMs
  const failures: SimulationReport[] = []
  let done = 0
  for (; done < count && failures.length < FAILURES_MAX; done += 1) {
    const report = await runSimulation(from + done)
    if (report.violation !== undefined) failures.push(report)
    if (report.violation !== undefined && !isJson) console.log(describeReport(report))
    if (performance.now() - toldMs < PROGRESS_EVERY_MS) continue
    toldMs = performance.now()
    if (!isJson) tellProgress(done + 1, count, toldMs - startedMs, failures.length)
  }
  const seconds = (performance.now() - startedMs) / 1000
  const summary = { seeds: done, from, failed: failures.length, seedsPerSecond: round(done / seconds) }
  if (isJson) console.log(JSON.stringify({ ...summary, failures: failures.map(toJson) }))
  else
    console.log(
      `${done} seeds from ${from} on in ${round(seconds)} s (${summary.seedsPerSecond}/s): ${failures.length} failed`,
    )
  return failures.length === 0
}

function tellProgress(done: number, count: number, elapsedMs: number, failed: number): void {
  const perSecond = (done * 1000) / elapsedMs
  console.log(
    `${done} of ${count} seeds, ${round(perSecond)}/s, ${failed} failed, ${Math.ceil((count - done) / perSecond)} s to go`,
  )
}

function toJson({ seed, violation, steps, historyHash }: SimulationReport) {
  return { seed, ...violation, steps, historyHash, replay: replayCommand(seed) }
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

/** A whole number that is not negative; undefined if `text` is none. */
function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

/** Undefined for options that do not exist. */
function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { count: { type: 'string' }, from: { type: 'string' }, json: { type: 'boolean' } },
    })
  } catch {
    return undefined
  }
}

/** Gives the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const { values = {}, positionals = [] } = parsed(args) ?? {}
  const seed = wholeNumber(positionals[0])
  const count = wholeNumber(values.count)
  const from = wholeNumber(values.from ?? '1')
  if (count !== undefined && from !== undefined)
    return (await runMany(from, count, values.json ?? false)) ? 0 : 1
  if (seed !== undefined) return (await replay(seed)) ? 0 : 1
  console.error(USAGE)
  return 2
}

process.exitCode = await main(process.argv.slice(2))
