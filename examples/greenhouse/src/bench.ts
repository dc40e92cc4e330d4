import { randomInteger, seededRandom } from '@millrace/kernel'
import type { WeatherMoment } from './weather.ts'

/** How warm a closed bench gets above the air outside in full sun. */
const GAIN_CELSIUS = 18
/** Share of that gain that a fully open vent lets out. */
const VENT_EFFECT = 0.85
/** Share of the way to the new temperature that a bench goes in one step. */
const STEP_SHARE = 0.25

/** A bench in the greenhouse: a place with its own warmth, its own faults of measurement, and a vent. */
export interface Bench {
  readonly id: string
  ventPercent: number
  /** Lives through one step of weather and measures. */
  step(weather: WeatherMoment): BenchReading
}

/** What a bench publishes. */
export interface BenchReading {
  readonly celsius: number
  readonly outsideCelsius: number
  readonly ventPercent: number
  readonly observedAt: string
}

/** Bench number `index`; its offset and noise follow from the seed, so that every run has the same forty benches. */
export function makeBench(index: number, seed: number): Bench {
  const random = seededRandom(seed * 1_000 + index)
  const offsetCelsius = randomInteger(random, -30, 31) / 10
  let celsius: number | undefined
  return {
    id: `bench-${String(index + 1).padStart(2, '0')}`,
    ventPercent: 0,
    step(weather) {
      const gain = GAIN_CELSIUS * weather.sun * (1 - (VENT_EFFECT * this.ventPercent) / 100)
      const target = weather.celsius + gain + offsetCelsius
      celsius = celsius === undefined ? target : celsius + (target - celsius) * STEP_SHARE
      const noise = (random.next() - 0.5) * 0.4
      return {
        celsius: round(celsius + noise),
        outsideCelsius: round(weather.celsius),
        ventPercent: this.ventPercent,
        observedAt: weather.observedAt,
      }
    },
  }
}

function round(celsius: number): number {
  return Math.round(celsius * 10) / 10
}
