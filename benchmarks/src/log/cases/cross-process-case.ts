import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type LatencyCounts, LatencyHistogram, type LatencySummary } from '@millrace/fleet'
import { type Log, openLog } from '@millrace/log'
import { nodeFiles, nodeRuntime } from '@millrace/node'
import { ChildProgram } from '../../child-program.ts'
import { type Figure, limit, type RunContext } from '../../figure.ts'
import { logFigure } from '../log-figures.ts'
import type { LogBenchOptions } from '../options.ts'
import { rawWriter } from '../raw-writer.ts'

const RECORD_BYTES = 1024
const READER_MS_MAX = 60_000

/**
 * From the call of `append` in one process until another one has the record, at a steady rate on a machine that is
 * otherwise idle. Before each append stands one blocking raw write and sync, so that both see the same moments.
 */
export async function benchCrossProcess(
  { crossProcess, progress }: LogBenchOptions,
  directory: string,
  context: RunContext,
): Promise<Figure[]> {
  const { records, ratePerSecond } = crossProcess
  const work = join(directory, 'cross-process')
  await mkdir(work)
  await using log = await openLog({ files: nodeFiles(work), directory: 'log', runtime: nodeRuntime() })
  const path = fileURLToPath(new URL('reader-process.ts', import.meta.url))
  await using reader = ChildProgram.startModule(path, [work, String(records)])
  await reader.ready((said) => (said === 'following' ? true : undefined))
  const read = reader.ask({ begin: true }, countsOf, (1000 * records) / ratePerSecond + READER_MS_MAX)
  const { raw, acknowledged } = await appendSteadily(log, join(work, 'raw'), records, 1000 / ratePerSecond)
  const seen = new LatencyHistogram()
  seen.add(await read)
  const summary = seen.summary()
  progress(
    `cross-process: read p50 ${summary.p50Ms} p99 ${summary.p99Ms} · acknowledged p99 ${acknowledged.p99Ms} · raw p99 ${raw.p99Ms} ms`,
  )
  return [
    ...figures('append to read in another process', summary, raw, context),
    ...figures('append to acknowledged, beside it', acknowledged, raw, context),
  ]
}

async function appendSteadily(
  log: Log,
  rawPath: string,
  records: number,
  pauseMs: number,
): Promise<{ readonly raw: LatencySummary; readonly acknowledged: LatencySummary }> {
  const rawWrite = rawWriter(rawPath)
  const raw = new LatencyHistogram()
  const acknowledged = new LatencyHistogram()
  const startMs = performance.now()
  for (let index = 0; index < records; index += 1) {
    const waitMs = startMs + index * pauseMs - performance.now()
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
    raw.record(rawWrite())
    const value = new Uint8Array(RECORD_BYTES).fill(1)
    const beganMs = performance.now()
    new DataView(value.buffer).setBigUint64(0, process.hrtime.bigint())
    await log.append([{ value }])
    acknowledged.record(performance.now() - beganMs)
  }
  return { raw: raw.summary(), acknowledged: acknowledged.summary() }
}

function figures(name: string, ours: LatencySummary, raw: LatencySummary, context: RunContext): Figure[] {
  const of = (percentile: string, value: number, rawValue: number) =>
    logFigure(
      {
        case: `${name}, ${percentile}`,
        value,
        unit: 'ms',
        limits: [limit('blocking write+fdatasync', value, rawValue)],
      },
      context,
    )
  return [
    of('p50', ours.p50Ms, raw.p50Ms),
    of('p99', ours.p99Ms, raw.p99Ms),
    of('p99.9', ours.p999Ms, raw.p999Ms),
  ]
}

function countsOf(said: unknown): LatencyCounts | undefined {
  return typeof said === 'object' && said !== null && 'latencies' in said
    ? (said.latencies as LatencyCounts)
    : undefined
}
