import type {
  CheckedAggregate,
  CheckedCollection,
  CheckedDeleted,
  CheckedLoad,
  CheckedQuery,
  CheckedRead,
  CheckedSelection,
  CheckedStream,
  KnownSchema,
  OrderBy,
} from '@millrace/documents'
import { unreachable } from '@millrace/kernel'
import { compileFilter } from './compiled-filter.ts'
import { numberOf, type PropertyScope, propertyAt, sortKeyOf } from './property-expression.ts'
import { KEY_RANK } from './sort-key.ts'
import { BoundValues } from './sql-values.ts'
import type { Statement } from './statement.ts'
import type { TableNames } from './table-names.ts'

/** What compiling needs to know. */
export interface Dialect {
  readonly names: TableNames
  readonly known: KnownSchema
}

/** Reads that are answered by the tables alone; a feed needs its mark, too. */
export type PlainRead = Exclude<CheckedRead, { readonly kind: 'feed' | 'feed-end' }>

/** The statements that answer a read, to be run on one state of the database. */
export function compileRead(dialect: Dialect, read: PlainRead): readonly Statement[] {
  switch (read.kind) {
    case 'load':
      return [compileLoad(dialect, read)]
    case 'query':
      return read.withTotal
        ? [compileQuery(dialect, read), compileCount(dialect, read)]
        : [compileQuery(dialect, read)]
    case 'count':
      return [compileCount(dialect, read)]
    case 'aggregate':
      return [compileAggregate(dialect, read)]
    case 'positions':
      return [compilePositions(dialect, read.processor)]
    case 'stream':
      return [compileStream(dialect, read)]
    case 'stream-info':
      return [compileStreamInfo(dialect, read)]
    default:
      return unreachable(read)
  }
}

const MARKS = 'created_at, changed_at, deleted_at, correlation_id, causation_id'
/** Of a document, in the order in which `documentOf` reads them; the text stands between. */
const documentColumns = (text: string) => `id, revision, ${text}, ${MARKS}`

/** Columns of an event, in the order in which `eventOf` reads them. */
export const EVENT_COLUMNS =
  'position, tenant, stream, stream_type, version, event_id, type, text, topic, recorded_at, correlation_id, causation_id'

function compileLoad({ names }: Dialect, { collection, ids, tenant, deleted }: CheckedLoad): Statement {
  const values = new BoundValues()
  const [id, another] = ids
  // One is quicker than a list of one.
  const isOne = id !== undefined && another === undefined
  const found = isOne ? values.text(id) : `ANY (${values.texts(ids)})`
  const meant = `tenant = ${values.text(tenant)} AND id = ${found}`
  const condition = [meant, ...conditionOfDeleted(values, deleted)].join(' AND ')
  const sql = `SELECT ${documentColumns('body')} FROM ${names.documents(collection)} WHERE ${condition}`
  return { sql, parameters: values.parameters }
}

/** Which documents of a collection are looked at. */
interface SelectedDocuments {
  readonly scope: PropertyScope
  readonly values: BoundValues
  /** `FROM … WHERE …` */
  readonly from: string
}

function selected(dialect: Dialect, selection: CheckedSelection): SelectedDocuments {
  const values = new BoundValues()
  const scope = scopeOf(dialect.names, dialect.known.collection(selection.collection), values)
  const { tenant, where, deleted } = selection
  const conditions = [`tenant = ${values.text(tenant)}`, ...conditionOfDeleted(values, deleted)]
  if (where !== undefined) conditions.push(compileFilter(scope, where))
  const from = `FROM ${dialect.names.documents(selection.collection)} WHERE ${conditions.join(' AND ')}`
  return { scope, values, from }
}

export function scopeOf(names: TableNames, schema: CheckedCollection, values: BoundValues): PropertyScope {
  return { names, values, schema, root: 'body', isInside: false }
}

function conditionOfDeleted(values: BoundValues, deleted: CheckedDeleted): string[] {
  switch (deleted.kind) {
    case 'include':
      return []
    case 'exclude':
      return ['deleted_at IS NULL']
    case 'only': {
      const { sinceMs, beforeMs } = deleted
      const conditions = ['deleted_at IS NOT NULL']
      if (sinceMs !== undefined) conditions.push(`deleted_at >= ${values.whole(sinceMs)}`)
      if (beforeMs !== undefined) conditions.push(`deleted_at < ${values.whole(beforeMs)}`)
      return conditions
    }
    default:
      return unreachable(deleted)
  }
}

function compileQuery(dialect: Dialect, query: CheckedQuery): Statement {
  const { scope, values, from } = selected(dialect, query)
  const text = query.select === undefined ? 'body' : partsOf(scope, values, query.select)
  const order = [...query.orderBy.flatMap((each) => compileOrder(scope, each)), 'id'].join(', ')
  const page = `LIMIT ${values.whole(query.limit)} OFFSET ${values.whole(query.offset)}`
  const sql = `SELECT ${documentColumns(text)} ${from} ORDER BY ${order} ${page}`
  return { sql, parameters: values.parameters }
}

/** A function takes at most a hundred arguments. */
const PARTS_AT_A_TIME = 40

function partsOf(
  scope: PropertyScope,
  values: BoundValues,
  select: NonNullable<CheckedQuery['select']>,
): string {
  const pairs = select.map(({ name, path }) => {
    return `${values.text(name)}, coalesce(${propertyAt(scope, path).value}, 'null'::jsonb)`
  })
  const objects: string[] = []
  for (let at = 0; at < pairs.length; at += PARTS_AT_A_TIME) {
    objects.push(`jsonb_build_object(${pairs.slice(at, at + PARTS_AT_A_TIME).join(', ')})`)
  }
  return `(${objects.join(' || ')})`
}

/** By sort key, as an index may have it; texts that are longer than the key also by what is behind it. */
function compileOrder(scope: PropertyScope, { path, direction }: OrderBy): string[] {
  const { value, indexedKey } = propertyAt(scope, path)
  const word = direction === 'ascending' ? 'ASC' : 'DESC'
  const tail = `${scope.names.function('sort_tail')}(${value}) COLLATE "C"`
  return [`${indexedKey ?? sortKeyOf(scope.names, value)} ${word}`, `${tail} ${word}`]
}

function compileCount(dialect: Dialect, selection: CheckedSelection): Statement {
  const { values, from } = selected(dialect, selection)
  return { sql: `SELECT count(*) ${from}`, parameters: values.parameters }
}

/** Sums in one pass; a minimum or maximum is the first in its order, which an index may give. One row of JSON texts. */
function compileAggregate(dialect: Dialect, { figures, ...selection }: CheckedAggregate): Statement {
  const { scope, values, from } = selected(dialect, selection)
  const columns = figures.map(({ kind, path }) => {
    const property = propertyAt(scope, path)
    const { value, indexedKey } = property
    if (kind === 'sum') return `(SELECT coalesce(sum(${numberOf(property)}), 0) ${from})::text`
    const key = indexedKey ?? sortKeyOf(scope.names, value)
    const [first] = compileOrder(scope, { path, direction: kind === 'min' ? 'ascending' : 'descending' })
    const [, tail] = compileOrder(scope, { path, direction: kind === 'min' ? 'ascending' : 'descending' })
    const single = `${key} >= '${KEY_RANK.false}' AND ${key} < '${KEY_RANK.other}'`
    return `(SELECT ${value} ${from} AND ${single} ORDER BY ${first}, ${tail} LIMIT 1)::text`
  })
  return { sql: `SELECT ${columns.join(', ')}`, parameters: values.parameters }
}

function compilePositions({ names }: Dialect, processor: string): Statement {
  const values = new BoundValues()
  const from = `FROM ${names.positions} WHERE processor = ${values.text(processor)}`
  const sql = `SELECT topic, partition, "offset" ${from} ORDER BY topic, partition`
  return { sql, parameters: values.parameters }
}

/** The events; or one row without an event's position if the stream is tombstoned. */
function compileStream({ names }: Dialect, read: CheckedStream): Statement {
  const values = new BoundValues()
  const of = `tenant = ${values.text(read.tenant)} AND stream = ${values.text(read.stream)}`
  const from = values.whole(read.versionMin)
  const conditions = [of, `version BETWEEN ${from} AND ${values.whole(read.versionMax)}`]
  if (read.atMs !== undefined) conditions.push(`recorded_at <= ${values.whole(read.atMs)}`)
  const order = read.direction === 'forwards' ? 'ASC' : 'DESC'
  const tombstone = EVENT_COLUMNS.split(', ').map((column) =>
    TEXTS.has(column) ? 'NULL::text' : 'NULL::bigint',
  )
  const sql = `(SELECT ${tombstone.join(', ')} FROM ${names.streams} WHERE ${of} AND state = 'tombstoned')
    UNION ALL (SELECT ${EVENT_COLUMNS} FROM ${names.events} WHERE ${conditions.join(' AND ')}
    ORDER BY version ${order} LIMIT ${values.whole(read.limit)})`
  return { sql, parameters: values.parameters }
}

const TEXTS: ReadonlySet<string> = new Set(
  EVENT_COLUMNS.split(', ').filter((column) => !['position', 'version', 'recorded_at'].includes(column)),
)

function compileStreamInfo(
  { names }: Dialect,
  { streams, tenant }: Extract<CheckedRead, { readonly kind: 'stream-info' }>,
): Statement {
  const values = new BoundValues()
  const meant = `tenant = ${values.text(tenant)} AND stream = ANY (${values.texts(streams)})`
  const columns = 'stream, stream_type, version, state, created_at, changed_at'
  return { sql: `SELECT ${columns} FROM ${names.streams} WHERE ${meant}`, parameters: values.parameters }
}

/** Events behind a position, up to one that is decided. */
export function compileFeed(
  { names }: Dialect,
  read: Extract<CheckedRead, { readonly kind: 'feed' }>,
  decided: number,
): Statement {
  const { after, limit, types, streamTypes, tenant, stream, withTopicOnly } = read
  const values = new BoundValues()
  const conditions = [`position > ${values.whole(after)}`, `position <= ${values.whole(decided)}`]
  if (types !== undefined) conditions.push(`type = ANY (${values.texts(types)})`)
  if (streamTypes !== undefined)
    conditions.push(`coalesce(stream_type, '') = ANY (${values.texts(streamTypes)})`)
  if (tenant !== undefined) conditions.push(`tenant = ${values.text(tenant)}`)
  if (stream !== undefined) conditions.push(`stream = ${values.text(stream)}`)
  // What an archived stream had to publish is published, though nobody else sees it any more.
  conditions.push(withTopicOnly ? 'topic IS NOT NULL' : 'NOT is_archived')
  const from = `FROM ${names.events} WHERE ${conditions.join(' AND ')}`
  const sql = `SELECT ${EVENT_COLUMNS} ${from} ORDER BY position LIMIT ${values.whole(limit)}`
  return { sql, parameters: values.parameters }
}
