import type { Collection, CollectionTrait, Identified } from './collection.ts'
import type { Query, WithMetadata } from './typed-query.ts'

/**
 * Reads that change nothing: of a store, of one tenant, of a session.
 *
 * @throws by every call COLLECTION_UNKNOWN, TENANT_MISSING, DOCUMENT_NOT_UPCAST, and as Database.read
 */
export interface Reader {
  /** The document, or undefined if there is none. */
  load<Document extends Identified>(
    collection: Collection<Document>,
    id: Document['id'],
  ): Promise<Document | undefined>
  /** The document with its revision, its times and its unit. */
  loadWithMetadata<Document extends Identified>(
    collection: Collection<Document>,
    id: Document['id'],
  ): Promise<WithMetadata<Document> | undefined>
  /** Those that exist, in the order of `ids`. At most 10,000. */
  loadMany<Document extends Identified>(
    collection: Collection<Document>,
    ids: readonly Document['id'][],
  ): Promise<Document[]>
  /** Starts a query. */
  query<Document extends Identified, Trait extends CollectionTrait = CollectionTrait>(
    collection: Collection<Document, never, Trait>,
  ): Query<Document, Document, Trait>
  /**
   * Sends several reads in one round trip, answered from one state of the database. The function gives an object or a
   * list of promises, and must ask at once: what it reads after waiting for something goes its own way. If one read is
   * refused, all are. At most 100.
   *
   * @example
   * const { bench, hot, total } = await store.batch((read) => ({
   *   bench: read.load(Benches, 'bench-7'),
   *   hot: read.query(Benches).where('celsius', 'gt', 30).toArray(),
   *   total: read.query(Benches).count(),
   * }))
   */
  batch<const Answers extends object>(reads: (reader: Reader) => Answers): Promise<Answered<Answers>>
}

/** What promises have come to, by their names or places. */
export type Answered<Answers extends object> = { -readonly [Name in keyof Answers]: Awaited<Answers[Name]> }
