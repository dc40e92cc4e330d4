import { millraceError, type Runtime } from '@millrace/kernel'
import type { ExclusiveWriter, NewMessage, Placement } from './bus.ts'
import { assertMessage, type MessageLimits, storedBytesMax } from './message-checks.ts'
import type { Partition } from './partition.ts'
import type { Topic } from './topic.ts'

/** What a writer needs of its bus. */
export interface WriterEnvironment {
  readonly runtime: Runtime
  readonly engine: string
  readonly limits: MessageLimits
  assertOpen(): void
}

/** The exclusive writer of a partition, for as long as nobody has raised the partition's epoch. */
export class EmbeddedWriter implements ExclusiveWriter {
  readonly epoch: number
  readonly #topic: Topic
  readonly #partition: Partition
  readonly #environment: WriterEnvironment
  #closed = false

  constructor(topic: Topic, partition: Partition, epoch: number, environment: WriterEnvironment) {
    this.#topic = topic
    this.#partition = partition
    this.epoch = epoch
    this.#environment = environment
  }

  get endOffset(): number {
    return this.#partition.endOffset
  }

  async append(
    messages: readonly NewMessage[],
    options: { readonly expectedOffset?: number } = {},
  ): Promise<readonly Placement[]> {
    const { engine, limits } = this.#environment
    let storedBytes = 0
    for (const message of messages) {
      storedBytes += assertMessage(this.#topic.name, message, limits)
      if (message.deliverAtMs === undefined) continue
      throw millraceError('NOT_SUPPORTED', { what: 'Delay by an exclusive writer', engine })
    }
    if (storedBytes > limits.appendBytesMax) this.#assertOneAppend(messages)
    return this.#partition.inWriterTurn(async () => {
      this.#assertNewest()
      this.#assertPosition(options.expectedOffset)
      if (messages.length === 0) return []
      return this.#topic.append(this.#partition.index, messages, this.#environment.runtime.clock.now())
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#partition.inWriterTurn(async () => undefined)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #assertNewest(): void {
    this.#environment.assertOpen()
    const { topic, index: partition, epoch: current } = this.#partition
    if (!this.#closed && this.epoch === current) return
    if (this.#closed) throw millraceError('WRITER_CLOSED', { topic, partition })
    throw millraceError('WRITER_FENCED', { topic, partition, epoch: this.epoch, current })
  }

  /** All or none: what one append does not take cannot be divided. */
  #assertOneAppend(messages: readonly NewMessage[]): void {
    const { topic, index: partition } = this.#partition
    const seen = messages.reduce((sum, message) => sum + storedBytesMax(message), 0)
    const { appendBytesMax: limit } = this.#environment.limits
    if (seen > limit) throw millraceError('WRITER_APPEND_TOO_LARGE', { topic, partition, seen, limit })
  }

  #assertPosition(expected: number | undefined): void {
    const { topic, index: partition, endOffset: end } = this.#partition
    if (expected === undefined || expected === end) return
    throw millraceError('WRITER_POSITION_CONFLICT', { topic, partition, expected, end })
  }
}
