import type { LatencyCounts } from '@millrace/fleet'

/** How records are handed to a store: so many at a time, by so many producers that each wait for their own. */
export interface AppendWorkload {
  readonly kind: 'append'
  readonly producers: number
  readonly recordsPerAppend: number
  readonly recordBytes: number
  /** How many records one append counts for, if one buffer stands for many. Default: `recordsPerAppend`. */
  readonly countPerAppend?: number
}

/** Everything is read back from the start, in pieces of about 1 MiB, again and again; each record is touched. */
export interface ReadWorkload {
  readonly kind: 'read'
}

export type Workload = AppendWorkload | ReadWorkload

export const SEQUENTIAL: AppendWorkload = {
  kind: 'append',
  producers: 1,
  recordsPerAppend: 1,
  recordBytes: 1024,
}
export const CONCURRENT: AppendWorkload = {
  kind: 'append',
  producers: 256,
  recordsPerAppend: 1,
  recordBytes: 1024,
}
export const BATCHES: AppendWorkload = {
  kind: 'append',
  producers: 4,
  recordsPerAppend: 1000,
  recordBytes: 100,
}
export const READ: ReadWorkload = { kind: 'read' }

/** What a contender is told to do. */
export interface SliceRequest {
  readonly workload: Workload
  readonly ms: number
}

/** What came of one slice of a workload. */
export interface SliceResult {
  readonly records: number
  readonly ms: number
  /** One latency an append; none for reads. */
  readonly latencies: LatencyCounts
}

/**
 * The same bytes as a raw loop writes them: one after the other, one write a sync, holding what all producers have
 * waiting, or one batch.
 */
export function rawWorkloadOf(workload: Workload): Workload {
  if (workload.kind === 'read') return workload
  const { producers, recordsPerAppend, recordBytes } = workload
  if (recordsPerAppend === 1) return { ...workload, producers: 1, recordsPerAppend: producers }
  return {
    kind: 'append',
    producers: 1,
    recordsPerAppend: 1,
    recordBytes: recordBytes * recordsPerAppend,
    countPerAppend: recordsPerAppend,
  }
}
