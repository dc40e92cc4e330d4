import type { Database } from './database.ts'
import type { Read, ReadAnswers } from './read.ts'

type Reading = Pick<Database, 'read' | 'explain'>

interface Waiting {
  readonly reads: readonly Read[]
  readonly resolve: (answers: readonly unknown[]) => void
  readonly reject: (reason: unknown) => void
}

/** Holds reads back until they are sent together. */
export class GatheredReads implements Reading {
  readonly #database: Reading
  /** Undefined once they are sent: what comes later goes its own way. */
  #waiting: Waiting[] | undefined = []

  constructor(database: Reading) {
    this.#database = database
  }

  read<const Reads extends readonly Read[]>(reads: Reads): Promise<ReadAnswers<Reads>> {
    const waiting = this.#waiting
    if (waiting === undefined) return this.#database.read(reads)
    return new Promise((resolve, reject) => {
      waiting.push({ reads, resolve: resolve as Waiting['resolve'], reject })
    })
  }

  explain(read: Read) {
    return this.#database.explain(read)
  }

  /** Sends what has been gathered. Errors go to those who have asked. */
  async send(): Promise<void> {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    if (waiting.length === 0) return
    try {
      const answers: readonly unknown[] = await this.#database.read(waiting.flatMap(({ reads }) => reads))
      let start = 0
      for (const { reads, resolve } of waiting) {
        resolve(answers.slice(start, start + reads.length))
        start += reads.length
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }
}
