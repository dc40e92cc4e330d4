import { millraceError } from '@millrace/kernel'

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of a text such as `500ms`, `30s`, `5m`, `2h` or `1d`; `CONFIGURATION_INVALID` for anything else. */
export function parseDuration(setting: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text)
  const unit = UNITS[match?.[2] ?? '']
  if (match?.[1] !== undefined && unit !== undefined) return Math.round(Number(match[1]) * unit)
  throw millraceError('CONFIGURATION_INVALID', {
    path: setting,
    seen: JSON.stringify(text),
    expected: 'a duration such as 500ms, 30s, 5m, 2h or 1d',
  })
}
