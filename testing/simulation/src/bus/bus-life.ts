import {
  type Bus,
  deadLetter,
  type ExclusiveWriter,
  type Message,
  type NewMessage,
  replayDeadLetters,
  type Subscription,
} from '@millrace/bus'
import { errorText, isMillraceError, type Random } from '@millrace/kernel'
import type { MemoryFiles } from '@millrace/memory'
import type { LightRuntime } from '../log/light-runtime.ts'
import { fail, Violation } from '../log/violation.ts'
import { quiet } from '../quiet.ts'
import { chance } from '../seed-streams.ts'
import { EXCLUSIVE_TOPIC, numberOf, openBus, TOPIC } from './bus-inspection.ts'
import type { BusFact, SentMessage } from './bus-knowledge.ts'
import type { BusAction, BusTrace } from './bus-trace.ts'

/** What a process that uses a bus is started with. */
export interface BusLifeSurroundings {
  readonly trace: BusTrace
  readonly disk: MemoryFiles
  readonly runtime: LightRuntime
  readonly random: Random
  /** Every message that was ever handed over; the index is its number. */
  readonly sent: SentMessage[]
  readonly tell: (fact: BusFact) => void
  readonly note: (what: string) => void
}

const KEYS = ['a', 'b', 'c']
const encoder = new TextEncoder()
/** Virtual time that an action may take before it counts as hanging, in milliseconds. */
const PATIENCE_MS = 400_000
const PATIENCE_STEP_MS = 20_000

/** A process that uses a bus, until it is killed or the power fails. */
export class BusLife {
  readonly #around: BusLifeSurroundings
  #bus: Bus | undefined
  #writer: ExclusiveWriter | undefined
  #isDead = false
  /** True from the first fault on: then calls may fail. */
  #isTroubled = false

  constructor(around: BusLifeSurroundings) {
    this.#around = around
  }

  /** Ends it: what it hears from now on does not count. */
  die(): void {
    this.#isDead = true
  }

  /** Opens the bus, and makes its topics if they are not there. */
  async open(): Promise<void> {
    const { trace, disk, runtime } = this.#around
    await this.#doing(async () => {
      this.#bus = await openBus(trace, disk, runtime)
      const { partitions, retentionBytesMax } = trace
      const retention = retentionBytesMax === undefined ? {} : { retention: { bytesMax: retentionBytesMax } }
      await this.#bus.createTopic(TOPIC, { partitions, ...retention })
      this.#tell({ kind: 'created', topic: TOPIC })
      await this.#bus.createTopic(EXCLUSIVE_TOPIC, { exclusive: true })
      this.#tell({ kind: 'created', topic: EXCLUSIVE_TOPIC })
    })
  }

  /** Does it, and returns when it is over or the process has died. */
  act(action: BusAction): Promise<void> {
    return this.#doing(() => this.#act(action))
  }

  async #doing(run: () => Promise<void>): Promise<void> {
    let isOver = false
    let failure: unknown
    run()
      .catch((error: unknown) => {
        failure = error
      })
      .finally(() => {
        isOver = true
      })
    for (let waitedMs = 0; !isOver && !this.#isDead; waitedMs += PATIENCE_STEP_MS) {
      await quiet()
      if (isOver || this.#isDead) break
      if (waitedMs > PATIENCE_MS) fail('a call of the bus does not come to an end')
      await this.#around.runtime.advance(PATIENCE_STEP_MS)
    }
    await quiet()
    if (this.#isDead || failure === undefined) return
    if (failure instanceof Violation || !this.#isTroubled) throw failure
    this.#around.note(`failed: ${errorText(failure)}`)
  }

  async #act(action: BusAction): Promise<void> {
    const bus = this.#bus
    switch (action.kind) {
      case 'fault':
        this.#isTroubled = true
        return this.#around.disk.failNext(action.operation, action.code, { after: action.after })
      case 'wait':
        return this.#around.runtime.advance(action.durationMs)
      case 'reopen':
        await bus?.close()
        return this.#reopen()
      case 'crash':
        return
    }
    if (bus === undefined) return
    switch (action.kind) {
      case 'publish':
        await Promise.all(action.counts.map((count) => this.#publish(bus, count, action.delayMs)))
        return
      case 'repeat':
        return this.#repeat(bus, action.share)
      case 'consume':
        return this.#consume(bus, action)
      case 'write':
        return this.#write(bus, action.count)
      case 'replay':
        await replayDeadLetters(bus, TOPIC)
        return this.#tell({ kind: 'replayed' })
    }
  }

  /** After a fault the disk works again in the end. */
  async #reopen(): Promise<void> {
    const { trace, disk, runtime } = this.#around
    this.#bus = undefined
    this.#writer = undefined
    for (let attempt = 0; attempt < 12 && this.#bus === undefined && !this.#isDead; attempt += 1) {
      this.#bus = await openBus(trace, disk, runtime).catch((error: unknown) => {
        if (!this.#isTroubled) throw error
        return undefined
      })
    }
    if (this.#bus === undefined && !this.#isDead)
      fail('the bus does not open, although the faults have passed')
  }

  #message(delayMs: number): NewMessage {
    const { sent, runtime } = this.#around
    const number = sent.length
    const key = KEYS[number % KEYS.length] ?? 'a'
    const dueMs = delayMs > 0 ? runtime.clock.now() + delayMs : 0
    sent.push({ number, key, dueMs })
    return this.#again(number)
  }

  #again(number: number): NewMessage {
    const { key, dueMs } = this.#around.sent[number] ?? fail(`no message has the number ${number}`)
    const value = encoder.encode(String(number).padEnd(number % 4 === 0 ? 700 : 8))
    const delay = dueMs > 0 ? { deliverAtMs: dueMs } : {}
    return { key, headers: {}, value, idempotencyKey: String(number), ...delay }
  }

  async #publish(bus: Bus, count: number, delayMs: number): Promise<void> {
    const messages = Array.from({ length: count }, () => this.#message(delayMs))
    const numbers = messages.map(numberOf)
    const places = await this.#allowing(() => bus.publish(TOPIC, messages))
    places?.forEach(({ partition, offset, delayed }, index) => {
      const number = numbers[index] ?? -1
      if (delayed) this.#tell({ kind: 'delayed', number })
      else this.#tell({ kind: 'published', number, partition, offset })
    })
  }

  /** A publisher that does not know what became of a message publishes it again. */
  async #repeat(bus: Bus, share: number): Promise<void> {
    const { sent } = this.#around
    const number = Math.floor(share * sent.length)
    if (number >= sent.length || this.#isWritersOwn(number)) return
    this.#tell({ kind: 'repeated', number })
    const [place] = (await this.#allowing(() => bus.publish(TOPIC, [this.#again(number)]))) ?? []
    if (place === undefined) return
    if (place.delayed) this.#tell({ kind: 'delayed', number })
    else if (place.offset >= 0)
      this.#tell({ kind: 'published', number, partition: place.partition, offset: place.offset })
  }

  readonly #writersOwn = new Set<number>()

  #isWritersOwn(number: number): boolean {
    return this.#writersOwn.has(number) || this.#around.sent[number]?.key === WRITERS_KEY
  }

  async #consume(bus: Bus, { group, members, poisonShare }: BusAction & { kind: 'consume' }): Promise<void> {
    const joined: Subscription[] = []
    for (let count = 0; count < members; count += 1)
      joined.push(await bus.subscribe({ group, topics: [TOPIC] }))
    const stop = new AbortController()
    const taking = joined.map((member) => member.next({ countMax: 7, signal: stop.signal }).catch(() => []))
    await this.#around.runtime.advance(5)
    stop.abort()
    const taken = await Promise.all(taking)
    for (const messages of taken) for (const message of messages) this.#see(message)
    for (const [index, messages] of taken.entries())
      await this.#handle(bus, joined[index] as Subscription, group, messages, poisonShare)
    for (const member of joined) await member.close()
  }

  async #handle(
    bus: Bus,
    member: Subscription,
    group: string,
    messages: readonly Message[],
    poisonShare: number,
  ): Promise<void> {
    for (const message of messages) {
      if (!chance(this.#around.random, poisonShare)) continue
      const { partition, offset } = message
      const cause = { group, code: 'HANDLER_FAILED', reason: 'poison', attempts: 3 }
      const nowMs = this.#around.runtime.clock.now()
      const place = await deadLetter(bus, TOPIC, message, cause, { origin: { partition, offset }, nowMs })
      if (place !== undefined) this.#tell({ kind: 'dead', partition, offset, group })
    }
    const positions = [...Map.groupBy(messages, ({ partition }) => partition).values()].flatMap((list) => {
      const last = list.at(-1)
      return last === undefined ? [] : [{ topic: TOPIC, partition: last.partition, offset: last.offset + 1 }]
    })
    if (positions.length === 0) return
    for (const { partition, offset } of positions) this.#tell({ kind: 'asked', group, partition, offset })
    await member.commit(positions)
    for (const { partition, offset } of positions) this.#tell({ kind: 'committed', group, partition, offset })
  }

  /** The old writer must not get through any more as soon as the new one is open. */
  async #write(bus: Bus, count: number): Promise<void> {
    const older = this.#writer
    this.#writer = await bus.openWriter(EXCLUSIVE_TOPIC)
    this.#tell({ kind: 'opened', epoch: this.#writer.epoch })
    if (older !== undefined) {
      const message = this.#writersMessage()
      this.#tell({ kind: 'fenced', number: numberOf(message) })
      const refusal: unknown = await older.append([message]).then(
        () => undefined,
        (error: unknown) => error,
      )
      if (!this.#isDead && !this.#isTroubled && !isMillraceError(refusal, 'WRITER_FENCED'))
        fail(
          `a writer that had been fenced off was answered ${refusal === undefined ? 'yes' : errorText(refusal)}`,
        )
    }
    for (let written = 0; written < count; written += 1) {
      const message = this.#writersMessage()
      const places = await this.#allowing(() => this.#writer?.append([message]) ?? Promise.resolve(undefined))
      if (places !== undefined) this.#tell({ kind: 'written', number: numberOf(message) })
    }
  }

  #writersMessage(): NewMessage {
    const { sent } = this.#around
    const number = sent.length
    sent.push({ number, key: WRITERS_KEY, dueMs: 0 })
    this.#writersOwn.add(number)
    return { headers: {}, value: encoder.encode(String(number)) }
  }

  #see(message: Message): void {
    const number = numberOf(message)
    const sent = this.#around.sent[number] ?? fail('a member was shown what nobody has sent')
    if (sent.dueMs > this.#around.runtime.clock.now()) fail(`message ${number} was delivered before its time`)
    this.#tell({ kind: 'seen', number, partition: message.partition, offset: message.offset })
  }

  async #allowing<Result>(run: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await run()
    } catch (error) {
      if (!this.#isDead && !this.#isTroubled) throw error
      return undefined
    }
  }

  #tell(fact: BusFact): void {
    if (!this.#isDead) this.#around.tell(fact)
  }
}

/** What belongs to writers is never published otherwise. */
const WRITERS_KEY = 'of a writer'
