import type { Identified } from '@millrace/documents'

/** A document as it is in the database. */
export interface KnownDocument<Document extends Identified> {
  /** 0 if there is none. */
  readonly revision: number
  readonly document: Document | undefined
  /** Length of its JSON. */
  readonly characters: number
}

/** How much is kept at most. */
export interface RecentLimits {
  readonly documentsMax: number
  /** JSON of all of them, in UTF-16 units. */
  readonly charactersMax: number
}

/**
 * The documents that a projection wrote or read last, so that the devices that report all the time are not loaded for
 * every batch. What it holds may be out of date (somebody else may have written): writes are made on condition of the
 * revision, and after a conflict everything is forgotten.
 */
export class RecentDocuments<Document extends Identified> {
  readonly #limits: RecentLimits
  /** Least recently used first. */
  readonly #known = new Map<string, KnownDocument<Document>>()
  #characters = 0

  constructor(limits: RecentLimits) {
    this.#limits = limits
  }

  get(id: string): KnownDocument<Document> | undefined {
    return this.#known.get(id)
  }

  /** Remembers a document; a function that changes it in place, and not by returning another, is found out. */
  set(id: string, { revision, document, characters }: KnownDocument<Document>): void {
    this.#remove(id)
    this.#known.set(id, { revision, document: document && Object.freeze(document), characters })
    this.#characters += characters
    const { documentsMax, charactersMax } = this.#limits
    if (this.#known.size > documentsMax || this.#characters > charactersMax) this.#forgetOldest()
  }

  clear(): void {
    this.#known.clear()
    this.#characters = 0
  }

  /** A tenth at once: to look for the oldest means to pass what was removed before it. */
  #forgetOldest(): void {
    const documentsMax = this.#limits.documentsMax * 0.9
    const charactersMax = this.#limits.charactersMax * 0.9
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= documentsMax && this.#characters <= charactersMax) return
      this.#remove(oldest)
    }
  }

  #remove(id: string): void {
    const known = this.#known.get(id)
    if (known === undefined) return
    this.#known.delete(id)
    this.#characters -= known.characters
  }
}
