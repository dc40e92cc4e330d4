import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type QueueTortureReport, tortureQueue } from '../src/index.ts'
import { LIES, type Lie } from '../src/log/lie.ts'

async function torture(kills: number, lie?: Lie): Promise<QueueTortureReport> {
  const directory = await mkdtemp(join(tmpdir(), 'torture-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return tortureQueue({
    kills,
    seed: 7,
    jobs: 2,
    dataDirectory: join(directory, 'data'),
    lie,
    tell: () => {},
  })
}

test('A queue whose process is killed again and again keeps every promise', async () => {
  const report = await torture(40)
  expect(report.findings).toEqual([])
  expect(report.kills).toBe(40)
  expect(report.put).toBeGreaterThan(0)
  expect(report.acknowledged).toBeGreaterThanOrEqual(report.put)
})

test.each(LIES)('The lie "%s" is found out', async (lie) => {
  const report = await torture(500, lie)
  expect(report.findings).not.toEqual([])
  expect(report.dataDirectory).toBeDefined()
})
