import { millraceError } from '@millrace/kernel'
import type { AnyCollection } from './collection.ts'
import type { OperationResult, WriteOperation } from './database.ts'
import type { Attempt } from './document-conflict.ts'
import { documentLimits } from './document-limits.ts'
import type { SessionEvents } from './session-events.ts'

/** Something that a session is about to do. */
export interface PendingChange {
  /** What it comes to when it is saved, under the condition of `one`; undefined if that is nothing. */
  operation(condition: Condition): WriteOperation | undefined
  /** The one document that it is about. */
  readonly one?: OneDocument
  /** The collection of which it may change any document. */
  readonly many?: AnyCollection
  readonly events?: SessionEvents
  /** It is done. */
  done?(result: OperationResult): void
  /** It was not done, and waits again. */
  refused?(): void
}

/** The revision that a document must have. */
export interface Condition {
  readonly expectedRevision?: number
}

/** A document that a change is about. */
export interface OneDocument {
  readonly collection: AnyCollection
  readonly id: string
  readonly attempt: Attempt
  /** It is written as a whole (or deleted): a later change of that kind takes this one's place. */
  readonly isWhole: boolean
  readonly expectedRevision: number | undefined
}

/** The changes of a session in their order. Several writes of one whole document are one. */
export class PendingUnit {
  readonly #changes: PendingChange[] = []
  /** What is known of single documents, by collection and id. */
  readonly #known = new Map<string, Map<string, { place: number | undefined }>>()

  /** Changes that came to nothing, and those that were said meanwhile; however many they are. */
  constructor(changes: readonly PendingChange[] = []) {
    for (const each of changes) this.#put(each)
  }

  get changes(): readonly PendingChange[] {
    return this.#changes
  }

  /** True if a change of this one document waits. */
  has(collection: AnyCollection, id: string): boolean {
    return this.#known.get(collection.name)?.has(id) ?? false
  }

  /** @throws QUEUE_FULL */
  add(change: PendingChange): void {
    const limit = documentLimits.commitOperationsMax
    if (this.#changes.length >= limit && this.#placeOf(change.one) === undefined) {
      throw millraceError('QUEUE_FULL', { queue: 'changes of a session', seen: `${limit} changes`, limit })
    }
    this.#put(change)
  }

  #put(change: PendingChange): void {
    const { one, many } = change
    const place = this.#placeOf(one)
    const earlier = place === undefined ? undefined : this.#changes[place]?.one
    if (place !== undefined && one !== undefined && earlier !== undefined) {
      // The new content counts, under the condition of what was said first.
      this.#changes[place] = { ...change, one: { ...one, expectedRevision: earlier.expectedRevision } }
      return
    }
    this.#changes.push(change)
    const documents = this.#documentsOf(one?.collection ?? many)
    if (one !== undefined)
      documents?.set(one.id, { place: one.isWhole ? this.#changes.length - 1 : undefined })
    // What comes after a change of many documents must not be moved before it.
    else if (documents !== undefined) for (const each of documents.values()) each.place = undefined
  }

  /** The place of the change that a write of a whole document replaces. */
  #placeOf(one: OneDocument | undefined): number | undefined {
    return one?.isWhole ? this.#known.get(one.collection.name)?.get(one.id)?.place : undefined
  }

  #documentsOf(collection: AnyCollection | undefined) {
    if (collection === undefined) return undefined
    let documents = this.#known.get(collection.name)
    if (documents === undefined) {
      documents = new Map()
      this.#known.set(collection.name, documents)
    }
    return documents
  }
}
