import { runChecks } from './check.ts'
import { missingPrograms, neededPrograms } from './run/needed-programs.ts'
import { ensureNode } from './run/node-version.ts'
import { runSteps, stopStepsOnSignal } from './run/step.ts'
import { proofSteps } from './run/steps.ts'
import { closingLine, skippedTests, stepLine } from './run/summary.ts'

/** Proves the project: the checks, then what needs files, sockets, processes, a browser, seeds and kills. */
async function main(): Promise<void> {
  const checks = await runChecks(console.log)
  const proofs = await runSteps(proofSteps, {
    concurrency: 1,
    live: true,
    onEnd: (result) => console.log(`${stepLine(result)}\n`),
  })
  const results = [...checks, ...proofs]
  const missing = missingPrograms()
  const required = neededPrograms.filter(({ isOptional }) => isOptional !== true)
  const missingFailures = process.env.CI === 'true' ? missingPrograms(required).length : 0
  const skipped = skippedTests(results)
  console.log('')
  for (const result of results) console.log(stepLine(result))
  if (skipped > 0) console.log(`\nSKIPPED: ${skipped} tests did not run.`)
  if (missing.length > 0) console.log(`\n${missing.join('\n')}`)
  const failed = missingFailures > 0 || results.some(({ state }) => state === 'failed')
  process.exitCode = failed ? 1 : 0
  console.log(`\n${closingLine(results, missingFailures)}`)
}

if (import.meta.main) {
  ensureNode()
  stopStepsOnSignal()
  await main()
}
