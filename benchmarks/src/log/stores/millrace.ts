import { type Durability, type Log, openLog } from '@millrace/log'
import { nodeFiles, nodeRuntime } from '@millrace/node'
import type { BenchStore, StorePlan } from '../store.ts'

const READ_BYTES = 1024 * 1024

const SETTINGS: Readonly<Record<Durability, string>> = {
  disk: 'defaults: durable before append resolves',
  interval: "durability: 'interval': with the system when append resolves, synced each second",
  os: "durability: 'os': with the system when append resolves, synced when it likes",
}

/** Our log with its defaults, and with the weaker durability levels behind it. */
export function millracePlans(): StorePlan[] {
  return (['disk', 'interval', 'os'] as const).map((durability) => ({
    id: `millrace/${durability}`,
    name: durability === 'disk' ? 'millrace log' : `millrace log, ${durability}`,
    settings: SETTINGS[durability],
    gathers: false,
    open: (directory) => openMillrace(directory, durability),
  }))
}

async function openMillrace(directory: string, durability: Durability): Promise<BenchStore> {
  const log = await openLog({
    files: nodeFiles(directory),
    directory: 'log',
    runtime: nodeRuntime(),
    durability,
  })
  return {
    append: async (records) => {
      await log.append(records.map((value) => ({ value })))
    },
    read: (touch) => readLog(log, touch),
    [Symbol.asyncDispose]: () => log.close(),
  }
}

async function readLog(log: Log, touch: (record: Uint8Array) => boolean): Promise<void> {
  for (let next = log.startOffset; ; ) {
    const records = await log.read(next, { bytesMax: READ_BYTES })
    const last = records.at(-1)
    if (last === undefined) return
    for (const { value } of records) if (!touch(value)) return
    next = last.offset + 1
  }
}
