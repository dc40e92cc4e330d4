import { type LoadReport, runLoad } from '@millrace/fleet'
import { type ProcessUse, watchProcesses } from '../process-meter.ts'
import type { Contender } from './contender.ts'

/** The load, the same for everybody. */
export interface SpineLoad {
  readonly devices: number
  readonly ratePerSecond: number
  readonly seconds: number
  readonly warmUpSeconds: number
  /** Every so-manyth reading is answered with a command. */
  readonly answerEvery: number
}

/** What one contender came to. */
export interface SpineMeasurement {
  readonly load: LoadReport
  readonly use: ProcessUse
  /** Acknowledged readings a second, from the first to the last acknowledgement. */
  readonly achievedRate: number
}

/** Puts the load on a contender: first to warm up, then measured. */
export async function measureSpine(contender: Contender, load: SpineLoad): Promise<SpineMeasurement> {
  const { url, passwordOf, pids } = contender
  let firstMs = Number.NaN
  let lastMs = Number.NaN
  const options = {
    url,
    devices: load.devices,
    ratePerSecond: load.ratePerSecond,
    eventType: 'bench.reading',
    dataOf: (_: string, index: number) => ({
      index,
      celsius: 20 + (index % 100) / 10,
      humidity: 55.5,
      note: NOTE,
    }),
    ...(passwordOf === undefined ? {} : { passwordOf }),
  }
  if (load.warmUpSeconds > 0) await runLoad({ ...options, seconds: load.warmUpSeconds })
  const meter = watchProcesses(pids)
  const report = await runLoad({
    ...options,
    seconds: load.seconds,
    onAcknowledged: () => {
      lastMs = performance.now()
      if (Number.isNaN(firstMs)) firstMs = lastMs
    },
  })
  const use = meter.stop()
  return { load: report, use, achievedRate: (1000 * (report.acknowledged - 1)) / (lastMs - firstMs) }
}

/** Brings a reading to about 200 bytes on the wire, as devices with a few more sensors send. */
const NOTE = 'a reading is about as long as readings are, with its topic, id, and a few more values'
