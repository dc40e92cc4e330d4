import type { OperationResult, PreparedEvent, PreparedStreamOperation } from '@millrace/documents'
import { millraceError, unreachable } from '@millrace/kernel'
import type { OfTenant } from './collection-writer.ts'
import type { SqlValue } from './sql-values.ts'
import type { StatementCache } from './statement-cache.ts'
import type { WriteUnit } from './write-unit.ts'

type Append = OfTenant<Extract<PreparedStreamOperation, { readonly kind: 'append' }>>
type OfStream = { readonly tenant: string; readonly stream: string }

/** What a stream is like before something happens to it. */
interface Stream {
  readonly type: string | null
  readonly state: 'open' | 'archived' | 'tombstoned'
  readonly version: number
}

/** The last position that an event has or had. */
export const LAST_POSITION = `SELECT max(
    coalesce((SELECT max(position) FROM _events), 0),
    (SELECT value FROM _numbers WHERE name = 'positions_used')
  ) AS position`

/** An event's place. */
interface Place {
  readonly tenant: string
  readonly stream: string | null
  readonly streamType: string | null
  readonly version: number
}

const FIND = `SELECT type, state, coalesce(ended_version, (
    SELECT max(version) FROM _events WHERE tenant = ?1 AND stream = ?2
  ), 0) AS version FROM _streams WHERE tenant = ?1 AND stream = ?2`
const INSERT = `INSERT INTO _events (position, tenant, stream, stream_type, version, id, type, topic, recorded_at,
  correlation_id, causation_id, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

/**
 * Writes streams and published events. Positions are counted here, from the last one on that the file has: so only what
 * is committed uses positions, and nothing but the events is written for them.
 */
export class StreamWriter {
  readonly #statements: StatementCache
  /** The last position that is used; undefined until this group wants to know. */
  #last: number | undefined

  constructor(statements: StatementCache) {
    this.#statements = statements
  }

  /** A transaction begins: another process may have appended since the last one. */
  begin(): void {
    this.#last = undefined
  }

  /** Where positions stand, to go back to if a unit is refused. */
  get mark(): number | undefined {
    return this.#last
  }

  goBackTo(mark: number | undefined): void {
    this.#last = mark
  }

  apply(operation: OfTenant<PreparedStreamOperation>, unit: WriteUnit): OperationResult {
    switch (operation.kind) {
      case 'append':
        return this.#append(operation, unit)
      case 'publish': {
        const place = { tenant: operation.tenant, stream: null, streamType: null, version: 0 }
        return { position: this.#insert(operation.events, place, unit) }
      }
      case 'archive':
        return this.#archive(operation, unit)
      case 'tombstone':
        return this.#tombstone(operation, unit)
      case 'forget-published':
        return this.#forget(operation.before)
      default:
        return unreachable(operation)
    }
  }

  #append({ tenant, stream, streamType, expectedVersion, events }: Append, unit: WriteUnit) {
    const known = this.#find(tenant, stream)
    if (known !== undefined && known.state !== 'open') throw ended(stream, known)
    const seen = known?.version ?? 0
    if (expectedVersion !== undefined && expectedVersion !== seen) {
      throw millraceError('STREAM_CONFLICT', { stream, seen, expected: expectedVersion })
    }
    const type = known === undefined ? (streamType ?? null) : known.type
    if (known === undefined) {
      const insert = `INSERT INTO _streams (tenant, stream, type, state, created_at) VALUES (?, ?, ?, 'open', ?)`
      this.#run(insert, [tenant, stream, type, unit.atMs])
    }
    const position = this.#insert(events, { tenant, stream, streamType: type, version: seen }, unit)
    return { version: seen + events.length, position }
  }

  /** Writes events behind a version, and gives the last one's position. */
  #insert(events: readonly PreparedEvent[], place: Place, unit: WriteUnit): number {
    const { tenant, stream, streamType } = place
    const { atMs, correlationId, causationId } = unit
    const insert = this.#statements.get(INSERT)
    let position = this.#lastPosition()
    let { version } = place
    for (const { id, type, topic, text } of events) {
      position += 1
      if (stream !== null) version += 1
      insert.run(
        position,
        tenant,
        stream,
        streamType,
        version,
        id,
        type,
        topic ?? null,
        atMs,
        correlationId,
        causationId,
        text,
      )
    }
    this.#last = position
    return position
  }

  #archive({ tenant, stream }: OfStream, { atMs }: WriteUnit): OperationResult {
    const known = this.#find(tenant, stream)
    if (known === undefined || known.state === 'archived') return {}
    if (known.state === 'tombstoned') throw ended(stream, known)
    this.#run(`UPDATE _streams SET state = 'archived', ended_at = ? WHERE tenant = ? AND stream = ?`, [
      atMs,
      tenant,
      stream,
    ])
    this.#run('UPDATE _events SET archived = 1 WHERE tenant = ? AND stream = ?', [tenant, stream])
    return {}
  }

  #tombstone({ tenant, stream }: OfStream, { atMs }: WriteUnit): OperationResult {
    const known = this.#find(tenant, stream)
    if (known === undefined || known.state === 'tombstoned') return {}
    const end = `UPDATE _streams SET state = 'tombstoned', ended_at = ?, ended_version = ? WHERE tenant = ? AND stream = ?`
    this.#keepPositions()
    this.#run(end, [atMs, known.version, tenant, stream])
    this.#run('DELETE FROM _events WHERE tenant = ? AND stream = ?', [tenant, stream])
    return {}
  }

  #forget(before: number): OperationResult {
    this.#keepPositions()
    this.#run('DELETE FROM _events WHERE topic IS NOT NULL AND position < ? AND stream IS NULL', [before])
    return {}
  }

  #find(tenant: string, stream: string): Stream | undefined {
    return this.#statements.get(FIND).get(tenant, stream) as Stream | undefined
  }

  #lastPosition(): number {
    if (this.#last !== undefined) return this.#last
    const last = this.#statements.get(LAST_POSITION).get()
    this.#last = Number(last?.position)
    return this.#last
  }

  /** Events are about to be erased, maybe the last one: its position stays used. */
  #keepPositions(): void {
    this.#run(`UPDATE _numbers SET value = ? WHERE name = 'positions_used'`, [this.#lastPosition()])
  }

  #run(sql: string, parameters: readonly SqlValue[]): void {
    this.#statements.get(sql).run(...parameters)
  }
}

export function ended(stream: string, { state }: Pick<Stream, 'state'>) {
  return millraceError('STREAM_ENDED', { stream, state })
}
