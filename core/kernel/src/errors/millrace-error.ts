import { catalogue } from './catalogue.ts'

/** Every code of the catalogue. A code is never reused for another meaning. */
export type ErrorCode = keyof typeof catalogue

type Placeholders<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never

type Entry<Code extends ErrorCode> = (typeof catalogue)[Code]

/** The parameters that the texts of `Code` name. */
export type ErrorParameters<Code extends ErrorCode> = Readonly<
  Record<
    | Placeholders<Entry<Code>['seen']>
    | Placeholders<Entry<Code>['expected']>
    | Placeholders<Entry<Code>['remedy']>,
    string | number
  >
>

/** An error that was foreseen: it says what was seen, what was expected, what to do, and whether to retry. */
export class MillraceError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'MillraceError'
  readonly code: Code
  readonly seen: string
  readonly expected: string
  readonly remedy: string
  readonly retryable: boolean
  /** What the texts were filled with; long texts are cut. */
  readonly parameters: Readonly<Record<string, string | number>>

  constructor(code: Code, parameters: ErrorParameters<Code>, options?: { readonly cause?: unknown }) {
    const entry = catalogue[code]
    const short = shorten(parameters)
    const seen = fill(entry.seen, short)
    const expected = fill(entry.expected, short)
    const remedy = fill(entry.remedy, short)
    super(`${seen}. Expected ${expected}. ${remedy} [${code}]`, options)
    this.code = code
    this.seen = seen
    this.expected = expected
    this.remedy = remedy
    this.retryable = entry.retryable
    this.parameters = short
  }
}

/** Makes (does not throw) the error `code` of the catalogue. */
export function millraceError<Code extends ErrorCode>(
  code: Code,
  parameters: ErrorParameters<Code>,
  options?: { readonly cause?: unknown },
): MillraceError<Code> {
  return new MillraceError(code, parameters, options)
}

/** True if `error` is a catalogue error, and of that code if one is given. */
export function isMillraceError<Code extends ErrorCode = ErrorCode>(
  error: unknown,
  code?: Code,
): error is MillraceError<Code> {
  return error instanceof MillraceError && (code === undefined || error.code === code)
}

/** The text of anything thrown, for a log line or a cause header; never throws itself. */
export function errorText(error: unknown): string {
  try {
    return error instanceof Error ? String(error.message) : String(error)
  } catch {
    // An object without a prototype, or with a toString of its own that fails.
    return `a thrown ${typeof error} that has no text`
  }
}

/** Longest text that a parameter adds to a message, in UTF-16 units: a message quotes its input, it is not a copy. */
const PARAMETER_LENGTH_MAX = 1_000

function shorten<Code extends ErrorCode>(parameters: ErrorParameters<Code>): Record<string, string | number> {
  const short: Record<string, string | number> = {}
  for (const [name, value] of Object.entries<string | number>(parameters)) {
    const isLong = typeof value === 'string' && value.length > PARAMETER_LENGTH_MAX
    short[name] = isLong ? `${value.slice(0, PARAMETER_LENGTH_MAX)}…` : value
  }
  return short
}

function fill(text: string, parameters: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (placeholder, name: string) => String(parameters[name] ?? placeholder))
}
