import { availableParallelism } from 'node:os'
import { ensureNode } from './run/node-version.ts'
import { runSteps, type StepResult, stopStepsOnSignal } from './run/step.ts'
import { checkSteps } from './run/steps.ts'
import { failureText, stepLine } from './run/summary.ts'

/** Runs format, lint, types, layers, tidy, examples and unit tests; `print` hears a line as each ends. */
export async function runChecks(print: (line: string) => void): Promise<StepResult[]> {
  const concurrency = Math.min(availableParallelism(), checkSteps.length)
  const results = await runSteps(checkSteps, { concurrency, onEnd: (result) => print(stepLine(result)) })
  for (const result of results) if (result.state === 'failed') print(failureText(result))
  return results
}

const HELP = `npm run check -- [--json]

Format, lint, types, layers, tidy, examples and unit tests, in under a minute. Exit code 0: all is well; 1: a step failed.

  --json   one JSON document at the end instead of a line a step`

async function main(): Promise<void> {
  if (process.argv.includes('--help')) return console.log(HELP)
  const startMs = Date.now()
  const json = process.argv.includes('--json')
  const results = await runChecks(json ? () => {} : console.log)
  const failed = results.filter(({ state }) => state === 'failed').map(({ name }) => name)
  const ms = Date.now() - startMs
  if (json) console.log(JSON.stringify({ ok: failed.length === 0, ms, steps: results }))
  else
    console.log(
      failed.length === 0
        ? `All well after ${ms / 1000} s.`
        : `Failed: ${failed.join(', ')} (${ms / 1000} s).`,
    )
  process.exitCode = failed.length === 0 ? 0 : 1
}

if (import.meta.main) {
  ensureNode()
  stopStepsOnSignal()
  await main()
}
