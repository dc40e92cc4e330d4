import { LatencyHistogram } from '@millrace/fleet'
import { GatheringStore } from './gathering-store.ts'
import type { BenchStore } from './store.ts'
import type { AppendWorkload, SliceRequest, SliceResult } from './workload.ts'

/** Puts one workload on a store for a while; `gathers` as in the store's plan. */
export function runSlice(
  store: BenchStore,
  gathers: boolean,
  { workload, ms }: SliceRequest,
): Promise<SliceResult> {
  if (workload.kind === 'read') return readAgainAndAgain(store, ms)
  return runProducers(gathers && workload.producers > 1 ? new GatheringStore(store) : store, workload, ms)
}

async function runProducers(store: BenchStore, workload: AppendWorkload, ms: number): Promise<SliceResult> {
  const histogram = new LatencyHistogram()
  const startMs = performance.now()
  const endMs = startMs + ms
  let appends = 0
  const produce = async () => {
    const records = recordsOf(workload)
    for (let beganMs = performance.now(); beganMs < endMs; ) {
      // A store that is done when it returns is not made to wait for a turn of the loop.
      const appended = store.append(records)
      if (appended !== undefined) await appended
      const nowMs = performance.now()
      histogram.record(nowMs - beganMs)
      beganMs = nowMs
      appends += 1
    }
  }
  await Promise.all(Array.from({ length: workload.producers }, produce))
  return {
    records: appends * (workload.countPerAppend ?? workload.recordsPerAppend),
    ms: performance.now() - startMs,
    latencies: histogram.counts(),
  }
}

async function readAgainAndAgain(store: BenchStore, ms: number): Promise<SliceResult> {
  const startMs = performance.now()
  const endMs = startMs + ms
  let records = 0
  let touched = 0
  while (store.read !== undefined && performance.now() < endMs) {
    const before = records
    await store.read((record) => {
      touched = (touched + (record[0] ?? 0) + record.length) | 0
      records += 1
      // A look at the clock each thousand records: often enough, and no part of the figure.
      return records % 1000 !== 0 || performance.now() < endMs
    })
    if (records === before) break
  }
  if (touched === 0 && records > 0) throw new Error('records came back empty')
  return { records, ms: performance.now() - startMs, latencies: new LatencyHistogram().counts() }
}

/** Bytes that no store could make small; the same in every run. */
function recordsOf({ recordsPerAppend, recordBytes }: AppendWorkload): readonly Uint8Array[] {
  let state = 1
  return Array.from({ length: recordsPerAppend }, () =>
    new Uint8Array(recordBytes).map(() => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state >>> 24
    }),
  )
}
