import { join } from 'node:path'
import type { BenchStore, MissingPlan, StorePlan } from '../store.ts'
import { loadPeer, peerVersion } from './peer-packages.ts'

interface Database {
  put(key: Uint8Array, value: Uint8Array, options: { sync: boolean }): Promise<void>
  batch(
    operations: readonly { type: 'put'; key: Uint8Array; value: Uint8Array }[],
    options: { sync: boolean },
  ): Promise<void>
  values(): { nextv(count: number): Promise<Uint8Array[]>; close(): Promise<void> }
  open(): Promise<void>
  close(): Promise<void>
}

interface ClassicLevel {
  readonly ClassicLevel: new (
    path: string,
    options: { keyEncoding: 'view'; valueEncoding: 'view' },
  ) => Database
}

const DURABLE = 'sync: true on every write'
const READ_COUNT = 10_000

/** LevelDB. */
export function classicLevelPlans(): (StorePlan | MissingPlan)[] {
  const version = peerVersion('classic-level')
  if (version === undefined) {
    return [{ name: 'classic-level', settings: DURABLE, reason: 'not installed: run with --install-peers' }]
  }
  const plan = (variant: string, settings: string, sync: boolean): StorePlan => ({
    id: `classic-level/${variant}`,
    name: `classic-level ${variant}`,
    settings: `classic-level ${version}; ${settings}; one batch an append, or for all that wait`,
    gathers: true,
    open: (directory) => openLevel(join(directory, 'log.level'), sync),
  })
  return [plan('durable', DURABLE, true), plan('default', 'defaults: sync: false', false)]
}

async function openLevel(path: string, sync: boolean): Promise<BenchStore> {
  const { ClassicLevel } = loadPeer<ClassicLevel>('classic-level')
  const database = new ClassicLevel(path, { keyEncoding: 'view', valueEncoding: 'view' })
  await database.open()
  let next = 0
  const key = () => {
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setBigUint64(0, BigInt(next++))
    return bytes
  }
  return {
    append: (records) => {
      const [first] = records
      if (records.length === 1 && first !== undefined) return database.put(key(), first, { sync })
      return database.batch(
        records.map((value) => ({ type: 'put', key: key(), value })),
        { sync },
      )
    },
    read: async (touch) => {
      const values = database.values()
      try {
        for (;;) {
          const some = await values.nextv(READ_COUNT)
          if (some.length === 0 || !some.every(touch)) return
        }
      } finally {
        await values.close()
      }
    },
    [Symbol.asyncDispose]: () => database.close(),
  }
}
