import { millraceError, type Runtime } from '@millrace/kernel'
import type { TopicInfo, TopicSettings } from './bus.ts'
import type { BusLimits } from './bus-limits.ts'
import type { BusStores, PartitionStore, Retention } from './bus-stores.ts'
import { assertTopicName, type MessageLimits } from './message-checks.ts'
import { Partition } from './partition.ts'
import { recallKeys } from './recalled-keys.ts'
import { type Delay, Topic } from './topic.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A topic as it is kept. */
interface StoredTopic {
  readonly name: string
  readonly exclusive: boolean
  readonly retention: Retention
  /** Of each partition: the epoch of its newest exclusive writer. */
  readonly epochs: readonly number[]
}

/** The topics of a bus and what is kept about them. */
export class TopicCatalogue {
  readonly #topics = new Map<string, Topic>()
  readonly #stores: BusStores
  readonly #runtime: Runtime
  readonly #limits: BusLimits & MessageLimits
  readonly #delay: Delay
  /** Creations and changes happen one at a time. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(stores: BusStores, runtime: Runtime, limits: BusLimits & MessageLimits, delay: Delay) {
    this.#stores = stores
    this.#runtime = runtime
    this.#limits = limits
    this.#delay = delay
  }

  /** Opens what was there before. A partition that cannot be opened stays closed and stops nobody else. */
  async load(): Promise<void> {
    for await (const page of this.#stores.topics.load()) {
      for (const { value } of page) {
        const stored = JSON.parse(decoder.decode(value)) as StoredTopic
        this.#topics.set(stored.name, await this.#open(stored))
      }
    }
  }

  has(name: string): boolean {
    return this.#topics.has(name)
  }

  get(name: string): Topic {
    const topic = this.#topics.get(name)
    if (topic === undefined) throw millraceError('TOPIC_UNKNOWN', { topic: name })
    return topic
  }

  partition(topic: string, index: number): Partition {
    const { partitions } = this.get(topic)
    const partition = partitions[index]
    if (partition === undefined) {
      throw millraceError('PARTITION_UNKNOWN', { topic, partition: index, last: partitions.length - 1 })
    }
    return partition
  }

  /** 0 for a partition that is not there. */
  endOffset(topic: string, partition: number): number {
    return this.#topics.get(topic)?.partitions[partition]?.endOffset ?? 0
  }

  /** Undefined for a partition that is not there, or cannot be read now. */
  knownEndOffset(topic: string, partition: number): number | undefined {
    const found = this.#topics.get(topic)?.partitions[partition]
    return found?.available === true ? found.endOffset : undefined
  }

  list(): readonly TopicInfo[] {
    const infos = [...this.#topics.values()].map((topic) => topic.info)
    return infos.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  create(name: string, settings: TopicSettings): Promise<TopicInfo> {
    assertTopicName(name)
    this.#assertSettings(settings)
    return this.#inTurn(() => this.#createOrChange(name, settings))
  }

  /** Raises the writer epoch of a partition; durable on return, and in force from then on. */
  raiseEpoch(topic: Topic, partition: Partition): Promise<number> {
    return this.#inTurn(async () => {
      const epoch = partition.epoch + 1
      const epochs = topic.partitions.map((other) => (other === partition ? epoch : other.epoch))
      const { name, exclusive, retention } = topic
      await this.#keep({ name, exclusive, retention, epochs })
      partition.epoch = epoch
      return epoch
    })
  }

  async applyRetention(): Promise<void> {
    const nowMs = this.#runtime.clock.now()
    for (const { partitions } of this.#topics.values()) {
      for (const partition of partitions) await partition.applyRetention(nowMs)
    }
  }

  async close(): Promise<void> {
    await this.#turn
    await Promise.all([...this.#topics.values()].map((topic) => topic.idle()))
    const partitions = [...this.#topics.values()].flatMap((topic) => topic.partitions)
    await Promise.allSettled(partitions.map((partition) => partition.close()))
  }

  async #createOrChange(name: string, settings: TopicSettings): Promise<TopicInfo> {
    const existing = this.#topics.get(name)
    if (existing !== undefined) return this.#change(existing, settings)
    const { partitions = 1, exclusive = false, retention = {} } = settings
    if (this.#topics.size >= this.#limits.topicsMax) {
      const limit = `${this.#limits.topicsMax} topics`
      throw millraceError('BUS_LIMIT_REACHED', { what: `The topic "${name}"`, limit, setting: 'topicsMax' })
    }
    const stored: StoredTopic = { name, exclusive, retention, epochs: new Array<number>(partitions).fill(0) }
    const topic = await this.#open(stored)
    try {
      for (const partition of topic.partitions) partition.assertSound()
      await this.#keep(stored)
    } catch (error) {
      // Or their directories would stay locked, and the next try would fail for that.
      await Promise.allSettled(topic.partitions.map((partition) => partition.close()))
      throw error
    }
    this.#topics.set(name, topic)
    return topic.info
  }

  async #change(topic: Topic, { partitions, exclusive, retention }: TopicSettings): Promise<TopicInfo> {
    const conflict = (setting: string, seen: unknown, expected: unknown) =>
      millraceError('TOPIC_CONFLICT', {
        topic: topic.name,
        setting,
        seen: String(seen),
        expected: String(expected),
      })
    if ((partitions ?? topic.partitions.length) !== topic.partitions.length) {
      throw conflict('partitions', topic.partitions.length, partitions)
    }
    if ((exclusive ?? topic.exclusive) !== topic.exclusive)
      throw conflict('exclusive', topic.exclusive, exclusive)
    if (retention !== undefined && !sameRetention(retention, topic.retention)) {
      const { name, exclusive: isExclusive } = topic
      await this.#keep({
        name,
        exclusive: isExclusive,
        retention,
        epochs: topic.partitions.map(({ epoch }) => epoch),
      })
      topic.retention = retention
      for (const partition of topic.partitions) await partition.setRetention(retention)
    }
    return topic.info
  }

  async #open({ name, exclusive, retention, epochs }: StoredTopic): Promise<Topic> {
    /** Partitions of whose stores nobody has read the keys yet. */
    const unknown = new Set(epochs.keys())
    const partitions = epochs.map((epoch, index) => {
      const partition = new Partition({
        topic: name,
        index,
        retention,
        scheduler: this.#runtime.scheduler,
        open: (current) => this.#stores.openPartition(name, index, current),
        admit: async (store, knownTo) => {
          await this.#recallLate(topic, index, store, unknown.has(index) ? 0 : knownTo)
          unknown.delete(index)
        },
      })
      partition.epoch = epoch
      return partition
    })
    const { idempotencyKeysMax, appendBytesMax } = this.#limits
    const topic = new Topic({ name, exclusive, retention }, partitions, {
      idempotencyKeysMax,
      appendBytesMax,
      delay: this.#delay,
    })
    await Promise.all(partitions.map((partition) => partition.open()))
    const available = partitions.filter((partition) => partition.available)
    for (const { index } of await recallKeys(topic, available, idempotencyKeysMax)) unknown.delete(index)
    return topic
  }

  /** The newest keys of a partition that was opened later than its topic. */
  async #recallLate(topic: Topic, index: number, store: PartitionStore, knownTo: number): Promise<void> {
    const { endOffset } = store
    const from = Math.max(store.startOffset, knownTo, endOffset - this.#limits.idempotencyKeysMax)
    if (from >= endOffset) return
    const { keys } = await store.scanKeys(from, endOffset)
    topic.remember(keys.map((key) => ({ ...key, partition: index })))
  }

  async #keep({ name, exclusive, retention, epochs }: StoredTopic): Promise<void> {
    const value = encoder.encode(JSON.stringify({ name, exclusive, retention, epochs } satisfies StoredTopic))
    await this.#stores.topics.put([{ key: name, value }])
  }

  #assertSettings({ partitions = 1, retention = {} }: TopicSettings): void {
    const { partitionsPerTopicMax } = this.#limits
    if (!Number.isInteger(partitions) || partitions < 1 || partitions > partitionsPerTopicMax) {
      invalid('partitions', partitions, `a whole number from 1 to ${partitionsPerTopicMax}`)
    }
    for (const name of ['ageMsMax', 'bytesMax'] as const) {
      const seen = retention[name]
      if (seen !== undefined && !(Number.isFinite(seen) && seen >= 0))
        invalid(`retention.${name}`, seen, 'a number from 0 on')
    }
  }

  #inTurn<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(task)
    this.#turn = result.catch(() => undefined)
    return result
  }
}

function invalid(setting: string, seen: unknown, expected: string): never {
  throw millraceError('TOPIC_SETTING_INVALID', { setting, seen: String(seen), expected })
}

function sameRetention(left: Retention, right: Retention): boolean {
  return left.ageMsMax === right.ageMsMax && left.bytesMax === right.bytesMax
}
