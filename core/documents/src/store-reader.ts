import type { Collection, CollectionTrait, Identified } from './collection.ts'
import { idText } from './document-id.ts'
import { metadataOf } from './document-metadata.ts'
import type { StoredDocument } from './document-operation.ts'
import { GatheredReads } from './gathered-reads.ts'
import { startQuery } from './query-builder.ts'
import type { ReadSource } from './read-source.ts'
import type { Answered, Reader } from './reader.ts'
import { readOne } from './single-read.ts'
import type { Query, WithMetadata } from './typed-query.ts'

/** Reads from a source. */
export class StoreReader implements Reader {
  readonly #source: ReadSource

  constructor(source: ReadSource) {
    this.#source = source
  }

  async load<Document extends Identified>(collection: Collection<Document>, id: Document['id']) {
    const stored = await this.#loadOne(collection, id)
    return stored && this.#source.documentOf(collection, stored)
  }

  async loadWithMetadata<Document extends Identified>(
    collection: Collection<Document>,
    id: Document['id'],
  ): Promise<WithMetadata<Document> | undefined> {
    const stored = await this.#loadOne(collection, id)
    return stored && { document: this.#source.documentOf(collection, stored), metadata: metadataOf(stored) }
  }

  async loadMany<Document extends Identified>(
    collection: Collection<Document>,
    ids: readonly Document['id'][],
  ) {
    const found = await this.#load(collection, ids)
    return found.flatMap((stored) =>
      stored === undefined ? [] : this.#source.documentOf(collection, stored),
    )
  }

  query<Document extends Identified, Trait extends CollectionTrait>(
    collection: Collection<Document, never, Trait>,
  ): Query<Document, Document, Trait> {
    return startQuery(this.#source, collection)
  }

  async batch<const Answers extends object>(reads: (reader: Reader) => Answers): Promise<Answered<Answers>> {
    const gathered = new GatheredReads(this.#source.database)
    const answers = reads(new StoreReader({ ...this.#source, database: gathered }))
    const [values] = await Promise.all([Promise.all(Object.values(answers)), gathered.send()])
    if (Array.isArray(answers)) return values as Answered<Answers>
    const names = Object.keys(answers)
    return Object.fromEntries(names.map((name, index) => [name, values[index]])) as Answered<Answers>
  }

  async #loadOne<Document extends Identified>(collection: Collection<Document>, id: Document['id']) {
    const [stored] = await this.#load(collection, [id])
    return stored
  }

  /** In the order of the ids. */
  async #load<Document extends Identified>(
    collection: Collection<Document>,
    ids: readonly Document['id'][],
  ): Promise<readonly (StoredDocument | undefined)[]> {
    const tenant = this.#source.tenantOf(collection)
    const texts = ids.map((id) => idText(collection.name, id))
    const found = await readOne(this.#source.database, {
      kind: 'load',
      collection: collection.name,
      ids: texts,
      ...(tenant === undefined ? {} : { tenant }),
    })
    const byId = new Map(found.map((stored) => [stored.id, stored]))
    for (const id of texts) if (!byId.has(id)) this.#source.onMissing?.(collection, id)
    return texts.map((id) => byId.get(id))
  }
}
