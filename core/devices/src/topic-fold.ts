import type { Bus, Message, Placement, Subscription } from '@millrace/bus'

const READ_COUNT = 5_000
const READ_BYTES = 4 * 1024 * 1024

/** Options of {@link TopicFold.open}. */
export interface TopicFoldOptions {
  readonly bus: Bus
  /** A topic with one partition. */
  readonly topic: string
  /** Its committed offset says where the next start begins. */
  readonly group: string
  readonly visit: (message: Message) => void
}

/**
 * State that is a fold over a topic: read back at the start, from the offset below which nothing matters any more.
 * The offset is committed through a consumer group, so operators see it like any other.
 */
export class TopicFold {
  readonly #bus: Bus
  readonly #topic: string
  readonly #subscription: Subscription
  #committed: number
  #end: number
  #isCommitting = false

  private constructor(bus: Bus, topic: string, subscription: Subscription, committed: number, end: number) {
    this.#bus = bus
    this.#topic = topic
    this.#subscription = subscription
    this.#committed = committed
    this.#end = end
  }

  /** Visits everything from the committed offset to the end. */
  static async open({ bus, topic, group, visit }: TopicFoldOptions): Promise<TopicFold> {
    const subscription = await bus.subscribe({ group, topics: [topic] })
    // It only commits; the messages are read directly.
    subscription.pause([{ topic, partition: 0 }])
    const from = await startOf(bus, topic, group)
    const end = await readToEnd(bus, topic, from, visit)
    return new TopicFold(bus, topic, subscription, from, end)
  }

  /** The offset after the last record that is known. */
  get end(): number {
    return this.#end
  }

  /** Where the next start will begin. */
  get committed(): number {
    return this.#committed
  }

  /** Takes note of a record that was published. */
  noteEnd(placement: Placement | undefined): void {
    if (placement !== undefined) this.#end = Math.max(this.#end, placement.offset + 1)
  }

  /** Visits everything from `offset` to the end once more. */
  async read(offset: number, visit: (message: Message) => void): Promise<void> {
    await readToEnd(this.#bus, this.#topic, offset, visit)
  }

  /** Lets the next start begin at `offset`. A failure costs time at that start and nothing else, so it is not told. */
  async commit(offset: number): Promise<void> {
    if (this.#isCommitting || offset <= this.#committed) return
    this.#isCommitting = true
    try {
      await this.#subscription.commit([{ topic: this.#topic, partition: 0, offset }])
      this.#committed = offset
    } catch {
      // Tried again with the next commit.
    } finally {
      this.#isCommitting = false
    }
  }

  async close(): Promise<void> {
    await this.#subscription.close()
  }
}

async function startOf(bus: Bus, topic: string, group: string): Promise<number> {
  const info = (await bus.listTopics()).find(({ name }) => name === topic)
  const known = (await bus.listGroups()).find((candidate) => candidate.group === group)
  const position = known?.positions.find((candidate) => candidate.topic === topic)
  return Math.max(info?.partitions[0]?.startOffset ?? 0, position?.offset ?? 0)
}

/** Gives the offset at which it found the end. */
async function readToEnd(
  bus: Bus,
  topic: string,
  from: number,
  visit: (message: Message) => void,
): Promise<number> {
  let offset = from
  for (;;) {
    const messages = await bus.read(
      { topic, partition: 0, offset },
      { countMax: READ_COUNT, bytesMax: READ_BYTES },
    )
    const last = messages.at(-1)
    if (last === undefined) return offset
    offset = last.offset + 1
    for (const message of messages) visit(message)
  }
}
