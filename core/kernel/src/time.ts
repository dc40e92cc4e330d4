import { millraceError } from './errors/millrace-error.ts'

/** The RFC 3339 form, in UTC with milliseconds, of a time in milliseconds since 1970. */
export function formatTime(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/

/** Milliseconds since 1970 of an RFC 3339 time; `EVENT_INVALID` for anything else. */
export function parseTime(text: string): number {
  const timeMs = RFC3339.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(timeMs)) {
    throw millraceError('EVENT_INVALID', { attribute: 'time', seen: JSON.stringify(text), expected: 'an RFC 3339 time such as 2026-01-31T12:00:00Z' })
  }
  return timeMs
}
