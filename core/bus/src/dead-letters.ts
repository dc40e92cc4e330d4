import { isMillraceError } from '@millrace/kernel'
import type { Bus, Message, NewMessage, Placement, TopicInfo } from './bus.ts'
import { decodeLetter, encodeLetter } from './dead-letter-headers.ts'
import { derivedId } from './derived-id.ts'

/** Why a message went to the dead letters. */
export interface DeadLetterCause {
  /** The group or intake that gave up: `too-hot`, `devices`. A replay reaches this group only. */
  readonly group: string
  /** Code of the catalogue error. */
  readonly code: string
  /** For people; cut to 2,000 characters. */
  readonly reason: string
  /** How often it was tried. */
  readonly attempts: number
}

/** A dead letter as operators see it. */
export interface DeadLetter {
  /** The topic it was meant for. */
  readonly topic: string
  /** Its place in the dead-letter topic. */
  readonly offset: number
  readonly cause: DeadLetterCause
  readonly diedAtMs: number
  /** The place where it was read, absent if it was refused before it had one. */
  readonly origin?: { readonly partition: number; readonly offset: number }
  readonly message: Pick<Message, 'key' | 'headers' | 'value'>
  /** True once it has been replayed. */
  readonly replayed: boolean
}

/** A topic that has dead letters. */
export interface DeadLetterCount {
  readonly topic: string
  /** Letters that nobody has replayed. */
  readonly waiting: number
  readonly replayed: number
}

/** What {@link deadLetter} wants to know beside the message. */
export interface DeadLetterOptions {
  readonly origin?: { readonly partition: number; readonly offset: number }
  /** Milliseconds since 1970. */
  readonly nowMs: number
}

/** A replayed message carries the group that it is for; see {@link isForGroup}. */
const ONLY_GROUP = 'mr_only-group'
const SUFFIX = '.dead-letters'
const REPLAYED_SUFFIX = `${SUFFIX}.replayed`
/** Letters that a page of a scan holds. */
const PAGE_COUNT = 500

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The topic that holds the dead letters of `topic`. */
export function deadLetterTopic(topic: string): string {
  return `${topic}${SUFFIX}`
}

/** True for topics of dead letters and for the records of their replays: what is in there never dies again. */
export function isDeadLetterTopic(topic: string): boolean {
  return topic.endsWith(SUFFIX) || topic.endsWith(REPLAYED_SUFFIX)
}

/** Whether `group` shall handle `message`: a replayed dead letter is only for the group that gave up on it. */
export function isForGroup(message: Pick<Message, 'headers'>, group: string): boolean {
  const only = message.headers[ONLY_GROUP]
  return only === undefined || only === group
}

/**
 * Puts a message aside with its cause; durable on return. The topic of the letters is created on demand. The same
 * message of the same group gives one letter only, however often it is put aside (where the bus recognises keys). A
 * message of a dead-letter topic stays where it is: undefined.
 *
 * @throws what {@link Bus.createTopic} and {@link Bus.publish} throw
 */
export async function deadLetter(
  bus: Bus,
  topic: string,
  message: {
    readonly key?: string | undefined
    readonly headers: Message['headers']
    readonly value: Uint8Array
  },
  cause: DeadLetterCause,
  options: DeadLetterOptions,
): Promise<Placement | undefined> {
  if (isDeadLetterTopic(topic)) return undefined
  const { origin, nowMs } = options
  const letter: NewMessage = {
    ...(message.key === undefined ? {} : { key: message.key }),
    headers: encodeLetter(message.headers, {
      topic,
      cause,
      diedAtMs: nowMs,
      ...(origin === undefined ? {} : { origin }),
    }),
    value: message.value,
    ...(origin === undefined || !bus.supports.idempotency
      ? {}
      : { idempotencyKey: derivedId(`${topic}/${origin.partition}/${origin.offset}`, cause.group, 0) }),
  }
  const [placement] = await publishOnDemand(bus, deadLetterTopic(topic), [letter])
  return placement
}

/** Every topic that has dead letters, by name. */
export async function listDeadLetters(bus: Bus): Promise<readonly DeadLetterCount[]> {
  const topics = await bus.listTopics()
  const counts: DeadLetterCount[] = []
  for (const info of topics) {
    if (!info.name.endsWith(SUFFIX)) continue
    const replayed = await replayedOffsets(bus, info)
    const letters = await countMessages(bus, info)
    counts.push({
      topic: info.name.slice(0, -SUFFIX.length),
      waiting: letters - replayed.size,
      replayed: replayed.size,
    })
  }
  return counts
}

/**
 * Dead letters of `topic` from `fromOffset` (default: the oldest) on, at most `limit` (default: 100). `nextOffset` is
 * where the next page starts. No letters at all if the topic never had one.
 */
export async function readDeadLetters(
  bus: Bus,
  topic: string,
  options: { readonly fromOffset?: number; readonly limit?: number } = {},
): Promise<{ readonly letters: readonly DeadLetter[]; readonly nextOffset: number }> {
  const info = await topicInfo(bus, deadLetterTopic(topic))
  const fromOffset = Math.max(options.fromOffset ?? 0, info?.partitions[0]?.startOffset ?? 0)
  if (info === undefined || fromOffset >= (info.partitions[0]?.endOffset ?? 0))
    return { letters: [], nextOffset: fromOffset }
  const replayed = await replayedOffsets(bus, info)
  const messages = await bus.read(
    { topic: info.name, partition: 0, offset: fromOffset },
    { countMax: options.limit ?? 100 },
  )
  const letters = messages.map((message) => toLetter(message, replayed))
  return { letters, nextOffset: (messages.at(-1)?.offset ?? fromOffset - 1) + 1 }
}

/**
 * Publishes dead letters to their topic again, in order: all that wait, or those at `offsets`. A letter that had a place
 * in its topic reaches only the group that gave up; one that was refused before that reaches everybody. Each letter is
 * replayed once: durably marked, and recognised by its key if a crash came before the mark (where the bus recognises
 * keys; elsewhere such a crash may repeat up to 500).
 *
 * @throws TOPIC_EXCLUSIVE if the topic has an exclusive writer, and what {@link Bus.publish} throws
 */
export async function replayDeadLetters(
  bus: Bus,
  topic: string,
  options: { readonly offsets?: readonly number[] } = {},
): Promise<{ readonly replayed: number }> {
  const info = await topicInfo(bus, deadLetterTopic(topic))
  if (info === undefined) return { replayed: 0 }
  const done = await replayedOffsets(bus, info)
  const wanted = options.offsets === undefined ? undefined : new Set(options.offsets)
  let replayed = 0
  for await (const page of pagesOf(bus, info)) {
    const letters = page
      .filter(({ offset }) => !done.has(offset) && wanted?.has(offset) !== false)
      .map((message) => toLetter(message, done))
    replayed += await replayPage(bus, topic, letters)
  }
  return { replayed }
}

async function replayPage(bus: Bus, topic: string, letters: readonly DeadLetter[]): Promise<number> {
  if (letters.length === 0) return 0
  const placements = await bus.publish(
    topic,
    letters.map((letter) => toReplay(bus, letter)),
  )
  const value = encoder.encode(JSON.stringify(letters.map(({ offset }) => offset)))
  await publishOnDemand(bus, replayedTopicOf(deadLetterTopic(topic)), [{ headers: {}, value }])
  return placements.filter(({ duplicate }) => !duplicate).length
}

function toReplay(bus: Bus, { topic, message, cause, offset, origin }: DeadLetter): NewMessage {
  return {
    ...(message.key === undefined ? {} : { key: message.key }),
    headers: origin === undefined ? message.headers : { ...message.headers, [ONLY_GROUP]: cause.group },
    value: message.value,
    ...(bus.supports.idempotency
      ? { idempotencyKey: derivedId(`${deadLetterTopic(topic)}/${offset}`, 'replay', 0) }
      : {}),
  }
}

function toLetter(message: Message, replayed: ReadonlySet<number>): DeadLetter {
  const { offset, key, value } = message
  const { headers, ...death } = decodeLetter(message)
  return { ...death, offset, message: { key, headers, value }, replayed: replayed.has(offset) }
}

function replayedTopicOf(deadLetters: string): string {
  return deadLetters.replace(/\.dead-letters$/, REPLAYED_SUFFIX)
}

/** The letters that are there and have been replayed: each record of a replay is a JSON list of offsets. */
async function replayedOffsets(bus: Bus, deadLetters: TopicInfo): Promise<ReadonlySet<number>> {
  const offsets = new Set<number>()
  const info = await topicInfo(bus, replayedTopicOf(deadLetters.name))
  if (info === undefined) return offsets
  const startOffset = deadLetters.partitions[0]?.startOffset ?? 0
  for await (const page of pagesOf(bus, info)) {
    for (const { value } of page) {
      for (const offset of JSON.parse(decoder.decode(value)) as number[]) {
        if (offset >= startOffset) offsets.add(offset)
      }
    }
  }
  return offsets
}

async function countMessages(bus: Bus, info: TopicInfo): Promise<number> {
  const { startOffset = 0, endOffset = 0 } = info.partitions[0] ?? {}
  if (bus.supports.contiguousOffsets) return endOffset - startOffset
  let count = 0
  for await (const page of pagesOf(bus, info)) count += page.length
  return count
}

async function* pagesOf(bus: Bus, { name, partitions }: TopicInfo): AsyncGenerator<readonly Message[]> {
  const { startOffset = 0, endOffset = 0 } = partitions[0] ?? {}
  for (let offset = startOffset; offset < endOffset; ) {
    const page = await bus.read({ topic: name, partition: 0, offset }, { countMax: PAGE_COUNT })
    const last = page.at(-1)
    if (last === undefined) return
    yield page
    offset = last.offset + 1
  }
}

async function topicInfo(bus: Bus, name: string): Promise<TopicInfo | undefined> {
  return (await bus.listTopics()).find((topic) => topic.name === name)
}

async function publishOnDemand(
  bus: Bus,
  topic: string,
  messages: readonly NewMessage[],
): Promise<readonly Placement[]> {
  try {
    return await bus.publish(topic, messages)
  } catch (error) {
    if (!isMillraceError(error, 'TOPIC_UNKNOWN')) throw error
    await bus.createTopic(topic)
    return bus.publish(topic, messages)
  }
}
