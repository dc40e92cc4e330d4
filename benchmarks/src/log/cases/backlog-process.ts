import { type Log, openLog } from '@millrace/log'
import { nodeFiles, nodeRuntime } from '@millrace/node'
import { countingFiles } from '../counting-files.ts'

/** Makes a backlog, or opens one. */
export interface BacklogTask {
  readonly kind: 'fill' | 'open'
  readonly root: string
  readonly logs: number
  readonly bytesEach: number
  readonly idleSeconds: number
}

/** What opening came to; all zero after filling. */
export interface BacklogReport {
  /** From before the first log is opened until an append is acknowledged: in the first log that does, and in all. */
  readonly firstAppendMs: number
  readonly everyAppendMs: number
  readonly residentBytesBefore: number
  readonly residentBytes: number
  readonly idleSyncs: number
  readonly idleWrites: number
  readonly idleCpuMsPerSecond: number
}

const RECORD_BYTES = 1024
const BATCH_RECORDS = 500
/** The lazy mark is written within a second after the last append; what comes after that is idleness. */
const SETTLE_MS = 2_500

process.once('message', (task: BacklogTask) => {
  void (task.kind === 'fill' ? fill(task) : open(task)).then((report) => {
    process.send?.({ report }, () => process.disconnect())
  })
})

async function fill({ root, logs, bytesEach }: BacklogTask): Promise<BacklogReport> {
  const batch = Array.from({ length: BATCH_RECORDS }, () => ({ value: new Uint8Array(RECORD_BYTES).fill(1) }))
  const runtime = nodeRuntime()
  for (let index = 0; index < logs; index += 1) {
    await using log = await openLog({
      files: nodeFiles(root),
      directory: nameOf(index),
      runtime,
      durability: 'os',
    })
    while (log.bytes < bytesEach) await log.append(batch)
  }
  return NOTHING
}

async function open({ root, logs, idleSeconds }: BacklogTask): Promise<BacklogReport> {
  const { files, counts } = countingFiles(nodeFiles(root))
  const runtime = nodeRuntime()
  const residentBytesBefore = process.memoryUsage.rss()
  const startMs = performance.now()
  let firstAppendMs = Number.NaN
  const opened: Log[] = await Promise.all(
    Array.from({ length: logs }, async (_, index) => {
      const log = await openLog({ files, directory: nameOf(index), runtime })
      await log.append([{ value: new Uint8Array(RECORD_BYTES) }])
      if (Number.isNaN(firstAppendMs)) firstAppendMs = performance.now() - startMs
      return log
    }),
  )
  const everyAppendMs = performance.now() - startMs
  await pause(SETTLE_MS)
  const before = { ...counts }
  const cpu = process.cpuUsage()
  await pause(idleSeconds * 1000)
  const { user, system } = process.cpuUsage(cpu)
  const report = {
    firstAppendMs,
    everyAppendMs,
    residentBytesBefore,
    residentBytes: process.memoryUsage.rss(),
    idleSyncs: counts.syncs - before.syncs,
    idleWrites: counts.writes - before.writes,
    idleCpuMsPerSecond: (user + system) / 1000 / idleSeconds,
  }
  await Promise.all(opened.map((log) => log.close()))
  return report
}

const NOTHING: BacklogReport = {
  firstAppendMs: 0,
  everyAppendMs: 0,
  residentBytesBefore: 0,
  residentBytes: 0,
  idleSyncs: 0,
  idleWrites: 0,
  idleCpuMsPerSecond: 0,
}

function nameOf(index: number): string {
  return `log-${index}`
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
