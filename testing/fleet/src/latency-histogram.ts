/** Latencies in a few numbers, in milliseconds. */
export interface LatencySummary {
  readonly count: number
  readonly meanMs: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
}

/** Each doubling is cut into this many buckets, so a percentile is off by at most 1.6 %. */
const BUCKETS_A_DOUBLING = 64
/** The finest that is told apart, in milliseconds. */
const RESOLUTION_MS = 0.001

/** What a histogram has counted, as plain data that can be sent to another process. */
export interface LatencyCounts {
  readonly buckets: readonly (readonly [bucket: number, count: number])[]
  readonly sumMs: number
  readonly maxMs: number
}

/** Counts latencies in buckets whose width grows with the value: any number of them in a few kilobytes. */
export class LatencyHistogram {
  readonly #counts: number[] = []
  #count = 0
  #sumMs = 0
  #maxMs = 0

  record(latencyMs: number): void {
    const bucket = bucketOf(latencyMs)
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#count += 1
    this.#sumMs += latencyMs
    this.#maxMs = Math.max(this.#maxMs, latencyMs)
  }

  /** What was counted so far. */
  counts(): LatencyCounts {
    const buckets = [...this.#counts.entries()].filter(([, count = 0]) => count > 0)
    return { buckets, sumMs: this.#sumMs, maxMs: this.#maxMs }
  }

  /** Counts what another histogram has counted, too. */
  add({ buckets, sumMs, maxMs }: LatencyCounts): void {
    for (const [bucket, count] of buckets) {
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count
      this.#count += count
    }
    this.#sumMs += sumMs
    this.#maxMs = Math.max(this.#maxMs, maxMs)
  }

  /** The latency that `share` (0 to 1) of all do not exceed; 0 if there are none. */
  percentile(share: number): number {
    const wanted = Math.ceil(this.#count * share)
    let seen = 0
    for (const [bucket, count = 0] of this.#counts.entries()) {
      seen += count
      if (count > 0 && seen >= wanted) return Math.min(upperEdgeMs(bucket), this.#maxMs)
    }
    return 0
  }

  summary(): LatencySummary {
    const rounded = (ms: number) => Math.round(ms * 1000) / 1000
    return {
      count: this.#count,
      meanMs: rounded(this.#count === 0 ? 0 : this.#sumMs / this.#count),
      p50Ms: rounded(this.percentile(0.5)),
      p99Ms: rounded(this.percentile(0.99)),
      p999Ms: rounded(this.percentile(0.999)),
      maxMs: rounded(this.#maxMs),
    }
  }
}

function bucketOf(latencyMs: number): number {
  return Math.max(
    0,
    Math.floor(Math.log2(Math.max(latencyMs, RESOLUTION_MS) / RESOLUTION_MS) * BUCKETS_A_DOUBLING),
  )
}

function upperEdgeMs(bucket: number): number {
  return RESOLUTION_MS * 2 ** ((bucket + 1) / BUCKETS_A_DOUBLING)
}
