import { followLog, openLogReader } from '@millrace/log'
import { nodeFiles, nodeRuntime } from '@millrace/node'
import type { ReaderPlan } from './life-plan.ts'
import { recordReport } from './record-name.ts'
import { liveByPlan, report } from './started-process.ts'

/** A process that only reads, while writers come and die beside it: tells every record that it sees. */
await liveByPlan<ReaderPlan>(async ({ root }) => {
  const log = await openLogReader({ files: nodeFiles(root), directory: 'log', runtime: nodeRuntime() })
  for await (const records of followLog(log, 0, new AbortController().signal)) {
    report(...records.map(recordReport))
  }
})
