import type { Event } from '@millrace/kernel'
import type { Collection, CollectionTrait, Identified } from './collection.ts'
import type { WhichDocuments } from './conditions.ts'
import type { Reader } from './reader.ts'
import type { EventCalls } from './session-events.ts'
import type { TypedPatch } from './typed-patch.ts'

/** What a session belongs to, and how it works. */
export interface SessionOptions {
  /** Whose documents and streams; needed for collections with tenancy. Default: nobody's. */
  readonly tenant?: string
  /** Kept with every document and event that the session writes. */
  readonly correlationId?: string
  readonly causationId?: string
  /** The event that leads to the session's changes: its ids count where none are given. */
  readonly cause?: Event
  /**
   * Reading a document again gives the same object again, as it was at first, whatever has happened in the database
   * since. Changing the object does not store it. Default: false.
   */
  readonly identityMap?: boolean
}

/** What a write may insist on. */
export interface WriteOptions {
  /** Only if the document has this revision when the changes are saved; 0: only if it does not exist. */
  readonly expectedRevision?: number
}

/** How many documents an operation over many has changed. */
export interface ChangedDocuments {
  /** Undefined until the session has saved its changes. */
  readonly count: number | undefined
}

/**
 * A unit of work: changes are gathered and saved together or not at all, in the order in which they were said. Reads go
 * to the database and do not see changes that are not saved. Ending the session without `saveChanges` forgets them.
 *
 * A session remembers the revisions of the last 100,000 documents of each collection that it read or saved, for `update`. It is for one
 * piece of work, and not for many at the same time.
 *
 * @example
 * await using session = store.session()
 * const bench = await session.load(Benches, 'bench-7')
 * if (bench) session.update(Benches, { ...bench, alarms: bench.alarms + 1 })
 * await session.saveChanges()
 */
export interface Session extends Reader, AsyncDisposable {
  /** Events that are saved together with the documents. */
  readonly events: EventCalls
  /** The revision that this session last read or saved; 0 if it looked and found none; undefined if it has not looked. */
  revisionOf<Document extends Identified>(
    collection: Collection<Document>,
    id: Document['id'],
  ): number | undefined
  /**
   * Writes the document whether it exists or not. A document without an id gets one. Gives back what will be stored.
   *
   * @throws DOCUMENT_INVALID, DOCUMENT_ID_INVALID, DOCUMENT_TOO_LARGE, TENANT_MISSING, QUEUE_FULL
   */
  store<Document extends Identified, Draft>(
    collection: Collection<Document, Draft>,
    document: Draft | Document,
    options?: WriteOptions,
  ): Document
  /** Writes a document that must not exist yet. As {@link store} otherwise. */
  insert<Document extends Identified, Draft>(
    collection: Collection<Document, Draft>,
    document: Draft | Document,
  ): Document
  /**
   * Replaces a document if nobody else has changed it since this session read it, or since `expectedRevision`.
   *
   * @throws DOCUMENT_REVISION_UNKNOWN (neither read nor given), and as {@link store}
   */
  update<Document extends Identified, Draft>(
    collection: Collection<Document, Draft>,
    document: (Draft | Document) & Pick<Document, 'id'>,
    options?: WriteOptions,
  ): Document
  /** Deletes the document if it exists; marks it, if the collection has soft deletes. */
  delete<Document extends Identified>(
    collection: Collection<Document>,
    id: Document['id'],
    options?: WriteOptions,
  ): void
  /** Deletes the document for good, also one that is marked as deleted. */
  hardDelete<Document extends Identified>(
    collection: Collection<Document>,
    id: Document['id'],
    options?: WriteOptions,
  ): void
  /** Deletes the documents that match when the changes are saved. */
  deleteWhere<Document extends Identified, Trait extends CollectionTrait>(
    collection: Collection<Document, never, Trait>,
    which: WhichDocuments<Document, Trait>,
  ): ChangedDocuments
  /** Deletes for good, also what is marked as deleted. */
  hardDeleteWhere<Document extends Identified, Trait extends CollectionTrait>(
    collection: Collection<Document, never, Trait>,
    which: WhichDocuments<Document, Trait>,
  ): ChangedDocuments
  /** Takes a soft delete back; nothing happens to a document that is not marked. @throws QUERY_INVALID without softDelete */
  undoDelete<Document extends Identified>(
    collection: Collection<Document>,
    id: Document['id'],
  ): ChangedDocuments
  /** Takes the soft deletes of the documents that match back. @throws QUERY_INVALID without softDelete */
  undoDeleteWhere<Document extends Identified, Trait extends CollectionTrait>(
    collection: Collection<Document, never, Trait>,
    which: WhichDocuments<Document, Trait>,
  ): ChangedDocuments
  /**
   * Changes parts of one document, which need not be loaded; nothing happens if it does not exist.
   *
   * @example
   * session.patch(Benches, 'bench-7').set('zone', 'north').increment('alarms')
   */
  patch<Document extends Identified>(
    collection: Collection<Document>,
    id: Document['id'],
    options?: WriteOptions,
  ): TypedPatch<Document>
  /** Changes parts of all documents that match when the changes are saved. */
  patch<Document extends Identified, Trait extends CollectionTrait>(
    collection: Collection<Document, never, Trait>,
    which: WhichDocuments<Document, Trait>,
  ): TypedPatch<Document>
  /**
   * Changes nothing: nothing is saved unless the document has this revision then (0: it does not exist), and keeps it
   * until that is done. With a lease's document, whose revision is its fencing token, a former owner saves nothing.
   */
  expect<Document extends Identified>(
    collection: Collection<Document>,
    id: Document['id'],
    revision: number,
  ): void
  /**
   * Sends all changes in one commit; durable on return where the engine is. Several whole writes of one document are
   * one: the last content, under the first one's condition. After an error nothing was saved and the changes are still
   * there; after DOCUMENT_CONFLICT ({@link conflictOf} has both sides) begin a new session, load again and decide again.
   * Without changes nothing is sent.
   *
   * @throws as Database.commit, and what the store's hooks throw
   */
  saveChanges(): Promise<void>
}
