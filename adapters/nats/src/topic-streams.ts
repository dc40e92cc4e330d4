import { assertTopicName, type PartitionInfo, type TopicInfo, type TopicSettings } from '@millrace/bus'
import { millraceError } from '@millrace/kernel'
import {
  DiscardPolicy,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream'
import { nanos } from '@nats-io/nats-core'
import { frameEnd } from './frame.ts'
import { isStreamMissing, JETSTREAM, jetStreamCode } from './nats-failure.ts'
import type { NatsLink } from './nats-link.ts'
import type { NatsNames } from './nats-names.ts'
import { firstOffset, OFFSETS_PER_FRAME } from './offsets.ts'

type Retention = TopicInfo['retention']

/** What never changes of a topic. */
export interface TopicFacts {
  readonly name: string
  readonly stream: string
  readonly partitions: number
  readonly exclusive: boolean
}

/** Kept in the description of the stream, which every version of the server has, and `nats stream info` shows. */
interface Description {
  readonly millrace: 1
  readonly partitions: number
  readonly exclusive: boolean
  readonly retention: Retention
}

/** JetStream takes no shorter ages and windows. */
const AGE_MS_MIN = 100
/** Requests about partitions that are under way at once. */
const CONCURRENCY = 32

/** Topics as streams: one a topic, one subject a partition. */
export class TopicStreams {
  readonly #link: NatsLink
  readonly #names: NatsNames
  /** Promises, so that whoever asks for the same topic goes on in the order of asking. */
  readonly #facts = new Map<string, Promise<TopicFacts>>()

  constructor(link: NatsLink, names: NatsNames) {
    this.#link = link
    this.#names = names
  }

  async create(name: string, settings: TopicSettings): Promise<TopicInfo> {
    assertTopicName(name)
    const { partitions = 1, exclusive = false } = settings
    this.#check(partitions, settings.retention)
    const existing = await this.#find(name)
    if (existing !== undefined) return this.#agree(name, existing, settings)
    const description = { millrace: 1 as const, partitions, exclusive, retention: settings.retention ?? {} }
    try {
      const info = await this.#link.ask(() => this.#link.manager.streams.add(this.#config(name, description)))
      return await this.#infoOf(name, info)
    } catch (error) {
      if (jetStreamCode(error) !== JETSTREAM.streamNameInUse) throw error
      const other = await this.#find(name)
      if (other === undefined) throw error
      return this.#agree(name, other, settings)
    }
  }

  async list(): Promise<readonly TopicInfo[]> {
    const streams = await this.streams()
    const topics = await mapBounded(streams, ({ topic, info }) => this.#infoOf(topic, info))
    return topics.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Every stream that is a topic of this bus. */
  async streams(): Promise<{ topic: string; info: StreamInfo }[]> {
    const found: { topic: string; info: StreamInfo }[] = []
    const all = await this.#link.ask(async () => listOf(this.#link.manager.streams.list()))
    for (const info of all) {
      const topic = this.#names.topicOf(info.config.name)
      if (topic !== undefined && describedBy(info) !== undefined) found.push({ topic, info })
    }
    return found
  }

  /** `TOPIC_UNKNOWN` if there is none. Remembered until {@link forget}. */
  facts(name: string): Promise<TopicFacts> {
    const known = this.#facts.get(name)
    if (known !== undefined) return known
    const facts = this.#readFacts(name)
    this.#facts.set(name, facts)
    facts.catch(() => this.#facts.delete(name))
    return facts
  }

  forget(name: string): void {
    this.#facts.delete(name)
  }

  /** `PARTITION_UNKNOWN` if the topic has no such partition. */
  async partition(name: string, partition: number): Promise<TopicFacts> {
    const facts = await this.facts(name)
    if (Number.isInteger(partition) && partition >= 0 && partition < facts.partitions) return facts
    throw millraceError('PARTITION_UNKNOWN', { topic: name, partition, last: facts.partitions - 1 })
  }

  /** The offsets that a partition holds now. */
  async range(facts: TopicFacts, partition: number): Promise<{ start: number; end: number }> {
    const info = await this.#link.ask(() => this.#link.manager.streams.info(facts.stream))
    return this.#range(facts, partition, info)
  }

  async #readFacts(name: string): Promise<TopicFacts> {
    const info = await this.#find(name)
    if (info === undefined) throw millraceError('TOPIC_UNKNOWN', { topic: name })
    return factsOf(name, info)
  }

  async #find(name: string): Promise<StreamInfo | undefined> {
    // A name that no topic can have is no stream's name either.
    if (!/^[\w.-]{1,230}$/.test(name)) return undefined
    try {
      const info = await this.#link.ask(() => this.#link.manager.streams.info(this.#names.stream(name)))
      return describedBy(info) === undefined ? undefined : info
    } catch (error) {
      if (isStreamMissing(error)) return undefined
      throw error
    }
  }

  async #agree(name: string, info: StreamInfo, settings: TopicSettings): Promise<TopicInfo> {
    const description = describedBy(info) as Description
    const { partitions = description.partitions, exclusive = description.exclusive, retention } = settings
    conflict(name, 'partitions', description.partitions, partitions)
    conflict(name, 'exclusive', description.exclusive, exclusive)
    if (retention === undefined || sameRetention(retention, description.retention))
      return this.#infoOf(name, info)
    const { name: _name, ...changed } = this.#config(name, { ...description, retention })
    const { description: text, max_age, max_bytes, duplicate_window } = changed
    const update = { description: text, max_age, max_bytes, duplicate_window } as Partial<StreamConfig>
    return this.#infoOf(
      name,
      await this.#link.ask(() => this.#link.manager.streams.update(this.#names.stream(name), update)),
    )
  }

  #config(name: string, description: Description): Partial<StreamConfig> & { name: string } {
    const { ageMsMax, bytesMax } = description.retention
    const { duplicateWindowMs } = this.#link.settings.limits
    const ageMs = ageMsMax === undefined ? undefined : Math.max(AGE_MS_MIN, ageMsMax)
    return {
      name: this.#names.stream(name),
      description: JSON.stringify(description),
      subjects: [this.#names.subjects(name)],
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      storage: StorageType.File,
      num_replicas: this.#link.settings.replicas,
      max_age: nanos(ageMs ?? 0),
      max_bytes: bytesMax === undefined ? -1 : Math.max(1, Math.ceil(bytesMax * description.partitions)),
      duplicate_window: nanos(Math.min(duplicateWindowMs, ageMs ?? duplicateWindowMs)),
      allow_direct: false,
    }
  }

  #check(partitions: number, retention: Retention = {}): void {
    const { partitionsPerTopicMax } = this.#link.settings.limits
    if (!Number.isInteger(partitions) || partitions < 1 || partitions > partitionsPerTopicMax)
      invalid('partitions', partitions, `a whole number from 1 to ${partitionsPerTopicMax}`)
    for (const [setting, seen] of Object.entries(retention)) {
      if (seen !== undefined && !(seen >= 0)) invalid(`retention.${setting}`, seen, 'a number from 0 on')
    }
  }

  async #infoOf(name: string, info: StreamInfo): Promise<TopicInfo> {
    const facts = factsOf(name, info)
    const { retention } = describedBy(info) as Description
    const indexes = Array.from({ length: facts.partitions }, (_, index) => index)
    const bytes = Math.ceil(info.state.bytes / facts.partitions)
    const partitions = await mapBounded(indexes, async (partition): Promise<PartitionInfo> => {
      const { start, end } = await this.#range(facts, partition, info)
      return { partition, startOffset: start, endOffset: end, bytes }
    })
    return { name, exclusive: facts.exclusive, retention, partitions }
  }

  async #range(
    facts: TopicFacts,
    partition: number,
    info: StreamInfo,
  ): Promise<{ start: number; end: number }> {
    const first = Math.max(1, info.state.first_seq)
    const start = firstOffset(facts, first)
    if (info.state.messages === 0) return { start, end: start }
    // Of one partition the stream's end is the partition's; frames must be looked at to know how much the last one holds.
    if (facts.partitions === 1 && !facts.exclusive) return { start, end: info.state.last_seq + 1 }
    const subject = this.#names.subject(facts.name, partition)
    const last = await this.#link.ask(() =>
      this.#link.manager.streams.getMessage(facts.stream, { last_by_subj: subject }),
    )
    if (last === null) return { start, end: start }
    const end = facts.exclusive ? last.seq * OFFSETS_PER_FRAME + frameEnd(last.header) : last.seq + 1
    return { start, end: Math.max(start, end) }
  }
}

function factsOf(name: string, info: StreamInfo): TopicFacts {
  const { partitions, exclusive } = describedBy(info) as Description
  return { name, stream: info.config.name, partitions, exclusive }
}

function describedBy(info: StreamInfo): Description | undefined {
  try {
    const description = JSON.parse(info.config.description ?? '') as Partial<Description>
    return description.millrace === 1 && Number.isInteger(description.partitions)
      ? (description as Description)
      : undefined
  } catch {
    return undefined
  }
}

function conflict(topic: string, setting: string, seen: unknown, expected: unknown): void {
  if (seen === expected) return
  throw millraceError('TOPIC_CONFLICT', {
    topic,
    setting,
    seen: String(seen),
    expected: String(expected),
  })
}

function invalid(setting: string, seen: unknown, expected: string): never {
  throw millraceError('TOPIC_SETTING_INVALID', { setting, seen: String(seen), expected })
}

function sameRetention(left: Retention, right: Retention): boolean {
  return left.ageMsMax === right.ageMsMax && left.bytesMax === right.bytesMax
}

/** Everything that comes, as a list. */
export async function listOf<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = []
  for await (const item of items) list.push(item)
  return list
}

/** Results in the order of `items`, a bounded number of them under way at once. */
export async function mapBounded<Item, Result>(
  items: readonly Item[],
  map: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length)
  const waiting = items.entries()
  const run = async () => {
    for (const [index, item] of waiting) results[index] = await map(item)
  }
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, items.length) }, run))
  return results
}
