import type { StepResult } from './step.ts'

const MARKS = { passed: '✓', failed: '✗', absent: '-' } as const

/** One line for a step: mark, name, time, and what vitest counted. */
export function stepLine({ name, state, ms, counts }: StepResult): string {
  const tests = counts.passed + counts.failed > 0 && counts.passed > 0 ? `  ${countsText(counts)}` : ''
  const time = state === 'absent' ? 'not there yet' : `${(ms / 1000).toFixed(1)} s`
  return `${MARKS[state]} ${name.padEnd(16)} ${time.padStart(8)}${tests}`
}

/** What a failed step printed, under its name. */
export function failureText({ name, output }: StepResult): string {
  return `\n──── ${name} ────\n${output.trimEnd()}\n`
}

/** `N passed, N failed` over all steps; a step that fails without a failing test counts as one failure. */
export function closingLine(results: readonly StepResult[], otherFailures = 0): string {
  const sum = (pick: (result: StepResult) => number) =>
    results.reduce((total, result) => total + pick(result), 0)
  return `${sum(({ counts }) => counts.passed)} passed, ${sum(({ counts }) => counts.failed) + otherFailures} failed`
}

export function skippedTests(results: readonly StepResult[]): number {
  return results.reduce((total, { counts }) => total + counts.skipped, 0)
}

function countsText({ passed, failed, skipped }: StepResult['counts']): string {
  return [
    `${passed} passed`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ].join(', ')
}
