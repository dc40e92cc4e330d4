import type { Identified } from '@millrace/documents'

/** A document as it is in the database. */
export interface KnownDocument<Document extends Identified> {
  /** 0 if there is none. */
  readonly revision: number
  readonly document: Document | undefined
}

/**
 * The documents that a projection wrote or read last, so that the devices that report all the time are not loaded for
 * every batch. What it holds may be out of date (somebody else may have written): writes are made on condition of the
 * revision, and after a conflict everything is forgotten.
 */
export class RecentDocuments<Document extends Identified> {
  readonly #documentsMax: number
  /** Least recently used first. */
  readonly #known = new Map<string, KnownDocument<Document>>()

  constructor(documentsMax: number) {
    this.#documentsMax = documentsMax
  }

  get(id: string): KnownDocument<Document> | undefined {
    return this.#known.get(id)
  }

  /** Remembers a document; a function that changes it in place, and not by returning another, is found out. */
  set(id: string, { revision, document }: KnownDocument<Document>): void {
    this.#known.delete(id)
    this.#known.set(id, { revision, document: document && Object.freeze(document) })
    const [oldest] = this.#known.keys()
    if (this.#known.size > this.#documentsMax && oldest !== undefined) this.#known.delete(oldest)
  }

  clear(): void {
    this.#known.clear()
  }
}
