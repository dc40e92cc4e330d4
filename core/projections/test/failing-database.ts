import type { Database } from '@millrace/documents'
import { millraceError } from '@millrace/kernel'

/** How and when a database fails. */
export interface FailurePoint {
  /** The call, counted from 1: reads and commits together. */
  readonly at: number
  /** Before it has had its effect, or after: then the caller hears of the failure although it was done. */
  readonly effect: 'before' | 'after'
  /**
   * `once`: the call fails, those behind it do not. `for-good`: nobody hears of it or of any later call, as if the
   * process had died.
   */
  readonly kind: 'once' | 'for-good'
}

/** A database of which one call fails. */
export class FailingDatabase {
  readonly database: Database
  readonly #point: FailurePoint
  #calls = 0

  constructor(inner: Database, point: FailurePoint) {
    this.#point = point
    const guard = <Result>(call: () => Promise<Result>) => this.#guard(call)
    this.database = {
      supports: inner.supports,
      prepare: (schema, options) => inner.prepare(schema, options),
      plan: (schema) => inner.plan(schema),
      commit: (operations, options) => guard(() => inner.commit(operations, options)),
      read: (reads) => guard(() => inner.read(reads)),
      explain: (read) => inner.explain(read),
      raw: (sql, parameters) => inner.raw(sql, parameters),
      transform: (step) => inner.transform(step),
      eventsBeyond: (position, options) => inner.eventsBeyond(position, options),
      close: () => inner.close(),
      [Symbol.asyncDispose]: () => inner.close(),
    }
  }

  /** Calls so far. */
  get calls(): number {
    return this.#calls
  }

  get hasFailed(): boolean {
    return this.#calls >= this.#point.at
  }

  async #guard<Result>(call: () => Promise<Result>): Promise<Result> {
    this.#calls += 1
    const { at, effect, kind } = this.#point
    if (this.#calls < at || (kind === 'once' && this.#calls > at)) return call()
    if (this.#calls === at && effect === 'after') await call()
    if (kind === 'for-good') return new Promise(() => {})
    throw millraceError('DATABASE_FAILED', { reason: 'made to' })
  }
}
