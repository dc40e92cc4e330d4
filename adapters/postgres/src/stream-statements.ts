import type { OperationResult, PreparedEvent } from '@millrace/documents'
import type { Indexed, OperationOf } from './document-statements.ts'
import { BoundValues } from './sql-values.ts'
import { literal, type TableNames } from './table-names.ts'
import type { UnitMarks, UnitStatement } from './unit-statement.ts'

const STREAM = { kind: 'stream' } as const

/**
 * Makes the statements of a unit for streams. Positions are given by the statements that write the events, after these
 * have the lock of their table and that of the stream's row: see `FeedMark`.
 */
export class StreamStatements {
  readonly #names: TableNames
  readonly #marks: UnitMarks

  constructor(names: TableNames, marks: UnitMarks) {
    this.#names = names
    this.#marks = marks
  }

  append({ index, operation }: Indexed<OperationOf<'append'>>): UnitStatement {
    const { tenant, stream, streamType, expectedVersion, events } = operation
    const values = new BoundValues()
    const [of, key] = [values.text(tenant), values.text(stream)]
    const added = values.whole(events.length)
    const at = values.whole(this.#marks.atMs)
    const isOld = expectedVersion !== undefined && expectedVersion > 0
    const begin = { of, key, added, at }
    const moved = isOld
      ? `UPDATE ${this.#names.streams} SET version = version + ${added}, changed_at = ${at}
          WHERE tenant = ${of} AND stream = ${key} AND state = 'open' AND version = ${values.whole(expectedVersion)}`
      : this.#begin(begin, values.text(streamType ?? null), expectedVersion === 0)
    const place = `${of}, ${key}, moved.stream_type, moved.version - ${added} + nth`
    const written = this.#write(values, events, { from: 'moved, ', place, at })
    const refusal = `${this.#names.function('refuse_stream')}(${of}, ${key}, ${values.whole(expectedVersion ?? null)})`
    const sql = `WITH moved AS (${moved} RETURNING version, stream_type), written AS (${written} RETURNING position)
      SELECT version, (SELECT max(position) FROM written) FROM moved
      UNION ALL SELECT ${refusal}, NULL WHERE NOT EXISTS (SELECT FROM moved)`
    return {
      sql,
      parameters: values.parameters,
      about: STREAM,
      answer: ({ rows }, results) => {
        const [version, position] = rows[0] ?? []
        results[index] = { version: Number(version), position: Number(position) }
      },
    }
  }

  publish({ index, operation: { tenant, events } }: Indexed<OperationOf<'publish'>>): UnitStatement {
    const values = new BoundValues()
    const place = `${values.text(tenant)}, NULL, NULL, 0`
    const at = values.whole(this.#marks.atMs)
    const written = this.#write(values, events, { from: '', place, at })
    return {
      sql: `WITH written AS (${written} RETURNING position) SELECT max(position) FROM written`,
      parameters: values.parameters,
      about: STREAM,
      answer: ({ rows }, results) => {
        results[index] = { position: Number(rows[0]?.[0]) }
      },
    }
  }

  /** The stream's row first, so that nobody appends meanwhile. */
  end({ index, operation }: Indexed<OperationOf<'archive' | 'tombstone'>>): UnitStatement[] {
    const { kind, tenant, stream } = operation
    const state = kind === 'archive' ? 'archived' : 'tombstoned'
    const values = new BoundValues()
    const [of, key] = [values.text(tenant), values.text(stream)]
    const at = values.whole(this.#marks.atMs)
    const meant = `tenant = ${of} AND stream = ${key}`
    const before = kind === 'archive' ? "= 'open'" : "<> 'tombstoned'"
    const update = `UPDATE ${this.#names.streams} SET state = '${state}', changed_at = ${at} WHERE ${meant} AND state ${before}`
    // What is archived already is left alone; what is tombstoned is no stream to archive.
    const refused = `EXISTS (SELECT FROM ${this.#names.streams} WHERE ${meant} AND state = 'tombstoned')`
    const refusal = `${this.#names.function('refuse_stream')}(${of}, ${key}, NULL)`
    const sql =
      kind === 'archive'
        ? `WITH ended AS (${update} RETURNING 1)
          SELECT ${refusal} WHERE NOT EXISTS (SELECT FROM ended) AND ${refused}`
        : update
    const answer = (_: unknown, results: OperationResult[]) => {
      results[index] = {}
    }
    return [
      { sql, parameters: values.parameters, about: STREAM, answer },
      this.#eraseOrHide(kind, tenant, stream),
    ]
  }

  forgetPublished({ index, operation: { before } }: Indexed<OperationOf<'forget-published'>>): UnitStatement {
    const values = new BoundValues()
    const meant = `stream IS NULL AND position < ${values.whole(before)}`
    return {
      sql: `DELETE FROM ${this.#names.events} WHERE ${meant}`,
      parameters: values.parameters,
      about: STREAM,
      answer: (_, results) => {
        results[index] = {}
      },
    }
  }

  #eraseOrHide(kind: 'archive' | 'tombstone', tenant: string, stream: string): UnitStatement {
    const values = new BoundValues()
    const meant = `tenant = ${values.text(tenant)} AND stream = ${values.text(stream)}`
    const { events } = this.#names
    const sql =
      kind === 'archive'
        ? `UPDATE ${events} SET is_archived = true WHERE ${meant} AND NOT is_archived`
        : `DELETE FROM ${events} WHERE ${meant}`
    return { sql, parameters: values.parameters, about: STREAM, answer: () => undefined }
  }

  /** Puts the stream in, or moves its version on if it may be there and is open. */
  #begin(
    {
      of,
      key,
      added,
      at,
    }: { readonly of: string; readonly key: string; readonly added: string; readonly at: string },
    streamType: string,
    isNew: boolean,
  ): string {
    const columns = 'tenant, stream, stream_type, version, state, created_at, changed_at'
    const insert = `INSERT INTO ${this.#names.streams} AS known (${columns})
      VALUES (${of}, ${key}, ${streamType}, ${added}, 'open', ${at}, ${at}) ON CONFLICT (tenant, stream)`
    if (isNew) return `${insert} DO NOTHING`
    return `${insert} DO UPDATE SET version = known.version + ${added}, changed_at = ${at} WHERE known.state = 'open'`
  }

  /** Events in their order; positions are given in it. */
  #write(
    values: BoundValues,
    events: readonly PreparedEvent[],
    { from, place, at }: { readonly from: string; readonly place: string; readonly at: string },
  ): string {
    const { correlationId, causationId } = this.#marks
    const marks = `${at}, ${values.text(correlationId ?? null)}, ${values.text(causationId ?? null)}`
    const position = `nextval(${literal(this.#names.eventPositions)}::regclass)`
    const columns =
      'tenant, stream, stream_type, version, event_id, type, text, topic, recorded_at, correlation_id, causation_id'
    const insert = `INSERT INTO ${this.#names.events} (position, ${columns})
      SELECT ${position}, ${place}, listed.id, listed.type, listed.text, listed.topic, ${marks}`
    const [first, second] = events as [PreparedEvent, PreparedEvent?]
    if (second === undefined) {
      const { id, type, text, topic } = first
      const row = [values.text(id), values.text(type), values.text(text), values.text(topic ?? null)]
      return `${insert} FROM ${from}(VALUES (${row.join(', ')}, 1)) AS listed(id, type, text, topic, nth)`
    }
    const lists = [
      values.texts(events.map(({ id }) => id)),
      values.texts(events.map(({ type }) => type)),
      values.texts(events.map(({ text }) => text)),
      values.texts(events.map(({ topic }) => topic ?? null)),
    ]
    return `${insert} FROM ${from}unnest(${lists.join(', ')}) WITH ORDINALITY AS listed(id, type, text, topic, nth)`
  }
}
