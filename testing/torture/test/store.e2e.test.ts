import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findServers, services } from '@millrace/services'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startTorturedServer } from '../src/store/postgres-backends.ts'
import { tortureStore } from '../src/store/torture-store.ts'
import type { Engine } from '../src/store/tortured-store.ts'

const LIMIT_MS = 180_000

async function torture(engine: Engine, kills: number, isLying = false) {
  const directory = await mkdtemp(join(tmpdir(), 'torture-store-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return tortureStore({
    engine,
    kills,
    isLying,
    seed: 1,
    jobs: 2,
    dataDirectory: join(directory, 'data'),
    tell: () => {},
  })
}

describe('the torture of the store', () => {
  test(
    'turns red if units are reported before they are saved',
    async () => {
      const { findings } = await torture({ name: 'sqlite' }, 60, true)
      expect(findings.map(({ promise }) => promise)).toContain('what was saved stays')
    },
    LIMIT_MS,
  )
})

describe.each(findServers(services.postgres).slice(0, 1))('on PostgreSQL $version', () => {
  test(
    'keeps every promise while the writer and processes of the server are killed',
    async () => {
      await using server = await startTorturedServer()
      const report = await torture(server.engine, 6)
      expect(report.findings).toEqual([])
      expect(report.kills).toBe(6)
    },
    LIMIT_MS,
  )
})
