import { followLog, openLogReader } from '@millrace/log'
import { nodeFiles, nodeRuntime } from '@millrace/node'
import { liveByPlan, reporter } from '../process/started-process.ts'
import type { ReaderPlan } from './life-plan.ts'
import type { LifeReport } from './life-report.ts'
import { recordReport } from './record-name.ts'

const report = reporter<LifeReport>()

/** A process that only reads, while writers come and die beside it: tells every record that it sees. */
await liveByPlan<ReaderPlan>(async ({ root }) => {
  const log = await openLogReader({ files: nodeFiles(root), directory: 'log', runtime: nodeRuntime() })
  for await (const records of followLog(log, 0, new AbortController().signal)) {
    report(...records.map(recordReport))
  }
})
