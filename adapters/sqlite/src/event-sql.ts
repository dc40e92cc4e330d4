import type { CheckedFeed, CheckedStream } from '@millrace/documents'
import type { SqlStatement } from './query-sql.ts'
import { BoundValues, boundLimit } from './sql-values.ts'

/** The columns of an event in the order in which rows are read. */
const EVENT_COLUMNS =
  'position, tenant, stream, stream_type, version, id, type, topic, recorded_at, correlation_id, causation_id, text'

/**
 * Positions that one answer of the feed looks through, so that a filter that finds nothing holds nobody up for long. The
 * answer says how far it came.
 */
export const FEED_POSITIONS_MAX = 100_000

/** Events of one stream. */
export function streamSql(read: CheckedStream): SqlStatement {
  const { tenant, stream, versionMin, versionMax, atMs, direction, limit } = read
  const values = new BoundValues()
  const conditions = [
    `tenant = ${values.put(tenant)} AND stream = ${values.put(stream)}`,
    `version BETWEEN ${values.put(versionMin)} AND ${values.put(versionMax)}`,
    ...(atMs === undefined ? [] : [`recorded_at <= ${values.put(atMs)}`]),
  ]
  const order = `version ${direction === 'forwards' ? 'ASC' : 'DESC'}`
  const sql = `SELECT ${EVENT_COLUMNS} FROM _events WHERE ${conditions.join(' AND ')} ORDER BY ${order}`
  return { sql: `${sql} LIMIT ${boundLimit(values, limit)}`, parameters: values.all }
}

/** What is known about some streams. */
export function streamInfoSql(streams: readonly string[], tenant: string): SqlStatement {
  const sql = `SELECT s.stream, s.type, s.state, s.created_at, coalesce(s.ended_version, e.version),
      coalesce(s.ended_at, e.recorded_at)
    FROM json_each(?1) AS asked CROSS JOIN _streams AS s ON s.tenant = ?2 AND s.stream = asked.value
    LEFT JOIN _events AS e ON e.tenant = s.tenant AND e.stream = s.stream AND e.version = (
      SELECT max(version) FROM _events WHERE tenant = s.tenant AND stream = s.stream
    )`
  return { sql, parameters: [JSON.stringify(streams), tenant] }
}

/** The next events of the feed, and the last position that was looked at; undefined: all. */
export function feedSql(read: CheckedFeed): SqlStatement & { readonly through: number | undefined } {
  const { after, limit, tenant, stream, withTopicOnly } = read
  const values = new BoundValues()
  const isOneStream = tenant !== undefined && stream !== undefined
  const filters = isOneStream ? [] : feedFilters(read, values)
  const isDirect = isOneStream || (withTopicOnly && filters.length === 0)
  const conditions = [
    `position > ${values.put(after)}`,
    ...(isDirect ? [] : [`position <= ${values.put(after + FEED_POSITIONS_MAX)}`]),
    withTopicOnly ? 'topic IS NOT NULL' : 'archived = 0',
    ...(isOneStream ? [`tenant = ${values.put(tenant)} AND stream = ${values.put(stream)}`] : []),
    ...(isOneStream ? typeFilters(read, values) : filters),
  ]
  // The versions of one stream have the order of positions, and its index.
  const order = isOneStream ? 'version' : 'position'
  const index = withTopicOnly && !isOneStream ? ' INDEXED BY "_events.topic"' : ''
  const sql = `SELECT ${EVENT_COLUMNS} FROM _events${index} WHERE ${conditions.join(' AND ')} ORDER BY ${order}`
  return {
    sql: `${sql} LIMIT ${boundLimit(values, limit)}`,
    parameters: values.all,
    through: isDirect ? undefined : after + FEED_POSITIONS_MAX,
  }
}

/** The unary plus keeps the planner from an index that would have to be sorted by position. */
function feedFilters(read: CheckedFeed, values: BoundValues): readonly string[] {
  const { tenant, stream } = read
  return [
    ...(tenant === undefined ? [] : [`+tenant = ${values.put(tenant)}`]),
    ...(stream === undefined ? [] : [`+stream = ${values.put(stream)}`]),
    ...typeFilters(read, values),
  ]
}

function typeFilters({ types, streamTypes }: CheckedFeed, values: BoundValues): readonly string[] {
  return [
    ...(types === undefined ? [] : [`type IN (${values.putAll(types)})`]),
    ...(streamTypes === undefined ? [] : [`stream_type IN (${values.putAll(streamTypes)})`]),
  ]
}
