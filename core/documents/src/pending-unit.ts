import { millraceError } from '@millrace/kernel'
import type { AnyCollection } from './collection.ts'
import type { OperationResult, WriteOperation } from './database.ts'
import type { Attempt } from './document-conflict.ts'
import { documentLimits } from './document-limits.ts'
import type { SessionEvents } from './session-events.ts'

/** Something that a session is about to do. */
export interface PendingChange {
  /** What it comes to when it is saved; undefined if that is nothing. Called once for each try. */
  operation(): WriteOperation | undefined
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

  get changes(): readonly PendingChange[] {
    return this.#changes
  }

  /** True if a change of this one document waits. */
  has(collection: AnyCollection, id: string): boolean {
    return this.#known.get(collection.name)?.has(id) ?? false
  }

  /** The change whose place a later write of the whole document takes. */
  wholeOf(collection: AnyCollection, id: string): OneDocument | undefined {
    const place = this.#known.get(collection.name)?.get(id)?.place
    return place === undefined ? undefined : this.#changes[place]?.one
  }

  /** @throws QUEUE_FULL */
  add(change: PendingChange): void {
    const { one, many } = change
    const documents = this.#documentsOf(one?.collection ?? many)
    const place = one?.isWhole ? documents?.get(one.id)?.place : undefined
    if (place !== undefined) {
      this.#changes[place] = change
      return
    }
    const limit = documentLimits.commitOperationsMax
    if (this.#changes.length >= limit) {
      throw millraceError('QUEUE_FULL', { queue: 'changes of a session', seen: `${limit} changes`, limit })
    }
    this.#changes.push(change)
    if (one !== undefined)
      documents?.set(one.id, { place: one.isWhole ? this.#changes.length - 1 : undefined })
    // What comes after a change of many documents must not be moved before it.
    else if (documents !== undefined) for (const each of documents.values()) each.place = undefined
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
