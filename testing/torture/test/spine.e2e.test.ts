import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type SpineTortureReport, tortureSpine } from '../src/index.ts'
import type { Lie } from '../src/spine/lie.ts'

async function torture(lie: Lie | undefined): Promise<SpineTortureReport> {
  const directory = await mkdtemp(join(tmpdir(), 'torture-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return tortureSpine({
    kills: 2,
    seed: 7,
    devices: 4,
    ratePerDevice: 25,
    dataDirectory: join(directory, 'data'),
    lie,
    tell: () => {},
  })
}

test('A server that is killed twice under load keeps every promise', async () => {
  const report = await torture(undefined)
  expect(report.findings).toEqual([])
  expect(report.kills).toBeGreaterThanOrEqual(2)
  expect(report.acknowledged).toBe(report.published)
  expect(report.inTopic).toBe(report.published)
})

test('An acknowledgement of what was never sent is reported as lost, and the data directory is kept', async () => {
  const report = await torture('unsent')
  expect(report.findings).toEqual([
    { promise: 'what was acknowledged is in the topic', count: 1, examples: ['tortured-0-1000000'] },
  ])
  expect(report.dataDirectory).toBeDefined()
})

test('Bytes that were damaged between two kills are reported as lost, and nothing else is', async () => {
  const { findings } = await torture('damage')
  const lost = findings.find(({ promise }) => promise === 'what was acknowledged is in the topic')
  expect(lost?.count).toBeGreaterThan(0)
  expect(lost?.count).toBeLessThan(100)
})

test('A segment that vanished between two kills does not go unnoticed', async () => {
  const { findings } = await torture('segment')
  expect(findings).toHaveLength(1)
  expect(findings[0]?.promise).toBe('the server comes back and answers')
  expect(findings[0]?.examples[0]).toContain('torture.reading/0')
})
