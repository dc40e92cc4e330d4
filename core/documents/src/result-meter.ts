import { millraceError } from '@millrace/kernel'
import { documentLimits as limits } from './document-limits.ts'

/** Adds up the JSON of one answer; throws `QUERY_INVALID` when it grows past its limit. */
export function resultMeter(what: string): (text: string) => void {
  let characters = 0
  return (text) => {
    characters += text.length
    if (characters <= limits.resultCharactersMax) return
    const seen = `a result of more than ${limits.resultCharactersMax} characters of JSON`
    throw millraceError('QUERY_INVALID', { collection: what, seen, expected: 'a smaller limit' })
  }
}
