import { type ExhaustiveReport, runExhaustive, type ShortTrace } from './exhaustive.ts'

const PROGRESS_EVERY_MS = 5_000

/** Runs all short traces, or the one that `only` names, and prints what came of them. False if a promise was not kept. */
export async function exhaust(
  operationsMax: number,
  isJson: boolean,
  only: string | undefined,
): Promise<boolean> {
  const startedMs = performance.now()
  let toldMs = startedMs
  const tell = (report: ExhaustiveReport): void => {
    if (isJson || performance.now() - toldMs < PROGRESS_EVERY_MS) return
    toldMs = performance.now()
    console.log(`${report.traces} traces, ${report.points} crash points, 0 failed`)
  }
  const trace = only === undefined ? {} : { only: parseTrace(only) }
  const report = await runExhaustive({ operationsMax, tell, ...trace })
  const seconds = (performance.now() - startedMs) / 1000
  console.log(isJson ? toJson(report, operationsMax, seconds) : describe(report, operationsMax, seconds))
  return report.violation === undefined
}

function toJson({ violation, ...counts }: ExhaustiveReport, operationsMax: number, seconds: number): string {
  const failures = violation === undefined ? [] : [{ ...violation, replay: replayCommand(violation.trace) }]
  const rates = { seconds, pointsPerSecond: Math.round(counts.points / seconds) }
  return JSON.stringify({
    target: 'log',
    operationsMax,
    ...counts,
    ...rates,
    failed: failures.length,
    failures,
  })
}

function describe(report: ExhaustiveReport, operationsMax: number, seconds: number): string {
  const { traces, moments, points, statesMax, violation } = report
  const rate = `${seconds.toFixed(1)} s, ${Math.round(points / seconds)}/s`
  const counts = `${points} crash points at ${moments} moments of ${traces} traces of up to ${operationsMax} operations`
  const summary = `${counts} (${rate}; at most ${statesMax} states a moment): ${violation === undefined ? 0 : 1} failed`
  if (violation === undefined) return summary
  return [
    `trace FAILED: ${describeTrace(violation.trace)}`,
    `  seen: ${violation.what}`,
    `  at: ${violation.where}`,
    `  replay: ${replayCommand(violation.trace)}`,
    summary,
  ].join('\n')
}

function replayCommand(trace: ShortTrace): string {
  return `npm run sim -- log --exhaustive --trace '${describeTrace(trace)}'`
}

function describeTrace({ start, steps }: ShortTrace): string {
  return [start, ...steps].join(', ')
}

function parseTrace(text: string): ShortTrace {
  const [start = '', ...steps] = text.split(', ')
  return { start, steps }
}
