import { tagOf, type ValueType } from './value-type.ts'

/** A point in time that somebody names; a number counts milliseconds since 1970. */
export type Moment = Date | number

/** In milliseconds since 1970. */
export function momentMs(moment: Moment): number {
  return Number(moment)
}

/** As `2026-01-31T12:00:00.000Z`. */
export const dateType: ValueType<Date> = {
  name: 'date',
  json: 'text',
  is: (value): value is Date => tagOf(value) === 'Date' && !Number.isNaN((value as Date).getTime()),
  encode: (value) => value.toISOString(),
  decode: (text) => {
    const date = new Date(DATE.test(text) ? text : Number.NaN)
    return !Number.isNaN(date.getTime()) && date.toISOString() === text ? date : undefined
  },
}

const DATE = /^(?:\d{4}|[+-]\d{6})-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
