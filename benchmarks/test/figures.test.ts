import type { LatencySummary } from '@millrace/fleet'
import { expect, test } from 'vitest'
import { figureTable } from '../src/figure-table.ts'
import { type SpineResult, spineFigures } from '../src/spine/figures.ts'

const machine = { cpus: 2, node: '24.0.0', kernel: 'linux 6', disk: 'ext4 on /dev/vda' }

function latencies(p99Ms: number, count = 1_000): LatencySummary {
  return { count, meanMs: p99Ms / 2, p50Ms: p99Ms / 2, p99Ms, p999Ms: p99Ms * 2, maxMs: p99Ms * 2 }
}

function result(name: string, p99Ms: number, commands: number): SpineResult {
  const load = { devices: 10, ratePerSecond: 100, seconds: 10, published: 1_000, acknowledged: 1_000 }
  const latency = { publishToAcknowledged: latencies(p99Ms), publishToCommand: latencies(p99Ms, commands) }
  const use = { residentStart: 1, residentEnd: 1, residentMax: 1, cpuSeconds: 1 }
  return {
    plan: { name, settings: 'none' },
    measurement: {
      load: { ...load, ...latency, unacknowledged: 0, commandsReceived: commands, connections: 10 },
      use,
      achievedRate: 100,
    },
  }
}

const figures = spineFigures({
  load: { devices: 10, ratePerSecond: 100, seconds: 10, warmUpSeconds: 0, answerEvery: 1 },
  raw: latencies(2),
  ours: result('millrace', 8, 1_000),
  peers: [result('slow', 16, 1_000), result('silent', 4, 0)],
  machine,
  date: '2026-01-01T00:00:00.000Z',
})

function figure(name: string) {
  return figures.find((each) => each.case.startsWith(`${name} (100/s from 10 devices`))
}

test('A latency stands beside the raw limit, and each peer beside ours', () => {
  expect(figure('publish to command, p99')).toMatchObject({
    value: 8,
    rawLimit: 2,
    ratio: 4,
    peers: [
      { name: 'slow', settings: 'none', value: 16, ratio: 2 },
      { name: 'silent', settings: 'none', value: null, ratio: null },
    ],
  })
})

test('Commands that never came are counted, and do not pass for quick ones', () => {
  const { value, peers } = figure('commands that did not come') ?? {}
  expect(value).toBe(0)
  expect(peers?.map((peer) => peer.value)).toEqual([0, 1_000])
})

test('A table has a row for each figure, and a dash where nothing was measured', () => {
  const lines = figureTable(figures).split('\n')
  expect(lines[0]).toBe('| figure | millrace | raw disk | slow | silent |')
  expect(lines).toContain('| publish to command, p99 | **8** ms | 2 | 16 | - |')
})

test('With many peers a table has a row for each of them, and figures with other peers have a table of their own', () => {
  const peers = Array.from({ length: 7 }, (_, index) => ({
    name: `peer ${index}`,
    settings: 'none',
    value: index,
    ratio: 1,
  }))
  const common = { bench: 'log', unit: 'records/s', machine, date: '2026-01-01T00:00:00.000Z' }
  const limits = [
    { name: 'blocking', value: 4, ratio: 0.75 },
    { name: 'asynchronous', value: 2, ratio: 1.5 },
  ]
  const lines = figureTable([
    { ...common, case: 'rate', value: 3, rawLimit: 4, ratio: 0.75, limits, peers },
    { ...common, case: 'alone', value: 1, peers: [] },
  ]).split('\n')
  expect(lines[0]).toBe('| figure | rate |')
  expect(lines).toContain('| millrace | **3** records/s |')
  expect(lines).toContain('| asynchronous | 2 |')
  expect(lines).toContain('| peer 6 | 6 |')
  expect(lines).toContain('| figure | millrace | raw disk |')
  expect(lines).toContain('| alone | **1** records/s | - |')
})
