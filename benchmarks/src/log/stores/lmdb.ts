import { join } from 'node:path'
import type { BenchStore, MissingPlan, StorePlan } from '../store.ts'
import { loadPeer, peerVersion } from './peer-packages.ts'

interface Database {
  put(key: number, value: Uint8Array): Promise<boolean>
  readonly flushed: Promise<boolean>
  getRange(): Iterable<{ value: Uint8Array }>
  close(): Promise<void>
}

interface Lmdb {
  open(options: { path: string; encoding: 'binary' }): Database
}

const DURABLE = 'defaults, every append waits for db.flushed'
const DEFAULT = 'defaults: an append waits for its commit, which a flush follows'

/** lmdb-js, which commits what waits together by itself. */
export function lmdbPlans(): (StorePlan | MissingPlan)[] {
  const version = peerVersion('lmdb')
  if (version === undefined) {
    return [{ name: 'lmdb', settings: DURABLE, reason: 'not installed: run with --install-peers' }]
  }
  const plan = (variant: string, settings: string, flushes: boolean): StorePlan => ({
    id: `lmdb/${variant}`,
    name: `lmdb ${variant}`,
    settings: `lmdb ${version}; ${settings}`,
    gathers: false,
    open: async (directory) => openLmdb(join(directory, 'log.lmdb'), flushes),
  })
  return [plan('durable', DURABLE, true), plan('default', DEFAULT, false)]
}

function openLmdb(path: string, flushes: boolean): BenchStore {
  const database = loadPeer<Lmdb>('lmdb').open({ path, encoding: 'binary' })
  let next = 0
  return {
    append: async (records) => {
      let last: Promise<unknown> | undefined
      for (const record of records) last = database.put(next++, record)
      await last
      if (flushes) await database.flushed
    },
    read: async (touch) => {
      for (const { value } of database.getRange()) if (!touch(value)) return
    },
    [Symbol.asyncDispose]: () => database.close(),
  }
}
