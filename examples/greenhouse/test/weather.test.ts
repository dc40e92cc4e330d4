import { describe, expect, test } from 'vitest'
import { makeBench } from '../src/bench.ts'
import { loadWeather } from '../src/weather.ts'

describe('the weather', () => {
  const weather = loadWeather()

  test('a day stays between the lowest and the highest temperature that were measured', () => {
    const start = weather.minutesOf('2015-07-19') // measured: 17.2 to 35.0 °C, sun
    const temperatures = Array.from({ length: 144 }, (_, step) => weather.at(start + step * 10).celsius)
    expect(Math.min(...temperatures)).toBeCloseTo(17.2, 1)
    expect(Math.max(...temperatures)).toBeCloseTo(35, 1)
  })

  test('the afternoon is warmer than the night, and the night has no sun', () => {
    const start = weather.minutesOf('2015-07-19')
    expect(weather.at(start + 15 * 60).celsius).toBeGreaterThan(weather.at(start + 4 * 60).celsius)
    expect(weather.at(start + 2 * 60).sun).toBe(0)
    expect(weather.at(start + 13 * 60).sun).toBeGreaterThan(0.9)
  })

  test('four years have every day, the leap day too, and start again after the last', () => {
    expect(weather.totalMinutes).toBe(1_461 * 1_440)
    expect(weather.at(weather.minutesOf('2012-02-29') + 60).observedAt).toBe('2012-02-29T01:00')
    expect(weather.at(weather.totalMinutes)).toEqual(weather.at(0))
  })
})

describe('a bench', () => {
  const noon = { celsius: 30, sun: 1, observedAt: '2015-07-19T12:00' }

  test('measures the same under the same seed, and something else than its neighbour', () => {
    const measure = (index: number) => Array.from({ length: 5 }, () => makeBench(index, 7).step(noon).celsius)
    expect(measure(3)).toEqual(measure(3))
    expect(measure(3)).not.toEqual(measure(4))
  })

  test('warms in the sun and cools when its vent opens', () => {
    const bench = makeBench(0, 7)
    for (let step = 0; step < 20; step += 1) bench.step(noon)
    const closed = bench.step(noon).celsius
    bench.ventPercent = 100
    for (let step = 0; step < 20; step += 1) bench.step(noon)
    expect(bench.step(noon).celsius).toBeLessThan(closed - 10)
  })
})
