import { parseArgs } from 'node:util'
import { exhaust } from './log/exhaustive-command.ts'
import { runSeeds } from './seed-runner.ts'
import type { SeedResult, Target } from './target.ts'
import { targets } from './targets.ts'

const USAGE = `npm run sim -- spine|log|bus <seed>                                   replays one seed and tells what happened
npm run sim -- spine|log|bus --count <n> [--from <seed>] [--jobs <n>] [--json]   runs seeds one after the other
npm run sim -- log --exhaustive [--operations <n>] [--json]          every short trace, with everything that a crash can leave
npm run sim -- log --exhaustive --trace '<start>, <step>, …'         one of them
Without a name it is the spine.`

const PROGRESS_EVERY_MS = 5_000

/** What the command line says. */
interface Command {
  readonly target: Target
  readonly seed: number | undefined
  readonly count: number | undefined
  readonly from: number
  readonly jobs: number
  readonly isJson: boolean
  readonly isExhaustive: boolean
  readonly operations: number
  readonly trace: string | undefined
}

/** Runs many seeds, and prints how far it is and what has failed. */
async function runMany(command: Command, count: number): Promise<boolean> {
  const { target, from, jobs, isJson } = command
  const startedMs = performance.now()
  let toldMs = startedMs
  let seeds = 0
  let points = 0
  const failures: SeedResult[] = []
  await runSeeds({ target: target.name, from, count, jobs }, (result) => {
    seeds += 1
    points += result.points
    if (result.failure !== undefined) failures.push(result)
    if (result.failure !== undefined && !isJson) console.log(describeFailure(result))
    const nowMs = performance.now()
    if (isJson || nowMs - toldMs < PROGRESS_EVERY_MS) return
    toldMs = nowMs
    const perSecond = (seeds * 1000) / (nowMs - startedMs)
    const left = `${Math.ceil((count - seeds) / perSecond)} s to go`
    console.log(`${seeds} of ${count} seeds, ${points} ${target.unit}, ${failures.length} failed, ${left}`)
  })
  const seconds = (performance.now() - startedMs) / 1000
  tellSummary(command, { seeds, points, seconds, failures })
  return failures.length === 0
}

interface Summary {
  readonly seeds: number
  readonly points: number
  readonly seconds: number
  readonly failures: readonly SeedResult[]
}

function tellSummary({ target, from, isJson }: Command, { seeds, points, seconds, failures }: Summary): void {
  const pointsPerSecond = Math.round(points / seconds)
  if (!isJson) {
    const rate = `${points} ${target.unit}, ${pointsPerSecond}/s`
    console.log(`${seeds} seeds from ${from} on in ${round(seconds)} s (${rate}): ${failures.length} failed`)
    return
  }
  const figures = { target: target.name, seeds, from, failed: failures.length, points, unit: target.unit }
  const rates = { seconds: round(seconds), seedsPerSecond: round(seeds / seconds), pointsPerSecond }
  const details = failures.map(({ seed, failure }) => ({ seed, ...failure }))
  console.log(JSON.stringify({ ...figures, ...rates, failures: details }))
}

function describeFailure({ seed, failure }: SeedResult): string {
  return [
    `seed ${seed} FAILED`,
    `  seen: ${failure?.what}`,
    `  at: ${failure?.where}`,
    `  replay: ${failure?.replay}`,
  ].join('\n')
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

/** A whole number that is not negative; undefined if `text` is none. */
function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

/** Undefined for what cannot be understood. */
function parse(args: readonly string[]): Command | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        count: { type: 'string' },
        from: { type: 'string', default: '1' },
        jobs: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
        exhaustive: { type: 'boolean', default: false },
        operations: { type: 'string', default: '12' },
        trace: { type: 'string' },
      },
    })
    const [first = 'spine', ...rest] = positionals
    const isSeed = wholeNumber(first) !== undefined
    const target = targets[isSeed ? 'spine' : first]
    const [from, jobs, operations] = [values.from, values.jobs, values.operations].map(wholeNumber)
    if (target === undefined || from === undefined || !jobs || !operations) return undefined
    const seed = wholeNumber(isSeed ? first : rest[0])
    const count = wholeNumber(values.count)
    const { json: isJson, exhaustive: isExhaustive, trace } = values
    return { target, seed, count, from, jobs, isJson, isExhaustive, operations, trace }
  } catch {
    return undefined
  }
}

/** Gives the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const command = parse(args)
  if (command?.isExhaustive && command.target.name === 'log')
    return (await exhaust(command.operations, command.isJson, command.trace)) ? 0 : 1
  if (command?.count !== undefined) return (await runMany(command, command.count)) ? 0 : 1
  if (command?.seed !== undefined)
    return (await command.target.replay(command.seed, console.log)).failure === undefined ? 0 : 1
  console.error(USAGE)
  return 2
}

process.exitCode = await main(process.argv.slice(2))
