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
    Placeholders<Entry<Code>['seen']> | Placeholders<Entry<Code>['expected']> | Placeholders<Entry<Code>['remedy']>,
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
  readonly parameters: Readonly<Record<string, string | number>>

  constructor(code: Code, parameters: ErrorParameters<Code>, options?: { readonly cause?: unknown }) {
    const entry = catalogue[code]
    const seen = fill(entry.seen, parameters)
    const expected = fill(entry.expected, parameters)
    const remedy = fill(entry.remedy, parameters)
    super(`${seen}. Expected ${expected}. ${remedy} [${code}]`, options)
    this.code = code
    this.seen = seen
    this.expected = expected
    this.remedy = remedy
    this.retryable = entry.retryable
    this.parameters = parameters
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

/** The text of anything thrown, for a log line or a cause header. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function fill(text: string, parameters: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (placeholder, name: string) => String(parameters[name] ?? placeholder))
}
