/** A bounded series of measured values in the order of their times; the oldest makes room for the newest. */
export interface SampleRing {
  readonly length: number
  /** True if a value was no whole number. */
  readonly fractional: boolean
  /** Adds a value. One that is not newer than the newest is ignored: the series only grows forward. */
  push(timeMs: number, value: number): void
  /** Puts samples from before the oldest one in front, as far as there is room. In any order. */
  prepend(samples: readonly Sample[]): void
  newest(): Sample | undefined
  /** Times in seconds and values, oldest first, as charts want them. */
  columns(): readonly [times: number[], values: number[]]
}

/** A measured value. */
export interface Sample {
  readonly timeMs: number
  readonly value: number
}

/** Memory is taken as it is needed, up to 16 bytes a sample. */
export function createSampleRing(samplesMax: number): SampleRing {
  let times = new Float64Array(Math.min(16, samplesMax))
  let values = new Float64Array(times.length)
  let start = 0
  let length = 0
  let fractional = false

  const at = (index: number) => (start + index) % times.length
  const samples = (): Sample[] =>
    Array.from({ length }, (_, index) => ({ timeMs: times[at(index)]!, value: values[at(index)]! }))
  const refill = (all: readonly Sample[], capacity: number) => {
    times = new Float64Array(capacity)
    values = new Float64Array(capacity)
    start = 0
    length = 0
    for (const { timeMs, value } of all.slice(-capacity)) {
      times[length] = timeMs
      values[length] = value
      length += 1
    }
  }
  const newestTime = () => (length === 0 ? Number.NEGATIVE_INFINITY : times[at(length - 1)]!)

  return {
    get length() {
      return length
    },
    get fractional() {
      return fractional
    },
    push(timeMs, value) {
      if (!Number.isFinite(value) || !(timeMs > newestTime())) return
      if (length === times.length && length < samplesMax) refill(samples(), Math.min(samplesMax, length * 2))
      if (length < times.length) length += 1
      else start = (start + 1) % times.length
      times[at(length - 1)] = timeMs
      values[at(length - 1)] = value
      fractional ||= !Number.isInteger(value)
    },
    prepend(older) {
      const oldest = length === 0 ? Number.POSITIVE_INFINITY : times[start]!
      const fitting = older
        .filter(({ timeMs, value }) => timeMs < oldest && Number.isFinite(value))
        .sort((a, b) => a.timeMs - b.timeMs)
        .filter(({ timeMs }, index, all) => index === 0 || timeMs > all[index - 1]!.timeMs)
      if (fitting.length === 0) return
      const all = [...fitting, ...samples()]
      refill(all, Math.min(samplesMax, Math.max(16, all.length)))
    },
    newest: () => (length === 0 ? undefined : { timeMs: newestTime(), value: values[at(length - 1)]! }),
    columns() {
      const all = samples()
      return [all.map(({ timeMs }) => timeMs / 1000), all.map(({ value }) => value)]
    },
  }
}
