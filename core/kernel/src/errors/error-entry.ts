/** One entry of the error catalogue. Placeholders `{name}` in the texts are filled from the parameters. */
export interface ErrorEntry {
  /** What was seen, as a sentence without a full stop. */
  readonly seen: string
  /** What was expected instead, as a phrase after "Expected". */
  readonly expected: string
  /** What to do about it, as a sentence. */
  readonly remedy: string
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean
}

/** Keeps the literal types of a table of entries, so that parameters can be checked against placeholders. */
export function defineErrors<const Table extends Record<string, ErrorEntry>>(table: Table): Table {
  return table
}
