import {
  type CheckedDeleted,
  type CheckedLoad,
  type CheckedQuery,
  type CheckedRead,
  type CheckedSelection,
  compareDocuments,
  figureOf,
  matches,
  parseKeepingNumbers,
  type QueryAnswer,
  resultMeter,
  type StoredDocument,
  type StoredEvent,
  valueAt,
} from '@millrace/documents'
import { unreachable } from '@millrace/kernel'
import type { MemoryDocument } from './memory-collection.ts'
import type { MemoryDocuments } from './memory-documents.ts'
import type { MemoryPositions } from './memory-positions.ts'
import type { MemoryStreams } from './memory-streams.ts'

/** All that questions are asked of. */
export interface MemoryContent {
  readonly documents: MemoryDocuments
  readonly streams: MemoryStreams
  readonly positions: MemoryPositions
}

/** Answers a question. @throws QUERY_INVALID (a result too large), STREAM_ENDED */
export function answerRead(content: MemoryContent, read: CheckedRead): unknown {
  const { documents, streams, positions } = content
  switch (read.kind) {
    case 'load':
      return load(documents, read)
    case 'query':
      return query(documents, read)
    case 'count':
      return find(documents, read).length
    case 'aggregate': {
      const found = find(documents, read)
      return read.figures.map((figure) => figureOf(figure, found))
    }
    case 'positions':
      return positions.of(read.processor)
    case 'stream':
      return measured('streams', streams.read(read))
    case 'stream-info':
      return streams.infos(read.streams, read.tenant)
    case 'feed': {
      const { events, through } = streams.feed(read)
      return { events: measured('the feed', events), through }
    }
    case 'feed-end':
      return streams.end
    default:
      return unreachable(read)
  }
}

function load(documents: MemoryDocuments, { collection, ids, tenant, deleted }: CheckedLoad) {
  const found = ids.flatMap((id) => documents.collection(collection).get(tenant, id) ?? [])
  const meant = found.filter((each) => isMeant(each, deleted))
  return measured(collection, meant.map(storedDocument))
}

function query(documents: MemoryDocuments, read: CheckedQuery): QueryAnswer {
  const { collection, orderBy, offset, limit, select, withTotal } = read
  const found = find(documents, read)
  const page = found
    .sort((left, right) => compareDocuments(orderBy, left, right))
    .slice(offset, offset + limit)
  const answers = page.map((each) => {
    const stored = storedDocument(each)
    if (select === undefined) return stored
    const body = parseKeepingNumbers(each.text)
    const parts = select.map(({ name, path }) => [name, valueAt(body, path)])
    return { ...stored, text: JSON.stringify(Object.fromEntries(parts)) }
  })
  return { documents: measured(collection, answers), ...(withTotal ? { total: found.length } : {}) }
}

function find(
  documents: MemoryDocuments,
  { collection, tenant, where, deleted }: CheckedSelection,
): MemoryDocument[] {
  const known = documents.collection(collection)
  const { fullText } = known.schema
  return known
    .ofTenant(tenant)
    .filter((each) => isMeant(each, deleted) && (where === undefined || matches(where, each, fullText)))
}

function isMeant({ deletedAtMs }: StoredDocument, deleted: CheckedDeleted): boolean {
  switch (deleted.kind) {
    case 'include':
      return true
    case 'exclude':
      return deletedAtMs === undefined
    case 'only': {
      const { sinceMs = Number.NEGATIVE_INFINITY, beforeMs = Number.POSITIVE_INFINITY } = deleted
      return deletedAtMs !== undefined && deletedAtMs >= sinceMs && deletedAtMs < beforeMs
    }
    default:
      return unreachable(deleted)
  }
}

function storedDocument({ tenant: _, body: __, ...stored }: MemoryDocument): StoredDocument {
  return stored
}

function measured<Item extends StoredDocument | StoredEvent>(what: string, items: readonly Item[]) {
  const measure = resultMeter(what)
  for (const { text } of items) measure(text)
  return items
}
