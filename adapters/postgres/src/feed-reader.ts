import type { CheckedFeed, FeedAnswer } from '@millrace/documents'
import { compileFeed, type Dialect } from './compiled-read.ts'
import type { Connections } from './connections.ts'
import { FeedMark } from './feed-mark.ts'
import { eventsOf } from './read-answers.ts'
import { BoundValues } from './sql-values.ts'
import type { Statement, StatementResult } from './statement.ts'

/** Keeps the mark up to which the feed is complete, and answers feeds up to it. */
export class FeedReader {
  readonly #connections: Connections
  readonly #dialect: Dialect
  readonly #mark = new FeedMark()
  /** The look under way, and the one that those share who came after it had begun. */
  #current: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  constructor(connections: Connections, dialect: Dialect) {
    this.#connections = connections
    this.#dialect = dialect
  }

  /** The mark as it was when it was looked at last. */
  get known(): number {
    return this.#mark.decided
  }

  /** The mark as it is now. One looks at a time, since sights must be taken in in their order. */
  async decided(): Promise<number> {
    this.#next ??= this.#current.then(() => {
      this.#next = undefined
      const look = this.#look()
      this.#current = look.catch(() => undefined)
      return look
    })
    await this.#next
    return this.#mark.decided
  }

  statement(read: CheckedFeed, decided: number): Statement {
    return compileFeed(this.#dialect, read, decided)
  }

  answer({ after, limit }: CheckedFeed, decided: number, { rows }: StatementResult): FeedAnswer {
    const events = eventsOf('the feed', rows)
    const last = events.at(-1)
    if (last !== undefined && events.length === limit) return { events, through: last.position }
    return { events, through: limit === 0 ? after : Math.max(after, decided) }
  }

  /** Asks for what {@link FeedMark} takes in. */
  look(): Statement {
    const values = new BoundValues()
    const call = `${this.#dialect.names.function('feed_mark')}(${values.whole(this.#mark.decided)})`
    return {
      sql: `SELECT given, array_to_string(writers, ','), contiguous FROM ${call}`,
      parameters: values.parameters,
    }
  }

  async #look(): Promise<void> {
    const [result] = await this.#connections.run([this.look()])
    const [given, writers, contiguous] = result?.rows[0] ?? []
    this.#mark.see({
      given: Number(given),
      writers: writers === '' ? [] : (writers ?? '').split(','),
      contiguous: Number(contiguous),
    })
  }
}
