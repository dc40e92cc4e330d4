import { type Log, openLog } from '@millrace/log'
import { nodeFiles, nodeRuntime } from '@millrace/node'
import type { BenchStore, StorePlan } from '../store.ts'

const READ_BYTES = 1024 * 1024

/** Our log with its defaults: every record is on the disk before `append` resolves. */
export function millracePlans(): StorePlan[] {
  return [
    {
      id: 'millrace/disk',
      name: 'millrace log',
      settings: 'defaults: durable before append resolves, 64 MiB segments',
      gathers: false,
      open: (directory) => openMillrace(directory),
    },
  ]
}

async function openMillrace(directory: string): Promise<BenchStore> {
  const log = await openLog({ files: nodeFiles(directory), directory: 'log', runtime: nodeRuntime() })
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
