import type { AnyCollection, Collection, Identified } from './collection.ts'
import { readDocument } from './document-form.ts'
import type { StoredDocument } from './document-operation.ts'

/** What a session remembers of the documents of one collection; the oldest ones are forgotten first. */
const REMEMBERED_DOCUMENTS_MAX = 100_000

interface Remembered {
  /** 0: it was looked for and is not there. */
  readonly revision: number
  /** With an identity map: the object that stands for the document. */
  readonly document?: Identified
}

/** The revisions that a session has read or saved, and its identity map. */
export class SessionMemory {
  readonly #hasIdentityMap: boolean
  /** By collection and id; least recently noted first. */
  readonly #remembered = new Map<string, Map<string, Remembered>>()

  constructor(hasIdentityMap: boolean) {
    this.#hasIdentityMap = hasIdentityMap
  }

  revisionOf(collection: AnyCollection, id: string): number | undefined {
    return this.#remembered.get(collection.name)?.get(id)?.revision
  }

  /** The object for a document that was read: with an identity map the one it had before, whatever was read now. */
  documentOf<Document extends Identified>(
    collection: Collection<Document>,
    stored: StoredDocument,
  ): Document {
    const known = this.#remembered.get(collection.name)?.get(stored.id)?.document as Document | undefined
    if (known !== undefined) return known
    const document = readDocument(collection, stored)
    this.note(collection, stored.id, stored.revision, document)
    return document
  }

  note({ name }: AnyCollection, id: string, revision: number, document?: Identified): void {
    let ofCollection = this.#remembered.get(name)
    if (ofCollection === undefined) {
      ofCollection = new Map()
      this.#remembered.set(name, ofCollection)
    }
    const isKept = this.#hasIdentityMap && document !== undefined
    ofCollection.delete(id)
    ofCollection.set(id, isKept ? { revision, document } : { revision })
    const [oldest] = ofCollection.size > REMEMBERED_DOCUMENTS_MAX ? ofCollection.keys() : []
    if (oldest !== undefined) ofCollection.delete(oldest)
  }

  /** Notes a document that was saved. The object that stood for it before goes on to do so. */
  noteSaved(
    collection: AnyCollection,
    id: string,
    revision: number,
    draft: unknown,
    document: Identified,
  ): void {
    const known = this.#remembered.get(collection.name)?.get(id)?.document
    this.note(collection, id, revision, known !== undefined && known === draft ? known : document)
  }

  /** Many documents of the collection may be others now. */
  forgetAll({ name }: AnyCollection): void {
    this.#remembered.delete(name)
  }
}
