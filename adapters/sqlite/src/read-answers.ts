import {
  type CheckedAggregate,
  type CheckedFeed,
  type CheckedQuery,
  type CheckedRead,
  type CheckedStream,
  type Explanation,
  type FilterValue,
  resultMeter,
  type StoredPosition,
  type StreamInfo,
} from '@millrace/documents'
import { unreachable } from '@millrace/kernel'
import type { Connection } from './connection.ts'
import type { DeclaredSchema } from './declared-schema.ts'
import { feedSql, streamInfoSql, streamSql } from './event-sql.ts'
import { RANKS } from './json-place.ts'
import { countSql, figureSql, loadSql, querySql, type SqlStatement } from './query-sql.ts'
import { StatementCache } from './statement-cache.ts'
import { ended, LAST_POSITION } from './stream-writer.ts'

/** A row on its way to another thread: its columns in order, the text last. */
export type SqlRow = readonly (string | number | null)[]

/** An answer on its way to another thread: lists instead of objects, which cost much more to hand over. */
export type RowAnswer =
  | { readonly kind: 'documents' | 'events'; readonly rows: readonly SqlRow[] }
  | { readonly kind: 'page'; readonly rows: readonly SqlRow[]; readonly total: number | undefined }
  | { readonly kind: 'feed'; readonly rows: readonly SqlRow[]; readonly through: number }
  | { readonly kind: 'whole'; readonly value: unknown }

const POSITIONS = `SELECT topic, partition, "offset" FROM _positions WHERE processor = ?1 ORDER BY topic, partition`
const STATE = 'SELECT state FROM _streams WHERE tenant = ?1 AND stream = ?2'

/**
 * Rows up to here are fetched at once, which is quicker; more are looked at one by one, since their texts might be too
 * many to hold.
 */
const ROWS_AT_ONCE_MAX = 128

/** Answers questions from one connection. */
export class ReadAnswers {
  readonly #connection: Connection
  readonly #listing: StatementCache

  constructor(connection: Connection, statementsMax: number) {
    this.#connection = connection
    this.#listing = new StatementCache(connection.database, { statementsMax, isListing: true })
  }

  /** All from one state of the database. @throws QUERY_INVALID, STREAM_ENDED */
  answer(reads: readonly CheckedRead[]): readonly RowAnswer[] {
    const answerAll = () => {
      const declared = this.#connection.declarations.current
      return reads.map((read) => this.#answer(read, declared))
    }
    const [only] = reads
    const isOneStatement = reads.length === 1 && only !== undefined && isAnsweredAtOnce(only)
    return isOneStatement ? answerAll() : this.#connection.readTogether(answerAll)
  }

  explain(read: CheckedRead): Explanation {
    return this.#connection.readTogether(() => {
      const { sql, parameters } = statementOf(read, this.#connection.declarations.current)
      const plan = this.#connection.statements.get(`EXPLAIN QUERY PLAN ${sql}`)
      return { sql, lines: plan.all(...parameters).map(({ detail }) => String(detail)) }
    })
  }

  #answer(read: CheckedRead, declared: DeclaredSchema): RowAnswer {
    switch (read.kind) {
      case 'load': {
        const statement = loadSql(read, declared.collection(read.collection))
        const rows = this.#rows(statement, read.ids.length, read.collection)
        return { kind: 'documents', rows }
      }
      case 'query':
        return this.#query(read, declared)
      case 'count':
        return whole(this.#number(countSql(read, declared.collection(read.collection))))
      case 'aggregate':
        return whole(this.#figures(read, declared))
      case 'positions':
        return whole(this.#positions(read.processor))
      case 'stream':
        return this.#stream(read)
      case 'stream-info':
        return whole(this.#streamInfos(streamInfoSql(read.streams, read.tenant)))
      case 'feed':
        return this.#feed(read)
      case 'feed-end':
        return whole(this.#number(FEED_END))
      default:
        return unreachable(read)
    }
  }

  #query(read: CheckedQuery, declared: DeclaredSchema): RowAnswer {
    const collection = declared.collection(read.collection)
    const rows = this.#rows(querySql(read, collection), read.limit, read.collection)
    const total = read.withTotal ? this.#number(countSql(read, collection)) : undefined
    return { kind: 'page', rows, total }
  }

  #figures(read: CheckedAggregate, declared: DeclaredSchema): FilterValue[] {
    return read.figures.map((figure) => {
      const statement = figureSql(read, figure, declared.collection(read.collection))
      const [row] = this.#all(statement)
      if (figure.kind === 'sum') return Number(row?.[0])
      return row === undefined ? null : singleOf(row)
    })
  }

  #positions(processor: string): StoredPosition[] {
    return this.#all({ sql: POSITIONS, parameters: [processor] }).map(([topic, partition, offset]) => ({
      topic: String(topic),
      partition: Number(partition),
      offset: Number(offset),
    }))
  }

  #stream(read: CheckedStream): RowAnswer {
    const [known] = this.#all({ sql: STATE, parameters: [read.tenant, read.stream] })
    if (known?.[0] === 'tombstoned') throw ended(read.stream, { state: 'tombstoned' })
    const rows = known === undefined ? [] : this.#rows(streamSql(read), read.limit, 'streams')
    return { kind: 'events', rows }
  }

  #streamInfos(statement: SqlStatement): StreamInfo[] {
    return this.#all(statement).map(([stream, type, state, createdAt, version, changedAt]) => ({
      stream: String(stream),
      ...(type === null ? {} : { streamType: String(type) }),
      version: Number(version),
      state: state as StreamInfo['state'],
      createdAtMs: Number(createdAt),
      changedAtMs: Number(changedAt),
    }))
  }

  #feed(read: CheckedFeed): RowAnswer {
    const { after, limit } = read
    const statement = feedSql(read)
    const rows = limit === 0 ? [] : this.#rows(statement, limit, 'the feed')
    if (rows.length === limit) return { kind: 'feed', rows, through: Number(rows.at(-1)?.[0] ?? after) }
    const end = this.#number(FEED_END)
    return { kind: 'feed', rows, through: Math.max(after, Math.min(end, statement.through ?? end)) }
  }

  #number({ sql, parameters }: SqlStatement): number {
    const row = this.#listing.get(sql).get(...parameters) as unknown as SqlRow
    return Number(row[0])
  }

  #all({ sql, parameters }: SqlStatement): SqlRow[] {
    return this.#listing.get(sql).all(...parameters) as unknown as SqlRow[]
  }

  /** Rows whose last column is a text to be measured. */
  #rows(statement: SqlStatement, rowsMax: number, what: string): SqlRow[] {
    const measure = resultMeter(what)
    if (rowsMax <= ROWS_AT_ONCE_MAX) {
      const rows = this.#all(statement)
      for (const row of rows) measure(row.at(-1) as string)
      return rows
    }
    const rows: SqlRow[] = []
    this.#listing.each(statement.sql, statement.parameters, (row) => {
      const columns = row as unknown as SqlRow
      measure(columns.at(-1) as string)
      rows.push(columns)
    })
    return rows
  }
}

/** Whether one statement answers it, which sees one state of the database by itself. */
function isAnsweredAtOnce(read: CheckedRead): boolean {
  switch (read.kind) {
    case 'query':
      return !read.withTotal
    case 'aggregate':
      return read.figures.length === 1
    case 'stream':
    case 'feed':
      return false
    case 'load':
    case 'count':
    case 'positions':
    case 'stream-info':
    case 'feed-end':
      return true
    default:
      return unreachable(read)
  }
}

const FEED_END: SqlStatement = { sql: LAST_POSITION, parameters: [] }

function whole(value: unknown): RowAnswer {
  return { kind: 'whole', value }
}

/** The value that rank and key stand for. */
function singleOf([rank, key]: SqlRow): FilterValue {
  if (rank === RANKS.false || rank === RANKS.true) return rank === RANKS.true
  return key ?? null
}

/** The statement that does most of the work. */
function statementOf(read: CheckedRead, declared: DeclaredSchema): SqlStatement {
  switch (read.kind) {
    case 'load':
      return loadSql(read, declared.collection(read.collection))
    case 'query':
      return querySql(read, declared.collection(read.collection))
    case 'count':
      return countSql(read, declared.collection(read.collection))
    case 'aggregate': {
      const [figure] = read.figures
      return figure === undefined ? FEED_END : figureSql(read, figure, declared.collection(read.collection))
    }
    case 'positions':
      return { sql: POSITIONS, parameters: [read.processor] }
    case 'stream':
      return streamSql(read)
    case 'stream-info':
      return streamInfoSql(read.streams, read.tenant)
    case 'feed':
      return feedSql(read)
    case 'feed-end':
      return FEED_END
    default:
      return unreachable(read)
  }
}
