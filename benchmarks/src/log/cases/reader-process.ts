import { LatencyHistogram } from '@millrace/fleet'
import { followLog, openLogReader } from '@millrace/log'
import { nodeFiles, nodeRuntime } from '@millrace/node'

/** A process of its own that follows a log until it has read so many records, each of which says when it was appended. */
const [root = '', count = '0'] = process.argv.slice(2)
const NANOSECONDS_A_MILLISECOND = 1e6

const log = await openLogReader({ files: nodeFiles(root), directory: 'log', runtime: nodeRuntime() })
const histogram = new LatencyHistogram()
process.send?.('following')

let rest = Number(count)
for await (const records of followLog(log, 0, new AbortController().signal)) {
  // The clock is the machine's, not the process's.
  const now = process.hrtime.bigint()
  for (const { value } of records) {
    const appended = new DataView(value.buffer, value.byteOffset).getBigUint64(0)
    histogram.record(Number(now - appended) / NANOSECONDS_A_MILLISECOND)
    rest -= 1
  }
  if (rest <= 0) break
}
await log.close()
process.send?.({ latencies: histogram.counts() })
process.once('message', () => {})
process.once('disconnect', () => process.exit())
