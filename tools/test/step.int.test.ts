import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { runStep, runSteps, type Step } from '../src/run/step.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-steps-'))
afterAll(() => rmSync(folder, { recursive: true }))

const script = (code: string, more: Partial<Step> = {}): Step => ({
  name: 'a step',
  args: ['-e', code],
  limitMs: 20_000,
  ...more,
})

test('a step that ends well has passed, with what it printed on both streams', async () => {
  const result = await runStep(script("console.log('out'); console.error('err')"), { folder })
  expect(result).toMatchObject({ state: 'passed', counts: { passed: 0, failed: 0, skipped: 0 } })
  expect(result.output.split('\n').sort()).toEqual(['', 'err', 'out'])
})

test('a step that ends badly has failed, and counts as one failure', async () => {
  expect(await runStep(script('process.exit(3)'), { folder })).toMatchObject({
    state: 'failed',
    counts: { failed: 1 },
  })
})

test('the tests of a report are counted, and an old report is not taken for a new one', async () => {
  const report = '.cache/tests/unit.json'
  const counts = { numPassedTests: 5, numFailedTests: 2, numPendingTests: 1, numTodoTests: 1 }
  const writing = script(`fs.writeFileSync('${report}', '${JSON.stringify(counts)}'); process.exit(1)`, {
    report,
  })
  expect(await runStep(writing, { folder })).toMatchObject({ counts: { passed: 5, failed: 2, skipped: 2 } })
  expect(await runStep(script('process.exit(1)', { report }), { folder })).toMatchObject({
    counts: { passed: 0, failed: 1 },
  })
})

test('a report that is cut short counts as a failure', async () => {
  const report = '.cache/tests/short.json'
  expect(
    await runStep(script(`fs.writeFileSync('${report}', '{ "num')`, { report }), { folder }),
  ).toMatchObject({
    state: 'failed',
    counts: { passed: 0, failed: 1 },
  })
})

test('a step without what it needs is absent, not failed', async () => {
  expect(await runStep(script('process.exit(1)', { needs: 'later.ts' }), { folder })).toMatchObject({
    state: 'absent',
    output: 'later.ts does not exist yet.\n',
    counts: { failed: 0 },
  })
})

test('a step that does not end is stopped at its limit, together with what it started', async () => {
  const code =
    "const c = child_process.spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)']); console.log(c.pid); setInterval(() => {}, 1e6)"
  const result = await runStep(script(code, { limitMs: 1500 }), { folder })
  expect(result.state).toBe('failed')
  expect(result.output).toContain('Stopped: the step "a step" did not end within 1.5 s.')
  const grandchild = Number.parseInt(result.output, 10)
  expect(grandchild).toBeGreaterThan(0)
  await vi.waitFor(() => expect(() => process.kill(grandchild, 0)).toThrow('ESRCH'), { timeout: 5000 })
})

test('steps run at the same time as far as allowed, and their results keep the order', async () => {
  const meet = (own: string, other: string) =>
    script(
      `fs.writeFileSync('${own}', ''); const wait = setInterval(() => fs.existsSync('${other}') && clearInterval(wait), 5)`,
      { name: own },
    )
  const ended: string[] = []
  const options = { folder, concurrency: 2, onEnd: (result: { name: string }) => ended.push(result.name) }
  const results = await runSteps(
    [meet('left', 'right'), meet('right', 'left'), script('', { name: 'last' })],
    options,
  )
  expect(results.map(({ name, state }) => `${name} ${state}`)).toEqual([
    'left passed',
    'right passed',
    'last passed',
  ])
  expect(ended.sort()).toEqual(['last', 'left', 'right'])
})
