import type { LiveReading, MessageBody } from '@millrace/server/api-shapes'
import { numericProperties } from './numeric-properties.ts'
import { createSampleRing, type Sample, type SampleRing } from './sample-ring.ts'

/** Points of one chart. */
export const CHART_SAMPLES_MAX = 600
/** Charts of one device. */
export const CHARTS_MAX = 12

/** One property of one event type over time. */
export interface PropertySeries {
  /** `type path`: unique on its page. */
  readonly key: string
  readonly type: string
  readonly path: string
  readonly ring: SampleRing
}

/** The series of one device: what its topics remember, then what comes in. */
export class DeviceSeries {
  readonly #series = new Map<string, PropertySeries>()
  /** Counts up with every change. */
  version = 0

  /** In the order of their first appearance. */
  all(): readonly PropertySeries[] {
    return [...this.#series.values()]
  }

  add(reading: LiveReading): void {
    const timeMs = Date.parse(reading.time)
    for (const { path, value } of numericProperties(reading.data)) {
      this.#of(reading.type, path)?.ring.push(timeMs, value)
      this.version += 1
    }
  }

  /** Puts messages of the device's past in front of what has come in meanwhile. */
  seed(device: string, messages: readonly MessageBody[]): void {
    const past = new Map<PropertySeries, Sample[]>()
    for (const { key, event, acceptedAt } of messages) {
      if (key !== device || !event) continue
      const timeMs = Date.parse(typeof event.time === 'string' ? event.time : acceptedAt)
      for (const { path, value } of numericProperties(event.data)) {
        const series = this.#of(String(event.type), path)
        if (!series) continue
        past.set(series, [...(past.get(series) ?? []), { timeMs, value }])
      }
    }
    for (const [series, samples] of past) series.ring.prepend(samples)
    this.version += 1
  }

  #of(type: string, path: string): PropertySeries | undefined {
    const key = `${type} ${path}`
    const known = this.#series.get(key)
    if (known || this.#series.size >= CHARTS_MAX) return known
    const series = { key, type, path, ring: createSampleRing(CHART_SAMPLES_MAX) }
    this.#series.set(key, series)
    return series
  }
}
