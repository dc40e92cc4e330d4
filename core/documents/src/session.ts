import { checkSchema, formatIssues, millraceError } from '@millrace/kernel'
import type { Collection, Identified } from './collection.ts'
import type { Database } from './database.ts'
import { documentLimits } from './document-limits.ts'
import type { DocumentOperation, StoredDocument } from './document-operation.ts'
import { documentText } from './document-text.ts'
import { readOne } from './single-read.ts'
import { type Query, typedQuery } from './typed-query.ts'

/** What a write may insist on. */
export interface WriteOptions {
  /** Only if the document has this revision when the changes are saved; 0: only if it does not exist. */
  readonly expectedRevision?: number
}

/**
 * A unit of work: changes are gathered and saved together or not at all. Reads go to the database and do not see
 * changes that are not saved. Ending the session without `saveChanges` forgets them.
 *
 * @example
 * await using session = store.session()
 * const bench = await session.load(Benches, 'bench-7')
 * if (bench) session.update(Benches, { ...bench, alarms: bench.alarms + 1 })
 * await session.saveChanges()
 */
export interface Session extends AsyncDisposable {
  load<Document extends Identified>(
    collection: Collection<Document>,
    id: string,
  ): Promise<Document | undefined>
  /** Those that exist, in the order of `ids`. */
  loadMany<Document extends Identified>(
    collection: Collection<Document>,
    ids: readonly string[],
  ): Promise<Document[]>
  query<Document extends Identified>(collection: Collection<Document>): Query<Document>
  /** The revision that this session last read or saved; 0 if it looked and found none; undefined if it has not looked. */
  revisionOf(collection: Collection, id: string): number | undefined
  /** Writes the document whether it exists or not. @throws DOCUMENT_INVALID, QUEUE_FULL */
  store<Document extends Identified>(
    collection: Collection<Document>,
    document: Document,
    options?: WriteOptions,
  ): void
  /** Writes a document that must not exist yet. @throws DOCUMENT_INVALID, QUEUE_FULL */
  insert<Document extends Identified>(collection: Collection<Document>, document: Document): void
  /**
   * Replaces a document if nobody else has changed it since this session read it, or since `expectedRevision`.
   *
   * @throws DOCUMENT_INVALID, DOCUMENT_REVISION_UNKNOWN (neither read nor given), QUEUE_FULL
   */
  update<Document extends Identified>(
    collection: Collection<Document>,
    document: Document,
    options?: WriteOptions,
  ): void
  /** Deletes the document if it exists. */
  delete(collection: Collection, id: string, options?: WriteOptions): void
  /**
   * Sends all changes in one commit; durable on return where the engine is. Several changes of one document are one:
   * the last content, under the first one's condition. After an error nothing was saved and the changes are still
   * there; after DOCUMENT_CONFLICT begin a new session, load again and decide again.
   *
   * @throws as Database.commit
   */
  saveChanges(): Promise<void>
}

/** Begins a session on `database`. `collections` are those that the store knows. */
export function openSession(database: Database, checkKnown: (collection: Collection) => void): Session {
  return new UnitOfWork(database, checkKnown)
}

type Change = Extract<DocumentOperation, { readonly kind: 'store' | 'delete' }>

class UnitOfWork implements Session {
  readonly #database: Database
  readonly #checkKnown: (collection: Collection) => void
  readonly #revisions = new Map<string, number>()
  #changes = new Map<string, Change>()

  constructor(database: Database, checkKnown: (collection: Collection) => void) {
    this.#database = database
    this.#checkKnown = checkKnown
  }

  async load<Document extends Identified>(collection: Collection<Document>, id: string) {
    const [document] = await this.loadMany(collection, [id])
    return document
  }

  async loadMany<Document extends Identified>(collection: Collection<Document>, ids: readonly string[]) {
    this.#checkKnown(collection)
    const stored = await readOne(this.#database, { kind: 'load', collection: collection.name, ids })
    const found = new Map(stored.map((each) => [each.id, each]))
    for (const id of ids) this.#revisions.set(keyOf(collection.name, id), found.get(id)?.revision ?? 0)
    return ids.flatMap((id) => {
      const text = found.get(id)?.text
      return text === undefined ? [] : [JSON.parse(text) as Document]
    })
  }

  query<Document extends Identified>(collection: Collection<Document>): Query<Document> {
    this.#checkKnown(collection)
    const onLoaded = ({ id, revision }: StoredDocument) =>
      this.#revisions.set(keyOf(collection.name, id), revision)
    return typedQuery({ database: this.#database, onLoaded }, { collection: collection.name })
  }

  revisionOf(collection: Collection, id: string): number | undefined {
    return this.#revisions.get(keyOf(collection.name, id))
  }

  store<Document extends Identified>(
    collection: Collection<Document>,
    document: Document,
    options: WriteOptions = {},
  ) {
    this.#checkKnown(collection)
    this.#add({
      kind: 'store',
      collection: collection.name,
      ...validDocument(collection, document),
      ...options,
    })
  }

  insert<Document extends Identified>(collection: Collection<Document>, document: Document) {
    this.store(collection, document, { expectedRevision: 0 })
  }

  update<Document extends Identified>(
    collection: Collection<Document>,
    document: Document,
    options: WriteOptions = {},
  ) {
    const { id } = document
    const change = this.#changes.get(keyOf(collection.name, id))
    const expectedRevision = options.expectedRevision ?? this.revisionOf(collection, id)
    const isKnown = change !== undefined || (expectedRevision !== undefined && expectedRevision > 0)
    if (!isKnown) throw millraceError('DOCUMENT_REVISION_UNKNOWN', { collection: collection.name, id })
    this.store(collection, document, expectedRevision === undefined ? {} : { expectedRevision })
  }

  delete(collection: Collection, id: string, options: WriteOptions = {}) {
    this.#checkKnown(collection)
    this.#add({ kind: 'delete', collection: collection.name, id, ...options })
  }

  async saveChanges(): Promise<void> {
    const saved = this.#changes
    if (saved.size === 0) return
    this.#changes = new Map()
    try {
      const { results } = await this.#database.commit([...saved.values()])
      let index = 0
      for (const key of saved.keys()) this.#revisions.set(key, results[index++]?.revision ?? 0)
    } catch (error) {
      const since = this.#changes
      this.#changes = saved
      for (const change of since.values()) this.#add(change)
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#changes.clear()
  }

  /** Notes a change; if the document has one already, the new content counts under the old condition. */
  #add(change: Change): void {
    const key = keyOf(change.collection, change.id)
    const earlier = this.#changes.get(key)
    const limit = documentLimits.commitOperationsMax
    if (earlier === undefined && this.#changes.size >= limit) {
      throw millraceError('QUEUE_FULL', { queue: 'changes of a session', seen: `${limit} documents`, limit })
    }
    const { expectedRevision, ...content } = change
    const condition = earlier === undefined ? expectedRevision : earlier.expectedRevision
    this.#changes.set(key, condition === undefined ? content : { ...content, expectedRevision: condition })
  }
}

/** The document as its schema gives it back, with its id. */
function validDocument<Document extends Identified>(collection: Collection<Document>, document: Document) {
  const body = checkDocument(collection, document)
  return { id: body.id, text: documentText(collection.name, body.id, body) }
}

/** The document as the collection's schema gives it back (defaults filled in); throws `DOCUMENT_INVALID`. */
export function checkDocument<Document extends Identified>(
  collection: Collection<Document>,
  document: unknown,
): Document {
  const result = checkSchema(collection.schema, document)
  if (result.ok) return result.value
  throw millraceError('DOCUMENT_INVALID', {
    collection: collection.name,
    issues: formatIssues(result.issues),
  })
}

function keyOf(collection: string, id: string): string {
  return `${collection}/${id}`
}
