import {
  type Bus,
  type DeadLetter,
  isForGroup,
  type Message,
  openLogBus,
  readDeadLetters,
  type TopicInfo,
} from '@millrace/bus'
import { errorText } from '@millrace/kernel'
import type { Files } from '@millrace/log'
import { type LightRuntime, lightRuntime } from '../log/light-runtime.ts'
import { fail } from '../log/violation.ts'
import type { BusKnowledge } from './bus-knowledge.ts'
import type { BusTrace } from './bus-trace.ts'

/** The topics of every simulated bus: one for everybody, one for one writer at a time. */
export const TOPIC = 't'
export const EXCLUSIVE_TOPIC = 'state'

const decoder = new TextDecoder()
/** Longer than any delay, and than the pauses after which a bus tries again. */
const PATIENCE_MS = 200_000

/** Opens the bus of a trace. */
export function openBus(trace: BusTrace, files: Files, runtime: LightRuntime): Promise<Bus> {
  const { tableBytesMin, allocateAheadBytesMax } = trace
  const limits = { tableBytesMin, allocateAheadBytesMax, segmentBytesMax: 4096, messageBytesMax: 1000 }
  return openLogBus({ files, runtime, limits })
}

/** The number in a message; -1 if nobody ever sent it. */
export function numberOf({ value }: Pick<Message, 'value'>): number {
  const text = decoder.decode(value).trimEnd()
  return /^\d+$/.test(text) ? Number(text) : -1
}

/** Opens what a crash has left, and compares it with what is known. Throws what is wrong. */
export async function inspectBus(
  trace: BusTrace,
  files: Files,
  knowledge: BusKnowledge,
  nowMs: number,
): Promise<void> {
  const runtime = lightRuntime(trace.seed + 7, nowMs)
  const bus = await openBus(trace, files, runtime).catch((error: unknown) =>
    fail(`the bus does not open: ${errorText(error)}`),
  )
  const inspection = new BusInspection(trace, bus, runtime, knowledge)
  await inspection.run()
  await bus.close()
}

class BusInspection {
  readonly #trace: BusTrace
  readonly #bus: Bus
  readonly #runtime: LightRuntime
  readonly #knowledge: BusKnowledge
  #topics: ReadonlyMap<string, TopicInfo> = new Map()

  constructor(trace: BusTrace, bus: Bus, runtime: LightRuntime, knowledge: BusKnowledge) {
    this.#trace = trace
    this.#bus = bus
    this.#runtime = runtime
    this.#knowledge = knowledge
  }

  async run(): Promise<void> {
    const known = this.#knowledge
    await this.#list()
    for (const name of known.topics)
      if (!this.#topics.has(name)) fail(`topic ${name} was created, and is gone`)
    const early = await this.#messages(TOPIC)
    this.#places(early)
    this.#notTooEarly(early)
    await this.#positions()
    await this.#writers()
    await this.#letters()
    await this.#runtime.advance(PATIENCE_MS)
    const late = await this.#messages(TOPIC)
    this.#contents(late)
    await this.#goesOn()
  }

  async #list(): Promise<void> {
    this.#topics = new Map((await this.#bus.listTopics()).map((info) => [info.name, info]))
    for (const { name, partitions } of this.#topics.values())
      for (const { trouble } of partitions) if (trouble !== undefined) fail(`${name} has trouble: ${trouble}`)
  }

  /** Everything in a topic, partition by partition. */
  async #messages(topic: string): Promise<readonly Message[]> {
    await this.#list()
    const all: Message[] = []
    for (const { partition, startOffset, endOffset } of this.#topics.get(topic)?.partitions ?? []) {
      for (let offset = startOffset; offset < endOffset; ) {
        const messages = await this.#bus.read({ topic, partition, offset }, { countMax: 10_000 })
        const last = messages.at(-1)
        if (last === undefined)
          fail(`${topic}/${partition} ends at ${endOffset}, and shows nothing from ${offset} on`)
        all.push(...messages)
        offset = last.offset + 1
      }
    }
    return all
  }

  /** What was given or shown somewhere is there still, unless retention has taken it. */
  #places(messages: readonly Message[]): void {
    const found = new Map(
      messages.map((message) => [`${message.partition}/${message.offset}`, numberOf(message)]),
    )
    for (const [place, number] of this.#knowledge.places) {
      const [partition, offset] = place.split('/').map(Number)
      const { startOffset = 0 } = this.#topics.get(TOPIC)?.partitions[partition ?? 0] ?? {}
      const mayBeRemoved = this.#trace.retentionBytesMax !== undefined && (offset ?? 0) < startOffset
      if (!mayBeRemoved && found.get(place) !== number)
        fail(`${TOPIC}/${place} has shown message ${number}, and shows ${found.get(place) ?? 'nothing'}`)
    }
  }

  #notTooEarly(messages: readonly Message[]): void {
    for (const message of messages) {
      const { dueMs } =
        this.#knowledge.sent[numberOf(message)] ?? fail(`nobody has sent what stands at ${placeOf(message)}`)
      if (dueMs > this.#runtime.clock.now()) fail(`message ${numberOf(message)} is there before its time`)
    }
  }

  /** When all delays are over: everything is there once, in the order of its key, and nothing else. */
  #contents(all: readonly Message[]): void {
    const known = this.#knowledge
    const messages = all.filter((message) => isForGroup(message, 'nobody'))
    const counts = new Map<number, number>()
    for (const message of messages) counts.set(numberOf(message), (counts.get(numberOf(message)) ?? 0) + 1)
    for (const [number, count] of counts) if (count > 1) fail(`message ${number} is there ${count} times`)
    if (this.#trace.retentionBytesMax === undefined)
      for (const number of [...known.published, ...known.delayed])
        if (!counts.has(number)) fail(`message ${number} was acknowledged, and is not there`)
    const lastOfKey = new Map<string, number>()
    for (const message of messages) {
      const number = numberOf(message)
      const sent = known.sent[number]
      if (sent === undefined || sent.dueMs > 0 || known.repeated.has(number)) continue
      const last = lastOfKey.get(sent.key) ?? -1
      if (number < last) fail(`message ${number} of key ${sent.key} comes behind message ${last}`)
      lastOfKey.set(sent.key, number)
    }
  }

  /** Committed positions are there, or later ones that somebody has asked for. */
  async #positions(): Promise<void> {
    const { committed, asked } = this.#knowledge
    const groups = new Map((await this.#bus.listGroups()).map(({ group, positions }) => [group, positions]))
    for (const [name, offset] of committed) {
      const [group = '', partition] = name.split('/')
      const found =
        groups.get(group)?.find((position) => position.partition === Number(partition))?.offset ?? -1
      if (found < offset)
        fail(`group ${group} has committed ${offset} in partition ${partition}, and is at ${found}`)
      if (!asked.get(name)?.has(found))
        fail(`group ${group} is at ${found} in partition ${partition}; nobody asked`)
    }
  }

  /** What writers were told is written is there, in order; nothing of a fenced one; and the next one has a new epoch. */
  async #writers(): Promise<void> {
    const { written, fenced, epoch } = this.#knowledge
    if (!this.#topics.has(EXCLUSIVE_TOPIC)) return
    const numbers = (await this.#messages(EXCLUSIVE_TOPIC)).map(numberOf)
    const kept = numbers.filter((number) => written.includes(number))
    if (kept.join() !== written.join())
      fail(`writers were told that ${written.join()} are written; there are ${kept.join()}`)
    const late = numbers.find((number) => fenced.has(number))
    if (late !== undefined) fail(`message ${late} of a writer that had been fenced off is there`)
    await using writer = await this.#bus.openWriter(EXCLUSIVE_TOPIC)
    if (writer.epoch <= epoch) fail(`a new writer has epoch ${writer.epoch}, and there has been ${epoch}`)
  }

  /** Page by page: one read may end where a segment does. */
  async #allLetters(): Promise<readonly DeadLetter[]> {
    const all: DeadLetter[] = []
    for (let fromOffset = 0; ; ) {
      const { letters, nextOffset } = await readDeadLetters(this.#bus, TOPIC, { fromOffset, limit: 10_000 })
      if (letters.length === 0) return all
      all.push(...letters)
      fromOffset = nextOffset
    }
  }

  /** Every letter that was acknowledged is there once, and was replayed once if somebody was told so. */
  async #letters(): Promise<void> {
    const { dead } = this.#knowledge
    const letters = await this.#allLetters()
    const counts = new Map<string, number>()
    for (const { origin, cause, replayed } of letters) {
      const name = `${origin?.partition}/${origin?.offset} ${cause.group}`
      counts.set(name, (counts.get(name) ?? 0) + 1)
      if (dead.get(name) === true && !replayed)
        fail(`the letter of ${name} was replayed, and is not marked so`)
    }
    for (const [name, count] of counts) if (count > 1) fail(`there are ${count} letters of ${name}`)
    for (const name of dead.keys()) if (!counts.has(name)) fail(`the letter of ${name} is gone`)
    const replays = (await this.#messages(TOPIC)).filter((message) => !isForGroup(message, 'nobody'))
    if (replays.length > letters.length)
      fail(`${letters.length} letters were replayed ${replays.length} times`)
    const promised = [...dead.values()].filter((isReplayed) => isReplayed).length
    if (this.#trace.retentionBytesMax === undefined && replays.length < promised)
      fail(`${promised} letters were replayed, and ${replays.length} messages are there again`)
  }

  async #goesOn(): Promise<void> {
    if (!this.#topics.has(TOPIC)) return
    const message = { key: 'after', headers: {}, value: new TextEncoder().encode('after') }
    const [place] = await this.#bus
      .publish(TOPIC, [message])
      .catch((error: unknown) => fail(`nothing can be published after the crash: ${errorText(error)}`))
    if (place === undefined) fail('a publication after the crash has no place')
    if (this.#knowledge.places.has(`${place.partition}/${place.offset}`))
      fail(`${TOPIC}/${place.partition}/${place.offset} was given a second time`)
  }
}

function placeOf({ topic, partition, offset }: Message): string {
  return `${topic}/${partition}/${offset}`
}
