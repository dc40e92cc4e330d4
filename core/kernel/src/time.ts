import { millraceError } from './errors/millrace-error.ts'

/** Under load many events have the same time, and most times that are read were written a moment ago. */
let lastTimeMs = 0
let lastText = '1970-01-01T00:00:00.000Z'

/** The RFC 3339 form, in UTC with milliseconds, of a time in milliseconds since 1970. */
export function formatTime(timeMs: number): string {
  if (timeMs !== lastTimeMs) {
    lastText = new Date(timeMs).toISOString()
    lastTimeMs = Math.trunc(timeMs)
  }
  return lastText
}

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt](?:[01]\d|2[0-3]):\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/

/**
 * Milliseconds since 1970 of an RFC 3339 time; `EVENT_INVALID` for anything else, also for a day that its month
 * does not have. A leap second (`:60`) is refused: no clock of a computer shows it.
 */
export function parseTime(text: string): number {
  if (text === lastText) return lastTimeMs
  const match = RFC3339.exec(text)
  const timeMs = match !== null && isDayOfMonth(match) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(timeMs)) {
    throw millraceError('EVENT_INVALID', {
      attribute: 'time',
      seen: JSON.stringify(text),
      expected: 'an RFC 3339 time such as 2026-01-31T12:00:00Z',
    })
  }
  return timeMs
}

/** Date.parse makes 2 March of 30 February. */
function isDayOfMonth([, year, month, day]: RegExpExecArray): boolean {
  const dayOfMonth = Number(day)
  if (dayOfMonth <= 28) return dayOfMonth > 0
  return new Date(Date.UTC(Number(year), Number(month) - 1, dayOfMonth)).getUTCDate() === dayOfMonth
}
