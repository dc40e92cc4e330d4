import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Weather that was measured in Seattle, from the npm package vega-datasets (BSD-3-Clause; the data are a work of the
 * United States government, NOAA National Climatic Data Center):
 * - seattle-weather.csv: measurements of every day from 2012 to 2015 (lowest and highest temperature, sky);
 * - seattle-weather-hourly-normals.csv: the normal temperature of every hour of a year, 1981 to 2010.
 * The hours of a measured day take the shape of that day's normal hours, stretched to the day's own lowest and highest.
 */
export interface Weather {
  /** The weather `minutes` after the first measured day began; starts again after the last. */
  at(minutes: number): WeatherMoment
  readonly totalMinutes: number
  /** Minutes from the first measured day to midnight of `date` (2012-07-01). */
  minutesOf(date: string): number
}

/** One moment of weather. */
export interface WeatherMoment {
  readonly celsius: number
  /** How much of the sun a greenhouse gets, from 0 at night to 1 at noon under a clear sky. */
  readonly sun: number
  /** When it was measured, local time: 2012-07-01T14:30. */
  readonly observedAt: string
}

interface Day {
  readonly date: string
  readonly highCelsius: number
  readonly lowCelsius: number
  readonly sky: string
}

const MINUTES_A_DAY = 1_440
const CLEARNESS: Readonly<Record<string, number>> = { sun: 1, fog: 0.6, drizzle: 0.5, rain: 0.35, snow: 0.3 }

/** Reads the two files of the package. */
export function loadWeather(): Weather {
  const days = readDays()
  const shapes = readShapes()
  const totalMinutes = days.length * MINUTES_A_DAY
  return {
    totalMinutes,
    minutesOf: (date) =>
      Math.max(
        0,
        days.findIndex((day) => day.date === date),
      ) * MINUTES_A_DAY,
    at: (minutes) => {
      const wrapped = minutes % totalMinutes
      const day = days[Math.floor(wrapped / MINUTES_A_DAY)] as Day
      return momentOf(day, shapes.get(day.date.slice(5)) ?? FLAT, wrapped % MINUTES_A_DAY)
    },
  }
}

/** Each hour's place between the day's lowest (0) and highest (1). The 29th of February has no normals. */
type Shape = readonly number[]
const FLAT: Shape = Array.from({ length: 24 }, (_, hour) =>
  Math.max(0, Math.sin(((hour - 7) / 16) * Math.PI)),
)

function momentOf(day: Day, shape: Shape, minute: number): WeatherMoment {
  const hour = Math.floor(minute / 60)
  const share = (minute % 60) / 60
  const place = (shape[hour] ?? 0) * (1 - share) + (shape[(hour + 1) % 24] ?? 0) * share
  const daylight = Math.max(0, Math.sin(((minute / 60 - 6) / 14) * Math.PI))
  const clock = `${String(hour).padStart(2, '0')}:${String(Math.floor(minute % 60)).padStart(2, '0')}`
  return {
    celsius: day.lowCelsius + place * (day.highCelsius - day.lowCelsius),
    sun: daylight * (CLEARNESS[day.sky] ?? 0.5),
    observedAt: `${day.date}T${clock}`,
  }
}

function readDays(): Day[] {
  return readCsv('seattle-weather.csv').map(([date = '', , high = '', low = '', , sky = '']) => ({
    date,
    highCelsius: Number(high),
    lowCelsius: Number(low),
    sky,
  }))
}

function readShapes(): Map<string, Shape> {
  const byDay = new Map<string, number[]>()
  for (const [time = '', , celsius = ''] of readCsv('seattle-weather-hourly-normals.csv')) {
    const day = time.slice(5, 10)
    const hours = byDay.get(day) ?? []
    hours[Number(time.slice(11, 13))] = Number(celsius)
    byDay.set(day, hours)
  }
  const shapes = new Map<string, Shape>()
  for (const [day, hours] of byDay) {
    if (hours.filter((celsius) => celsius !== undefined).length < 24) continue
    const low = Math.min(...hours)
    const high = Math.max(...hours)
    shapes.set(
      day,
      hours.map((celsius) => (celsius - low) / (high - low)),
    )
  }
  return shapes
}

function readCsv(name: string): string[][] {
  const folder = join(dirname(fileURLToPath(import.meta.resolve('vega-datasets'))), '..', 'data')
  const [, ...lines] = readFileSync(join(folder, name), 'utf8').trim().split(/\r?\n/)
  return lines.map((line) => line.split(','))
}
