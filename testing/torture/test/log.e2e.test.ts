import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type LogTortureReport, tortureLog } from '../src/index.ts'
import type { Lie } from '../src/log/lie.ts'

async function torture(kills: number, lie?: Lie): Promise<LogTortureReport> {
  const directory = await mkdtemp(join(tmpdir(), 'torture-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return tortureLog({ kills, seed: 7, jobs: 2, dataDirectory: join(directory, 'data'), lie, tell: () => {} })
}

test('A log whose process is killed again and again keeps every promise', async () => {
  const report = await torture(40)
  expect(report.findings).toEqual([])
  expect(report.kills).toBe(40)
  expect(report.acknowledged).toBeGreaterThan(0)
  expect(report.dataDirectory).toBeUndefined()
})

test('An acknowledgement before its time is found out, and the data directory is kept', async () => {
  const report = await torture(500, 'early')
  expect(report.findings.map(({ promise }) => promise)).toContain('what was acknowledged is there')
  expect(report.dataDirectory).toBeDefined()
})

test.each(['damage', 'cut', 'segment'] as const)('The lie "%s" is found out', async (lie) => {
  const report = await torture(500, lie)
  // Which promise is found broken first depends on what the newest segment held: records that had been acknowledged, or
  // only ones that an earlier life had read.
  expect(report.findings).not.toEqual([])
  expect(report.dataDirectory).toBeDefined()
})
