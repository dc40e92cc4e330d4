import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findServers, services } from '@millrace/services'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Engine } from '../src/store/options.ts'
import { benchStore } from '../src/store/store-bench.ts'
import { TURN_CASES } from '../src/store/store-plan.ts'

const LIMIT_MS = 120_000

async function bench(engine: Engine) {
  const directory = await mkdtemp(join(tmpdir(), 'bench-store-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return benchStore({
    cases: ['turns', 'projection', 'memory'],
    engines: [engine],
    schedule: { seconds: 0.1, slices: 1, warmUpSeconds: 0.02 },
    peers: false,
    projection: { events: 400, peerEvents: 40, streams: 20 },
    memoryEvents: 10_000,
    directory,
    progress: () => {},
  })
}

describe('the bench of the store', () => {
  test(
    'has a rate for every case on SQLite, beside statements by hand, and counts every projected event',
    async () => {
      const figures = await bench('sqlite')
      for (const name of TURN_CASES) {
        const figure = figures.find((each) => each.case === `sqlite, ${name}, rate`)
        expect(figure).toMatchObject({ bench: 'store', unit: 'records/s', rawLimit: expect.any(Number) })
        expect(figure?.value).toBeGreaterThan(0)
      }
      expect(figures.find((each) => each.case === 'sqlite, projection, rebuild')?.value).toBeGreaterThan(0)
      const memory = figures.find((each) => each.case.endsWith('heap growth'))
      expect(memory?.note).toContain('at each tenth of 10000 events')
    },
    LIMIT_MS,
  )

  test.each(findServers(services.postgres).slice(0, 1))(
    'has figures on PostgreSQL $version',
    async () => {
      const figures = await bench('postgres')
      expect(figures.find((each) => each.case === 'postgres, append one, rate')?.value).toBeGreaterThan(0)
      expect(figures.find((each) => each.case === 'postgres, projection, background')?.value).toBeGreaterThan(
        0,
      )
    },
    LIMIT_MS,
  )
})
