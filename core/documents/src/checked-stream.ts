import {
  checkFlag,
  checkList,
  checkTenant,
  checkText,
  checkWhole,
  type Refuse,
  refuseQuery,
  show,
} from './checked-text.ts'
import { documentLimits as limits } from './document-limits.ts'
import { checkStreamName } from './prepared-stream.ts'
import type { FeedRead, StreamInfoRead, StreamRead } from './read.ts'

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

export interface CheckedStreamInfo {
  readonly kind: 'stream-info'
  /** Each once. */
  readonly streams: readonly string[]
  readonly tenant: string
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

const MAX = Number.MAX_SAFE_INTEGER

/** Checks a read of a stream. */
export function checkStream(read: StreamRead): CheckedStream {
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

/** Checks a question about streams. */
export function checkStreamInfo({ kind, streams, tenant }: StreamInfoRead): CheckedStreamInfo {
  const refuse = refuseQuery('streams')
  const listed = checkList('streams', streams, { max: limits.streamInfosMax }, refuse)
  const names = listed.map((stream) => checkStreamName(stream, refuse))
  return { kind, streams: [...new Set(names)], tenant: checkTenant(tenant, refuse) }
}

/** Checks a read of the feed. */
export function checkFeed(read: FeedRead): CheckedFeed {
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
