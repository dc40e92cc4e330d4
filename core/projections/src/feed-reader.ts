import type { Database } from '@millrace/documents'
import { abortable, abortReason, isMillraceError, type Runtime, sleep } from '@millrace/kernel'
import { Wakeup } from '@millrace/processing'
import type { PageBuffer } from './page-buffer.ts'
import { PageSize } from './page-size.ts'

/** How the feed is read. */
export interface FeedReaderOptions {
  readonly database: Database
  readonly runtime: Runtime
  readonly buffer: PageBuffer
  /** Types of events as they are stored. */
  readonly types: readonly string[]
  readonly pageEventsMax: number
  /** Longest wait for a hint that there is more, in milliseconds. */
  readonly pollMs: number
  /** Least time from one page that is not full to the next, in milliseconds: under load, fewer and larger ones. */
  readonly lingerMs: number
}

/**
 * Reads the feed ahead of whoever applies it, into the buffer: pauses while that is full, asks for more at a time while
 * it is behind, and goes on behind the `through` of the answer before. That nothing is left out there is the engine's
 * promise, so it never waits for a gap to close.
 */
export class FeedReader {
  /** Wakes whenever there is something new to be known: a page, or an answer without one. */
  readonly more = new Wakeup()
  readonly #options: FeedReaderOptions
  readonly #less = new Wakeup()
  readonly #size: PageSize
  #isAtEnd = false

  constructor(options: FeedReaderOptions) {
    this.#options = options
    this.#size = new PageSize(options.pageEventsMax)
  }

  /** True if the last answer had less than was asked for: all that there is has been read. */
  get isAtEnd(): boolean {
    return this.#isAtEnd
  }

  /** To be called when events have left the buffer. */
  dropped(): void {
    this.#less.wake()
  }

  /** Reads until the signal aborts; then resolves. Rejects with what the database throws. */
  async run(signal: AbortSignal): Promise<void> {
    const { buffer, runtime, lingerMs } = this.#options
    const wake = () => this.#less.wake()
    signal.addEventListener('abort', wake, { once: true })
    try {
      while (!signal.aborted) {
        const { room } = buffer
        if (room === 0) {
          await this.#less.wait()
          continue
        }
        const startMs = runtime.clock.monotonic()
        const answer = await this.#fetch(room, signal)
        if (answer === undefined) continue
        buffer.add(answer)
        this.#isAtEnd = !answer.isFull
        this.more.wake()
        if (answer.isFull) continue
        if (answer.events.length === 0) await this.#hint(signal)
        const restMs = startMs + lingerMs - runtime.clock.monotonic()
        if (restMs > 0) await sleep(runtime.scheduler, restMs, signal)
      }
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      signal.removeEventListener('abort', wake)
    }
  }

  /** The next page; undefined if it would have been too large, and is to be asked for again. */
  async #fetch(room: number, signal: AbortSignal) {
    const { database, buffer, types } = this.#options
    const limit = Math.min(room, this.#size.limit)
    try {
      const question = { kind: 'feed', after: buffer.through, limit, types } as const
      const [{ events, through }] = await abortable(database.read([question]), signal)
      const isFull = events.length >= limit
      this.#size.note(events, isFull)
      return { events, through, isFull }
    } catch (error) {
      if (isMillraceError(error, 'QUERY_INVALID') && this.#size.halve()) return undefined
      throw error
    }
  }

  /** Waits for a hint, or as long as one may wait for it. */
  async #hint(signal: AbortSignal): Promise<void> {
    const { database, runtime, buffer, pollMs } = this.#options
    // Its own, so that nothing of a wait is left with a signal that lives as long as the reader.
    const wait = new AbortController()
    const stop = () => wait.abort(abortReason(signal))
    signal.addEventListener('abort', stop, { once: true })
    try {
      await Promise.race([
        database.eventsBeyond(buffer.through, { waitMsMax: pollMs, signal: wait.signal }),
        sleep(runtime.scheduler, pollMs, wait.signal),
      ])
    } finally {
      signal.removeEventListener('abort', stop)
      wait.abort()
    }
  }
}
