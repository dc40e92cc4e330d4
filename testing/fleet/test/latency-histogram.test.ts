import { LatencyHistogram } from '@millrace/fleet'
import { expect, test } from 'vitest'

test('percentiles are right within two percent, and the greatest is exact', () => {
  const histogram = new LatencyHistogram()
  for (let ms = 1; ms <= 1_000; ms += 1) histogram.record(ms)
  const { count, meanMs, p50Ms, p99Ms, p999Ms, maxMs } = histogram.summary()
  expect({ count, meanMs, maxMs }).toEqual({ count: 1_000, meanMs: 500.5, maxMs: 1_000 })
  expect(p50Ms).toBeGreaterThanOrEqual(500)
  expect(p50Ms).toBeLessThan(510)
  expect(p99Ms).toBeGreaterThanOrEqual(990)
  expect(p999Ms).toBeLessThanOrEqual(1_000)
})

test('no latencies at all are all zero', () => {
  expect(new LatencyHistogram().summary()).toEqual({
    count: 0,
    meanMs: 0,
    p50Ms: 0,
    p99Ms: 0,
    p999Ms: 0,
    maxMs: 0,
  })
})

test('nothing is too small or too large to be counted', () => {
  const histogram = new LatencyHistogram()
  for (const ms of [0, 0.0001, 3_600_000]) histogram.record(ms)
  expect(histogram.summary()).toMatchObject({ count: 3, maxMs: 3_600_000 })
})

test('what one histogram has counted can be added to another, as if that had counted it', () => {
  const [whole, first, second] = [new LatencyHistogram(), new LatencyHistogram(), new LatencyHistogram()]
  for (let ms = 1; ms <= 100; ms += 1) {
    whole.record(ms)
    const part = ms % 3 === 0 ? first : second
    part.record(ms)
  }
  first.add(structuredClone(second.counts()))
  expect(first.summary()).toEqual(whole.summary())
})
