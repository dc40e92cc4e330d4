import {
  type CheckedAggregate,
  type CheckedCount,
  type CheckedLoad,
  type CheckedQuery,
  checkAggregate,
  checkLoad,
  checkQuery,
  checkSelection,
} from './checked-selection.ts'
import {
  type CheckedFeed,
  type CheckedStream,
  type CheckedStreamInfo,
  checkFeed,
  checkStream,
  checkStreamInfo,
} from './checked-stream.ts'
import { checkList, checkText, refuseQuery, show } from './checked-text.ts'
import { documentLimits as limits } from './document-limits.ts'
import type { KnownSchema } from './known-schema.ts'
import type { Read } from './read.ts'

/** A read that has been checked and copied, with its defaults filled in. Plain data that can go to another thread. */
export type CheckedRead =
  | CheckedLoad
  | CheckedQuery
  | CheckedCount
  | CheckedAggregate
  | { readonly kind: 'positions'; readonly processor: string }
  | CheckedStream
  | CheckedStreamInfo
  | CheckedFeed
  | { readonly kind: 'feed-end' }

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

function refuseKind(read: never): never {
  const { kind } = read as { readonly kind?: unknown }
  const expected = 'load, query, count, aggregate, positions, stream, stream-info, feed or feed-end'
  return refuseQuery('nothing')(`the kind ${show(kind)}`, expected)
}
