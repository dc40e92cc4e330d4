import type { Bus, NewMessage, Placement } from '@millrace/bus'
import { isMillraceError, type Runtime } from '@millrace/kernel'

/** What is told to whoever put a message into a lane: it is durable at `placement`, or it failed. */
export type Settle = (error: unknown, placement?: Placement) => void

/** Options of a {@link PublishLane}. */
export interface PublishLaneOptions {
  readonly bus: Bus
  readonly runtime: Runtime
  readonly topic: string
  /** Wait this long for more before publishing, in milliseconds. Default: 0, publish at once. */
  readonly lingerMs?: number
  /** Most messages of one publication. */
  readonly batchMax?: number
}

interface Entry {
  readonly message: NewMessage
  readonly settle: Settle
}

const BATCH_MAX_DEFAULT = 1_000
/** Payloads of one publication: what a log takes at once is bounded, and a batch beyond that would be refused. */
const BATCH_BYTES_MAX = 1024 * 1024
const NO_KEYS: ReadonlySet<string> = new Set()

/**
 * Gathers messages of all connections for one topic into one publication at a time. While one is on its way to the
 * disk the next fills, so a batch is as large as the load wants it, no message pays for a promise or a timer of its
 * own, and the messages of a key keep their order even if a publication fails.
 */
export class PublishLane {
  readonly #options: PublishLaneOptions
  #pending: Entry[] = []
  /** So many of the next messages are published one by one. */
  #single = 0
  #isPublishing = false
  #isScheduled = false
  #idle: (() => void)[] = []

  constructor(options: PublishLaneOptions) {
    this.#options = options
  }

  /** Adds a message; `settle` is called exactly once, never before this returns. */
  add(message: NewMessage, settle: Settle): void {
    this.#pending.push({ message, settle })
    this.#schedule()
  }

  /** Publishes what has gathered without lingering. */
  flush(): void {
    if (!this.#isPublishing && this.#pending.length > 0) void this.#publishAll()
  }

  /** Resolves when nothing is pending or on its way. */
  idle(): Promise<void> {
    this.flush()
    if (!this.#isPublishing && this.#pending.length === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isPublishing) return
    this.#isScheduled = true
    const start = () => {
      this.#isScheduled = false
      this.flush()
    }
    const lingerMs = this.#options.lingerMs ?? 0
    if (lingerMs === 0) queueMicrotask(start)
    else this.#options.runtime.scheduler.after(lingerMs, start)
  }

  async #publishAll(): Promise<void> {
    this.#isPublishing = true
    while (this.#pending.length > 0) {
      await this.#publish(this.#takeBatch())
    }
    this.#isPublishing = false
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  #takeBatch(): readonly Entry[] {
    const countMax = this.#single > 0 ? 1 : (this.#options.batchMax ?? BATCH_MAX_DEFAULT)
    this.#single = Math.max(0, this.#single - 1)
    let bytes = 0
    const isBeyond = ({ message }: Entry, index: number) => {
      bytes += message.value.length
      return index === countMax || (index > 0 && bytes > BATCH_BYTES_MAX)
    }
    const end = this.#pending.findIndex(isBeyond)
    return this.#pending.splice(0, end === -1 ? this.#pending.length : end)
  }

  async #publish(batch: readonly Entry[]): Promise<void> {
    const messages = batch.map(({ message }) => message)
    let placements: readonly Placement[]
    try {
      placements = await this.#options.bus.publish(this.#options.topic, messages)
    } catch (error) {
      this.#failed(batch, error)
      return
    }
    for (const [index, { settle }] of batch.entries())
      settleSafely(() => settle(undefined, placements[index]))
  }

  #failed(batch: readonly Entry[], error: unknown): void {
    const isTooLarge = isMillraceError(error, 'MESSAGE_TOO_LARGE')
    // One message that is too large must not take its neighbours down with it: each goes alone.
    if (isTooLarge && batch.length > 1) {
      this.#pending.unshift(...batch)
      this.#single = batch.length
      return
    }
    // What waits behind a message that may come again would get ahead of it, so it fails as well.
    const keys = isTooLarge ? NO_KEYS : keysOf(batch)
    const isBehind = ({ message }: Entry) => message.key !== undefined && keys.has(message.key)
    const behind = this.#pending.filter(isBehind)
    if (behind.length > 0) this.#pending = this.#pending.filter((entry) => !isBehind(entry))
    for (const { settle } of [...batch, ...behind]) settleSafely(() => settle(error))
  }
}

/** The messages of one key; one without a key goes its own way. */
function keysOf(entries: readonly Entry[]): ReadonlySet<string> {
  return new Set(entries.flatMap(({ message }) => message.key ?? []))
}

/** A settlement that throws is a bug of ours and must be loud, but it must not stop the lane for everybody else. */
function settleSafely(settle: () => void): void {
  try {
    settle()
  } catch (bug) {
    queueMicrotask(() => {
      throw bug
    })
  }
}
