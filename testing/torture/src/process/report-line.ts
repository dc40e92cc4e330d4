/** What a process says, a line each on its standard output, as soon as it is so. */
export interface Report {
  readonly kind: string
}

export function reportLine(report: Report): string {
  return `${JSON.stringify(report)}\n`
}

/** The reports in what was said; a last line without its end was cut off by a kill, and says nothing. */
export function parseReports<Some extends Report>(text: string): Some[] {
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Some)
}
