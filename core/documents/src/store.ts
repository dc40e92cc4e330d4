import { millraceError } from '@millrace/kernel'
import type { Collection, Identified } from './collection.ts'
import type { Database } from './database.ts'
import { openSession, type Session } from './session.ts'
import type { Query } from './typed-query.ts'

/** What a store is made of. */
export interface StoreOptions {
  readonly database: Database
  /** All that the store may touch; they are made if they are missing. */
  readonly collections: readonly Collection[]
}

/** Typed documents on a database. It has nothing to close: the database belongs to whoever opened it. */
export interface Store {
  readonly database: Database
  readonly collections: readonly Collection[]
  /** Begins a unit of work. */
  session(): Session
  /** Reads one document outside any session. */
  load<Document extends Identified>(
    collection: Collection<Document>,
    id: string,
  ): Promise<Document | undefined>
  /** Queries outside any session. */
  query<Document extends Identified>(collection: Collection<Document>): Query<Document>
}

/**
 * Opens a store; its collections exist on return.
 *
 * @throws COLLECTION_NAME_INVALID, COLLECTION_DUPLICATE, and what the database throws
 */
export async function openStore({ database, collections }: StoreOptions): Promise<Store> {
  const known = new Map(collections.map((each) => [each.name, each]))
  for (const each of collections) {
    if (known.get(each.name) !== each) throw millraceError('COLLECTION_DUPLICATE', { collection: each.name })
  }
  await database.prepare({ collections: [...known.keys()].map((name) => ({ name })) })
  const checkKnown = ({ name }: Collection) => {
    if (!known.has(name)) throw millraceError('COLLECTION_UNKNOWN', { collection: name })
  }
  const session = () => openSession(database, checkKnown)
  return {
    database,
    collections: [...known.values()],
    session,
    load: (collection, id) => session().load(collection, id),
    query: (collection) => session().query(collection),
  }
}
