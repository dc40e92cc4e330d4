import type { OperationResult, PreparedPosition } from '@millrace/documents'
import { millraceError } from '@millrace/kernel'
import type { StatementCache } from './statement-cache.ts'

/** Moves a processor's position. @throws POSITION_CONFLICT */
export function writePosition(
  statements: StatementCache,
  { processor, position: { topic, partition, offset }, expectedOffset }: PreparedPosition,
  atMs: number,
): OperationResult {
  if (expectedOffset !== undefined) {
    const stored = 'SELECT "offset" FROM _positions WHERE processor = ? AND topic = ? AND partition = ?'
    const seen = Number(statements.get(stored).get(processor, topic, partition)?.offset ?? 0)
    if (seen !== expectedOffset) {
      const place = { processor, topic, partition }
      throw millraceError('POSITION_CONFLICT', { ...place, seen, expected: expectedOffset })
    }
  }
  const insert =
    'INSERT INTO _positions (processor, topic, partition, "offset", changed_at) VALUES (?, ?, ?, ?, ?)'
  const update = 'ON CONFLICT DO UPDATE SET "offset" = excluded."offset", changed_at = excluded.changed_at'
  statements.get(`${insert} ${update}`).run(processor, topic, partition, offset, atMs)
  return {}
}
