import { expect, test } from 'vitest'
import { missingPrograms } from '../src/run/needed-programs.ts'
import { isTooOld } from '../src/run/node-version.ts'
import type { StepResult } from '../src/run/step.ts'
import { checkSteps, proofSteps } from '../src/run/steps.ts'
import { closingLine, failureText, skippedTests, stepLine } from '../src/run/summary.ts'

const unit: StepResult = {
  name: 'unit tests',
  state: 'failed',
  ms: 12_340,
  output: 'a\nb\n\n',
  counts: { passed: 40, failed: 2, skipped: 3 },
}
const types: StepResult = {
  name: 'types',
  state: 'passed',
  ms: 900,
  output: '',
  counts: { passed: 0, failed: 0, skipped: 0 },
}

test('a step is one line with its mark, time and tests', () => {
  expect(stepLine(unit)).toBe('✗ unit tests         12.3 s  40 passed, 2 failed, 3 skipped')
  expect(stepLine(types)).toBe('✓ types               0.9 s')
  expect(stepLine({ ...types, state: 'absent' })).toBe('- types            not there yet')
})

test('the closing line sums up all steps, and whatever else failed', () => {
  expect(closingLine([unit, types])).toBe('40 passed, 2 failed')
  expect(closingLine([types], 1)).toBe('0 passed, 1 failed')
  expect(skippedTests([unit, types])).toBe(3)
})

test('a failure is printed under the name of its step', () => {
  expect(failureText(unit)).toBe('\n──── unit tests ────\na\nb\n')
})

test('a program that the machine lacks is told with what is lost and how to get it', () => {
  const needed = [
    {
      name: 'broker',
      programs: ['no-such-broker', 'nor-this'],
      why: 'the bench compares',
      install: 'apt-get install broker',
    },
  ]
  expect(missingPrograms(needed)).toEqual([
    'MISSING: broker (the bench compares). Install it with "apt-get install broker".',
  ])
  expect(missingPrograms([{ name: 'node', programs: ['nor-this', 'node'], why: '', install: '' }])).toEqual(
    [],
  )
})

test.each([
  ['v20.19.0', true],
  ['v22.17.1', true],
  ['v22.18.0', false],
  ['v24.0.0', false],
])('Node %s is too old: %s', (version, expected) => {
  expect(isTooOld(version)).toBe(expected)
})

test('every step has a name of its own and an end', () => {
  const steps = [...checkSteps, ...proofSteps]
  expect(new Set(steps.map(({ name }) => name)).size).toBe(steps.length)
  for (const { limitMs } of steps) expect(limitMs).toBeGreaterThan(0)
})
