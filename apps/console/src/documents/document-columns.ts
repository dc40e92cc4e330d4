import type { DocumentBody } from '@millrace/server/api-shapes'
import { summarise } from '../format/json.ts'
import { formatValue } from '../format/number.ts'
import { formatDateTime } from '../format/time.ts'

/** Columns beside the id; what else is in a document is in its details. */
export const COLUMNS_MAX = 6

/** The properties that most documents have, in the order in which they first appear. The id has its own column. */
export function documentColumns(documents: readonly DocumentBody[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const { document } of documents) {
    for (const name of Object.keys(document)) {
      if (name !== 'id') counts.set(name, (counts.get(name) ?? 0) + 1)
    }
  }
  const common = [...counts].sort((a, b) => b[1] - a[1]).slice(0, COLUMNS_MAX)
  const kept = new Set(common.map(([name]) => name))
  return [...counts.keys()].filter((name) => kept.has(name))
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d/

/** What a cell shows. */
export function cellText(value: unknown): string {
  if (value === undefined || value === null) return '–'
  if (typeof value === 'number') return formatValue(value)
  if (typeof value === 'string' && TIME.test(value)) return formatDateTime(Date.parse(value))
  return summarise(value, 60)
}
