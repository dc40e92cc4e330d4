import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { benchSpine, type Figure } from '@millrace/benchmarks'
import { expect, onTestFinished, test } from 'vitest'

test('The spine bench without its peer gives every figure with all its fields, and the load is carried', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'bench-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const figures = await benchSpine({
    devices: 10,
    ratePerSecond: 100,
    seconds: 2,
    warmUpSeconds: 0.5,
    answerEvery: 1,
    rawSeconds: 0.2,
    peer: false,
    directory,
    progress: () => {},
  })
  const value = (name: string) => figures.find((figure) => figure.case.startsWith(name))?.value
  for (const figure of figures) expectWhole(figure)
  for (const hop of ['publish to PUBACK', 'publish to command']) {
    for (const percentile of ['p50', 'p99', 'p99.9'])
      expect(value(`${hop}, ${percentile}`)).toBeGreaterThan(0)
  }
  expect(value('acknowledged readings')).toBeGreaterThan(0)
  expect(value('readings not acknowledged')).toBe(0)
  expect(value('commands that did not come')).toBe(0)
})

function expectWhole(figure: Figure): void {
  expect(figure).toMatchObject({
    bench: 'spine',
    case: expect.stringContaining('(100/s from 10 devices, every reading answered)'),
    unit: expect.any(String),
    peers: [],
    machine: {
      cpus: expect.any(Number),
      node: process.versions.node,
      kernel: expect.any(String),
      disk: expect.any(String),
    },
  })
  expect(new Date(figure.date).toISOString()).toBe(figure.date)
  if (figure.unit !== 'ms') return
  expect(figure.rawLimit).toBeGreaterThan(0)
  expect(figure.ratio).toBeGreaterThan(0)
}
