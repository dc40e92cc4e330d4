import { errorText, isMillraceError } from '@millrace/kernel'

/** Where a command writes: text for people, or JSON for programs. */
export interface Output {
  readonly json: boolean
  line(text: string): void
  /** One JSON document or, for streams, one a line. */
  data(value: unknown): void
  error(error: unknown): void
}

/** Writes to the terminal; colours only where a person looks. */
export function terminalOutput(json: boolean): Output {
  endWithReader()
  return {
    json,
    line: (text) => void process.stdout.write(`${text}\n`),
    data: (value) => void process.stdout.write(`${JSON.stringify(value)}\n`),
    error: (error) =>
      void process.stderr.write(`${json ? JSON.stringify(errorData(error)) : errorLines(error)}\n`),
  }
}

/** Who reads only the beginning (`| head`) has seen enough: that is the end of the command, and no error. */
function endWithReader(): void {
  if (process.stdout.listenerCount('error') > 0) return
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit()
  })
}

function errorData(error: unknown) {
  if (!isMillraceError(error)) return { error: { message: errorText(error) } }
  const { code, seen, expected, remedy, retryable } = error
  return { error: { code, seen, expected, remedy, retryable } }
}

function errorLines(error: unknown): string {
  if (!isMillraceError(error)) return `${style('red', 'error')} ${errorText(error)}`
  const { code, seen, expected, remedy } = error
  return `${style('red', 'error')} ${seen}.\n      Expected ${expected}.\n      ${remedy} ${style('dim', `[${code}]`)}`
}

const STYLES = { red: 31, green: 32, yellow: 33, cyan: 36, bold: 1, dim: 2 } as const

/** `text` in a colour, if standard output is a terminal and NO_COLOR is not set. */
export function style(name: keyof typeof STYLES, text: string): string {
  const isColoured = process.stdout.isTTY && !process.env.NO_COLOR
  return isColoured ? `\u001b[${STYLES[name]}m${text}\u001b[0m` : text
}

/** Rows under headings, columns aligned; numbers to the right. */
export function table(headings: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => String(row[column] ?? '').length)),
  )
  const format = (row: readonly (string | number)[]) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return typeof cell === 'number' ? String(cell).padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd()
  return [style('dim', format(headings)), ...rows.map(format)].join('\n')
}
