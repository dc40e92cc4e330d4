import { assert, millraceError } from '@millrace/kernel'
import type { StoredPosition, WriteOperation } from './database.ts'
import { documentLimits } from './document-limits.ts'
import { documentText } from './document-text.ts'

/** A write operation whose input has been checked and copied: what an engine still has to do. */
export type PreparedOperation =
  | {
      readonly kind: 'store'
      readonly collection: string
      readonly id: string
      readonly text: string
      readonly expectedRevision: number | undefined
    }
  | {
      readonly kind: 'delete'
      readonly collection: string
      readonly id: string
      readonly expectedRevision: number | undefined
    }
  | {
      readonly kind: 'position'
      readonly processor: string
      readonly position: StoredPosition
      readonly expectedOffset: number | undefined
    }

/** A commit whose input has been checked and copied. */
export interface PreparedCommit {
  readonly operations: readonly PreparedOperation[]
  /** Length of all documents' JSON. */
  readonly characters: number
}

/**
 * Checks what can be checked without the stored state. Every engine calls it before anything else, so that all of them
 * refuse the same input.
 *
 * @throws as Database.commit, without the conflicts
 */
export function prepareCommit(
  operations: readonly WriteOperation[],
  isKnown: (name: string) => boolean,
): PreparedCommit {
  const limit = documentLimits.commitOperationsMax
  if (operations.length > limit) {
    throw millraceError('COMMIT_TOO_LARGE', { seen: `${operations.length} operations`, limit })
  }
  const prepared = operations.map((operation) => prepareOperation(operation, isKnown))
  const characters = prepared.reduce((sum, each) => sum + (each.kind === 'store' ? each.text.length : 0), 0)
  const charactersMax = documentLimits.commitCharactersMax
  if (characters > charactersMax) {
    throw millraceError('COMMIT_TOO_LARGE', {
      seen: `${characters} characters of JSON`,
      limit: charactersMax,
    })
  }
  return { operations: prepared, characters }
}

function prepareOperation(operation: WriteOperation, isKnown: (name: string) => boolean): PreparedOperation {
  if (operation.kind === 'position') {
    const { processor, position, expectedOffset } = operation
    assert(
      Number.isSafeInteger(position.offset) && position.offset >= 0,
      'a position is a whole offset from 0 on',
    )
    return { kind: 'position', processor, position: { ...position }, expectedOffset }
  }
  const { kind, collection, id, expectedRevision } = operation
  checkCollectionKnown(collection, isKnown)
  checkDocumentId(collection, id)
  if (kind === 'delete') return { kind, collection, id, expectedRevision }
  return { kind, collection, id, expectedRevision, text: documentText(collection, id, operation.body) }
}

/** Throws `COLLECTION_UNKNOWN` unless `isKnown(collection)`. */
export function checkCollectionKnown(collection: string, isKnown: (name: string) => boolean): void {
  if (!isKnown(collection)) throw millraceError('COLLECTION_UNKNOWN', { collection: String(collection) })
}

/** Throws `DOCUMENT_ID_INVALID` for an id that an engine could not keep as it is. */
export function checkDocumentId(collection: string, id: unknown): void {
  const limit = documentLimits.idCharactersMax
  if (typeof id === 'string' && id.length > 0 && id.length <= limit && id.isWellFormed()) return
  const seen = typeof id === 'string' ? JSON.stringify(id.slice(0, 100)) : `a value of type ${typeof id}`
  throw millraceError('DOCUMENT_ID_INVALID', { collection, id: seen, limit })
}

const COLLECTION_NAME = new RegExp(
  `^[a-zA-Z][a-zA-Z0-9_-]{0,${documentLimits.collectionNameCharactersMax - 1}}$`,
)

/** Throws `COLLECTION_NAME_INVALID` for a name that no engine takes. */
export function checkCollectionName(collection: unknown): void {
  if (typeof collection === 'string' && COLLECTION_NAME.test(collection)) return
  const seen = typeof collection === 'string' ? JSON.stringify(collection.slice(0, 100)) : typeof collection
  throw millraceError('COLLECTION_NAME_INVALID', { collection: seen })
}
