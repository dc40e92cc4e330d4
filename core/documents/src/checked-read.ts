import { millraceError } from '@millrace/kernel'
import { checkFilter, checkOrder, checkPath } from './checked-filter.ts'
import {
  checkFlag,
  checkList,
  checkTenant,
  checkText,
  checkWhole,
  isText,
  type Refuse,
  refuseQuery,
  show,
} from './checked-text.ts'
import { documentLimits as limits } from './document-limits.ts'
import type { Filter, OrderBy } from './filter.ts'
import type { KnownSchema } from './known-schema.ts'
import { checkStreamName } from './prepared-stream.ts'
import type {
  AggregateRead,
  DeletedChoice,
  FeedRead,
  LoadRead,
  QueryRead,
  Read,
  Selection,
  StreamInfoRead,
  StreamRead,
} from './read.ts'

/** Which of the documents that are marked as deleted are found. */
export type CheckedDeleted =
  | { readonly kind: 'exclude' }
  | { readonly kind: 'include' }
  | { readonly kind: 'only'; readonly sinceMs: number | undefined; readonly beforeMs: number | undefined }

/** Which documents are meant. */
export interface CheckedSelection {
  readonly collection: string
  readonly where: Filter | undefined
  readonly tenant: string
  readonly deleted: CheckedDeleted
}

export interface CheckedLoad {
  readonly kind: 'load'
  readonly collection: string
  /** Each once. Some may be no ids at all, and are found nowhere. */
  readonly ids: readonly string[]
  readonly tenant: string
  readonly deleted: CheckedDeleted
}

export interface CheckedQuery extends CheckedSelection {
  readonly kind: 'query'
  readonly orderBy: readonly OrderBy[]
  readonly limit: number
  readonly offset: number
  /** Names with their paths. */
  readonly select: readonly { readonly name: string; readonly path: readonly string[] }[] | undefined
  readonly withTotal: boolean
}

export interface CheckedCount extends CheckedSelection {
  readonly kind: 'count'
}

export interface CheckedAggregate extends CheckedSelection {
  readonly kind: 'aggregate'
  readonly figures: AggregateRead['figures']
}

export interface CheckedStream {
  readonly kind: 'stream'
  readonly stream: string
  readonly tenant: string
  readonly direction: 'forwards' | 'backwards'
  /** The smallest version that is meant, in either direction. */
  readonly versionMin: number
  /** The greatest version that is meant, in either direction. */
  readonly versionMax: number
  readonly atMs: number | undefined
  readonly limit: number
}

export interface CheckedFeed {
  readonly kind: 'feed'
  readonly after: number
  readonly limit: number
  readonly types: readonly string[] | undefined
  readonly streamTypes: readonly string[] | undefined
  readonly tenant: string | undefined
  readonly stream: string | undefined
  readonly withTopicOnly: boolean
}

/** A read that has been checked and copied, with its defaults filled in. Plain data that can go to another thread. */
export type CheckedRead =
  | CheckedLoad
  | CheckedQuery
  | CheckedCount
  | CheckedAggregate
  | { readonly kind: 'positions'; readonly processor: string }
  | CheckedStream
  | { readonly kind: 'stream-info'; readonly streams: readonly string[]; readonly tenant: string }
  | CheckedFeed
  | { readonly kind: 'feed-end' }

const MAX = Number.MAX_SAFE_INTEGER

/**
 * Checks the questions of one call. Every engine calls it before anything else, so that all of them refuse the same.
 *
 * @throws COLLECTION_UNKNOWN, QUERY_INVALID
 */
export function checkReads(reads: readonly Read[], known: KnownSchema): readonly CheckedRead[] {
  const listed = checkList('reads', reads, { max: limits.readsMax }, refuseQuery('several'))
  return listed.map((read) => checkRead(read, known))
}

/** Checks one question; see {@link checkReads}. */
export function checkRead(read: Read, known: KnownSchema): CheckedRead {
  if (typeof read !== 'object' || read === null) refuseQuery('nothing')(`the read ${show(read)}`, 'a read')
  switch (read.kind) {
    case 'load':
      return checkLoad(read, known)
    case 'query':
      return checkQuery(read, known)
    case 'count':
      return { kind: 'count', ...checkSelection(read, known) }
    case 'aggregate':
      return checkAggregate(read, known)
    case 'positions': {
      const { processorNameCharactersMax: charactersMax } = limits
      const processor = checkText('processor', read.processor, { charactersMax }, refuseQuery('positions'))
      return { kind: 'positions', processor }
    }
    case 'stream':
      return checkStream(read)
    case 'stream-info':
      return checkStreamInfo(read)
    case 'feed':
      return checkFeed(read)
    case 'feed-end':
      return { kind: 'feed-end' }
    default:
      return refuseKind(read)
  }
}

/** Adds up the JSON of one answer; throws `QUERY_INVALID` when it grows past its limit. */
export function resultMeter(what: string): (text: string) => void {
  let characters = 0
  return (text) => {
    characters += text.length
    if (characters <= limits.resultCharactersMax) return
    const seen = `a result of more than ${limits.resultCharactersMax} characters of JSON`
    throw millraceError('QUERY_INVALID', { collection: what, seen, expected: 'a smaller limit' })
  }
}

function refuseKind(read: never): never {
  const { kind } = read as { readonly kind?: unknown }
  const expected = 'load, query, count, aggregate, positions, stream, stream-info, feed or feed-end'
  return refuseQuery('nothing')(`the kind ${show(kind)}`, expected)
}

function checkLoad({ kind, collection, ids, tenant, deleted }: LoadRead, known: KnownSchema): CheckedLoad {
  known.collection(collection)
  const refuse = refuseQuery(collection)
  const listed = checkList('ids', ids, { max: limits.loadIdsMax }, refuse)
  if (!listed.every((id) => typeof id === 'string')) refuse('an id that is no text', 'texts')
  return {
    kind,
    collection,
    ids: [...new Set(listed)].filter((id) => id !== '' && isText(id, limits.idCharactersMax)),
    tenant: checkTenant(tenant, refuse),
    deleted: checkDeleted(deleted, refuse),
  }
}

function checkSelection(
  { collection, where, tenant, deleted }: Selection,
  known: KnownSchema,
): CheckedSelection {
  const schema = known.collection(collection)
  const refuse = refuseQuery(collection)
  return {
    collection,
    where: where === undefined ? undefined : checkFilter(where, schema, refuse),
    tenant: checkTenant(tenant, refuse),
    deleted: checkDeleted(deleted, refuse),
  }
}

function checkDeleted(deleted: DeletedChoice | undefined, refuse: Refuse): CheckedDeleted {
  if (deleted === undefined || deleted === 'exclude') return { kind: 'exclude' }
  if (deleted === 'include') return { kind: 'include' }
  if (typeof deleted !== 'object' || deleted?.kind !== 'only') {
    return refuse(
      `the choice of deleted documents ${show(deleted)}`,
      '"exclude", "include" or {kind: "only"}',
    )
  }
  const { sinceMs, beforeMs } = deleted
  return {
    kind: 'only',
    sinceMs: sinceMs === undefined ? undefined : checkWhole('sinceMs', sinceMs, MAX, refuse),
    beforeMs: beforeMs === undefined ? undefined : checkWhole('beforeMs', beforeMs, MAX, refuse),
  }
}

function checkQuery(query: QueryRead, known: KnownSchema): CheckedQuery {
  const selection = checkSelection(query, known)
  const refuse = refuseQuery(query.collection)
  const { orderBy = [], limit = limits.queryDocumentsDefault, offset = 0, select, withTotal } = query
  return {
    kind: 'query',
    ...selection,
    orderBy: checkOrder(orderBy, refuse),
    limit: checkWhole('limit', limit, limits.queryDocumentsMax, refuse),
    offset: checkWhole('offset', offset, MAX, refuse),
    select: select === undefined ? undefined : checkSelect(select, refuse),
    withTotal: checkFlag('withTotal', withTotal, refuse),
  }
}

function checkSelect(select: Readonly<Record<string, readonly string[]>>, refuse: Refuse) {
  if (typeof select !== 'object' || select === null || Array.isArray(select)) {
    refuse(`a selection that is ${show(select)}`, 'an object of paths')
  }
  const entries = Object.entries(select)
  if (entries.length === 0 || entries.length > limits.selectMax) {
    refuse(`a selection of ${entries.length} parts`, `1 to ${limits.selectMax}`)
  }
  const { pathSegmentCharactersMax: charactersMax } = limits
  return entries.map(([name, path]) => ({
    name: checkText('name', name, { charactersMax, mayBeEmpty: true }, refuse),
    path: checkPath(path, refuse),
  }))
}

function checkAggregate(read: AggregateRead, known: KnownSchema): CheckedAggregate {
  const selection = checkSelection(read, known)
  const refuse = refuseQuery(read.collection)
  const listed = checkList('figures', read.figures, { min: 1, max: limits.figuresMax }, refuse)
  const figures = listed.map((figure) => {
    const { kind, path } = Object(figure) as (typeof listed)[number]
    if (kind !== 'sum' && kind !== 'min' && kind !== 'max') {
      refuse(`the figure ${show(kind)}`, '"sum", "min" or "max"')
    }
    return { kind, path: checkPath(path, refuse) }
  })
  return { kind: 'aggregate', ...selection, figures }
}

function checkStream(read: StreamRead): CheckedStream {
  const { kind, stream, tenant, direction = 'forwards', fromVersion, toVersion, atMs } = read
  const refuse = refuseQuery('streams')
  if (direction !== 'forwards' && direction !== 'backwards') {
    refuse(`the direction ${show(direction)}`, '"forwards" or "backwards"')
  }
  const from = fromVersion === undefined ? undefined : checkWhole('fromVersion', fromVersion, MAX, refuse)
  const to = toVersion === undefined ? undefined : checkWhole('toVersion', toVersion, MAX, refuse)
  const [versionMin, versionMax] = direction === 'forwards' ? [from, to] : [to, from]
  return {
    kind,
    stream: checkStreamName(stream, refuse),
    tenant: checkTenant(tenant, refuse),
    direction,
    versionMin: versionMin ?? 1,
    versionMax: versionMax ?? MAX,
    atMs: atMs === undefined ? undefined : checkWhole('atMs', atMs, MAX, refuse),
    limit: checkWhole('limit', read.limit ?? limits.streamEventsDefault, limits.streamEventsMax, refuse),
  }
}

function checkStreamInfo({ kind, streams, tenant }: StreamInfoRead): CheckedRead {
  const refuse = refuseQuery('streams')
  const listed = checkList('streams', streams, { max: limits.streamInfosMax }, refuse)
  const names = listed.map((stream) => checkStreamName(stream, refuse))
  return { kind, streams: [...new Set(names)], tenant: checkTenant(tenant, refuse) }
}

function checkFeed(read: FeedRead): CheckedFeed {
  const refuse = refuseQuery('the feed')
  const { after, limit = limits.feedEventsDefault, types, streamTypes, tenant, stream } = read
  return {
    kind: 'feed',
    after: checkWhole('position', after, MAX, refuse),
    limit: checkWhole('limit', limit, limits.feedEventsMax, refuse),
    types: types === undefined ? undefined : checkTypes('types', types, refuse),
    streamTypes: streamTypes === undefined ? undefined : checkTypes('streamTypes', streamTypes, refuse),
    tenant: tenant === undefined ? undefined : checkTenant(tenant, refuse),
    stream: stream === undefined ? undefined : checkStreamName(stream, refuse),
    withTopicOnly: checkFlag('withTopicOnly', read.withTopicOnly, refuse),
  }
}

function checkTypes(name: string, types: readonly string[], refuse: Refuse): readonly string[] {
  const { feedTypesMax: max, eventTypeCharactersMax: charactersMax } = limits
  const listed = checkList(name, types, { max }, refuse)
  return [...new Set(listed.map((type) => checkText('type', type, { charactersMax }, refuse)))]
}
