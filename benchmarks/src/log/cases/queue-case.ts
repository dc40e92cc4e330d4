import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LatencyHistogram, type LatencySummary } from '@millrace/fleet'
import { openQueue, type Queue } from '@millrace/log'
import { nodeFiles, nodeRuntime } from '@millrace/node'
import { type Figure, limit, type RunContext } from '../../figure.ts'
import { logFigure } from '../log-figures.ts'
import type { LogBenchOptions } from '../options.ts'
import { rawWriter } from '../raw-writer.ts'

const ITEM_BYTES = 256
const PRODUCERS = 64
const WORKERS = 4
const TAKE_COUNT_MAX = 100
const TAKE_WAIT_MS_MAX = 50

/**
 * The queue, durable in both directions: one item at a time through put, take and acknowledge, with a raw write and sync
 * before each; then many producers and several workers of one consumer at once.
 */
export async function benchQueue(
  { schedule, progress }: LogBenchOptions,
  directory: string,
  context: RunContext,
): Promise<Figure[]> {
  const work = join(directory, 'queue')
  await mkdir(work)
  const ms = schedule.seconds * 1000
  // A `take` that waits has nothing but its timer.
  const runtime = nodeRuntime({ timersHoldProcess: true })
  await using queue = await openQueue({ files: nodeFiles(work), directory: 'queue', runtime })
  await oneByOne(queue, rawWriter(join(work, 'warm-up')), schedule.warmUpSeconds * 1000)
  const { round, raw } = await oneByOne(queue, rawWriter(join(work, 'raw')), ms)
  const busy = await manyAtOnce(queue, ms)
  await queue.close()
  await rm(work, { recursive: true, force: true })
  progress(
    `queue: round p50 ${round.p50Ms} p99 ${round.p99Ms} ms · ${Math.round(busy.putRate)} put/s, ${Math.round(busy.doneRate)} acknowledged/s · put p99 ${busy.put.p99Ms} ms`,
  )
  return [...roundFigures(round, raw, context), ...busyFigures(busy, context)]
}

/** Rounds of put, take and acknowledge, each durable. */
async function oneByOne(
  queue: Queue,
  rawWrite: () => number,
  ms: number,
): Promise<{ readonly round: LatencySummary; readonly raw: LatencySummary }> {
  await using consumer = await queue.consumer('worker')
  const round = new LatencyHistogram()
  const raw = new LatencyHistogram()
  for (const endMs = performance.now() + ms; performance.now() < endMs; ) {
    raw.record(rawWrite())
    const beganMs = performance.now()
    await queue.put([{ value: new Uint8Array(ITEM_BYTES) }])
    await consumer.acknowledge(await consumer.take({ countMax: 1 }))
    round.record(performance.now() - beganMs)
  }
  return { round: round.summary(), raw: raw.summary() }
}

interface Busy {
  readonly putRate: number
  readonly doneRate: number
  readonly put: LatencySummary
}

/** Producers put while workers take and acknowledge; ends when everything is done. */
async function manyAtOnce(queue: Queue, ms: number): Promise<Busy> {
  await using consumer = await queue.consumer('worker')
  const put = new LatencyHistogram()
  const startMs = performance.now()
  const endMs = startMs + ms
  let putCount = 0
  let doneCount = 0
  const produce = async () => {
    for (let beganMs = performance.now(); beganMs < endMs; ) {
      await queue.put([{ value: new Uint8Array(ITEM_BYTES) }])
      putCount += 1
      const nowMs = performance.now()
      put.record(nowMs - beganMs)
      beganMs = nowMs
    }
  }
  const workUntilEmpty = async () => {
    for (;;) {
      const items = await consumer.take({ countMax: TAKE_COUNT_MAX, waitMsMax: TAKE_WAIT_MS_MAX })
      if (items.length === 0 && performance.now() >= endMs) return
      await consumer.acknowledge(items)
      doneCount += items.length
    }
  }
  const producing = Promise.all(Array.from({ length: PRODUCERS }, produce)).then(() => performance.now())
  const working = Promise.all(Array.from({ length: WORKERS }, workUntilEmpty))
  const producedMs = await producing
  await working
  if (doneCount < putCount) throw new Error(`${putCount} items were put, and ${doneCount} acknowledged`)
  return {
    putRate: (1000 * putCount) / (producedMs - startMs),
    // The last wait found nothing.
    doneRate: (1000 * doneCount) / (performance.now() - startMs - TAKE_WAIT_MS_MAX),
    put: put.summary(),
  }
}

function roundFigures(round: LatencySummary, raw: LatencySummary, context: RunContext): Figure[] {
  const of = (name: string, value: number, rawValue: number) =>
    logFigure(
      {
        case: `queue, one item put, taken and acknowledged, ${name}`,
        value,
        unit: 'ms',
        limits: [limit('blocking write+fdatasync', value, rawValue)],
      },
      context,
    )
  return [of('p50', round.p50Ms, raw.p50Ms), of('p99', round.p99Ms, raw.p99Ms)]
}

function busyFigures({ putRate, doneRate, put }: Busy, context: RunContext): Figure[] {
  const name = `queue, ${PRODUCERS} producers and ${WORKERS} workers`
  return [
    logFigure({ case: `${name}, put`, value: putRate, unit: 'items/s' }, context),
    logFigure({ case: `${name}, acknowledged`, value: doneRate, unit: 'items/s' }, context),
    logFigure({ case: `${name}, put, p99`, value: put.p99Ms, unit: 'ms' }, context),
  ]
}
