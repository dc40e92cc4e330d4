import { errorText, millraceError } from './errors/millrace-error.ts'

/** The JSON text of an event's data; `EVENT_INVALID` for what JSON cannot hold (a bigint, a cycle). */
export function jsonText(value: unknown): string {
  let text: string | undefined
  let seen = `a ${typeof value}`
  try {
    text = JSON.stringify(value)
  } catch (error) {
    seen = errorText(error)
  }
  if (text !== undefined) return text
  throw millraceError('EVENT_INVALID', {
    attribute: 'data',
    seen,
    expected: 'a value that JSON can hold, or bytes',
  })
}
