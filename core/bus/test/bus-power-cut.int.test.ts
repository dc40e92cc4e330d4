import {
  type Bus,
  deadLetter,
  isForGroup,
  type Message,
  openLogBus,
  readDeadLetters,
  replayDeadLetters,
} from '@millrace/bus'
import { type ManualRuntime, manualRuntime, seededRandom } from '@millrace/kernel'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import { describe, expect, test } from 'vitest'

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const textOf = ({ value }: Message) => decoder.decode(value)
const message = (text: string) => ({
  key: text,
  headers: {},
  value: encoder.encode(text),
  idempotencyKey: text,
})

/** What was said to callers, outside of the bus. */
interface Promised {
  readonly published: string[]
  readonly delayed: string[]
  readonly written: string[]
  committed: number
  fencedAt: number
  isDead: boolean
  isReplayed: boolean
  /** A call that did not return may have had its effect. */
  readonly attempted: Set<string>
}

/** A machine whose disk stops at some call, and an application that uses everything a bus offers. */
class Life {
  readonly runtime: ManualRuntime = manualRuntime({ seed: 7 })
  readonly promised: Promised = {
    published: [],
    delayed: [],
    written: [],
    committed: 0,
    fencedAt: 0,
    isDead: false,
    isReplayed: false,
    attempted: new Set(),
  }

  open(files: MemoryFiles): Promise<Bus> {
    const limits = { tableBytesMin: 1, segmentBytesMax: 4096, messageBytesMax: 1000 }
    return openLogBus({ files, runtime: this.runtime, limits })
  }

  async run(files: MemoryFiles): Promise<void> {
    const { promised, runtime } = this
    const bus = await this.open(files)
    await bus.createTopic('t')
    await bus.createTopic('state', { exclusive: true })
    await this.#publish(bus, ['a', 'b', 'c'])
    const deliverAtMs = runtime.clock.now() + 50
    promised.attempted.add('later')
    await bus.publish('t', [{ ...message('later'), deliverAtMs }])
    promised.delayed.push('later')
    await this.#write(bus, ['old'], ['new'])
    await this.#consume(bus)
    await this.#publish(bus, ['d'])
    promised.attempted.add('replayed')
    await replayDeadLetters(bus, 't')
    promised.isReplayed = true
    await runtime.advance(100)
    await this.#write(bus, ['newer'], ['newest'])
    await bus.close()
  }

  async #publish(bus: Bus, texts: readonly string[]): Promise<void> {
    for (const text of texts) {
      this.promised.attempted.add(text)
      await bus.publish('t', [message(text)])
      this.promised.published.push(text)
    }
  }

  /** Two writers, of which the older one must not get through any more. */
  async #write(bus: Bus, first: readonly string[], second: readonly string[]): Promise<void> {
    const older = await bus.openWriter('state')
    await this.#append(older, first)
    const newer = await bus.openWriter('state')
    this.promised.fencedAt = newer.epoch
    await expect(older.append([message('from the fenced one')])).rejects.toMatchObject({
      code: 'WRITER_FENCED',
    })
    await this.#append(newer, second)
    await newer.close()
  }

  async #append(writer: Awaited<ReturnType<Bus['openWriter']>>, texts: readonly string[]): Promise<void> {
    for (const text of texts) {
      this.promised.attempted.add(text)
      await writer.append([message(text)])
      this.promised.written.push(text)
    }
  }

  /** Two members of a group; the second message is given up, and the position goes behind it. */
  async #consume(bus: Bus): Promise<void> {
    const members = [
      await bus.subscribe({ group: 'g', topics: ['t'] }),
      await bus.subscribe({ group: 'g', topics: ['t'] }),
    ]
    const controller = new AbortController()
    const waiting = members.map((member) => member.next({ signal: controller.signal }).catch(() => []))
    await this.runtime.advance(1)
    controller.abort()
    const [taken = []] = (await Promise.all(waiting)).filter((messages) => messages.length > 0)
    const [, poison] = taken
    if (poison !== undefined) {
      const cause = { group: 'g', code: 'HANDLER_FAILED', reason: 'poison', attempts: 3 }
      const { topic, partition, offset } = poison
      const origin = { partition, offset }
      await deadLetter(bus, topic, poison, cause, { origin, nowMs: this.runtime.clock.now() })
      this.promised.isDead = true
      for (const member of members) await member.commit([{ topic, partition, offset: offset + 1 }])
      this.promised.committed = offset + 1
    }
    for (const member of members) await member.close()
  }

  /** After the power has come back. */
  async check(bus: Bus): Promise<void> {
    const { promised, runtime } = this
    await runtime.advance(1_000)
    const info = new Map((await bus.listTopics()).map((topic) => [topic.name, topic]))
    const all = info.has('t') ? await bus.read({ topic: 't', partition: 0, offset: 0 }) : []
    const texts = all.filter(({ headers }) => isForGroup({ headers }, 'other')).map(textOf)
    expect(texts.filter((text) => promised.published.includes(text))).toEqual(promised.published)
    for (const text of promised.delayed) expect(texts.filter((other) => other === text)).toEqual([text])
    expect(new Set(texts).size).toBe(texts.length)
    for (const text of texts) expect(promised.attempted).toContain(text)

    const state = info.has('state') ? await bus.read({ topic: 'state', partition: 0, offset: 0 }) : []
    expect(state.map(textOf).filter((text) => promised.written.includes(text))).toEqual(promised.written)
    expect(state.map(textOf)).not.toContain('from the fenced one')
    if (info.has('state')) expect((await bus.openWriter('state')).epoch).toBeGreaterThan(promised.fencedAt)

    const position = (await bus.listGroups()).find(({ group }) => group === 'g')?.positions[0]?.offset ?? 0
    expect(position).toBeGreaterThanOrEqual(promised.committed)
    await this.#checkDeadLetters(bus)
  }

  async #checkDeadLetters(bus: Bus): Promise<void> {
    const { promised } = this
    const { letters } = await readDeadLetters(bus, 't')
    if (promised.isDead) expect(letters.map(({ origin }) => origin?.offset)).toEqual([1])
    else expect(letters.length).toBeLessThanOrEqual(1)
    // Whatever became of the first replay, a second one does not double it.
    await replayDeadLetters(bus, 't')
    if (letters.length === 0) return
    const again = await bus.read({ topic: 't', partition: 0, offset: 0 })
    const onlyForUs = again.filter(({ headers }) => !isForGroup({ headers }, 'other'))
    expect(onlyForUs.map(textOf)).toEqual(['b'])
  }
}

describe('a bus whose power fails at any call of a life with groups, writers, delays and dead letters', () => {
  test('keeps every message, commit, fencing, delayed message and dead letter that it has acknowledged', async () => {
    const whole = memoryFiles()
    await new Life().run(whole)
    for (let call = 0; call <= whole.operations; call += 1) {
      for (const random of [undefined, seededRandom(call), seededRandom(call + 100_000)]) {
        const life = new Life()
        const files = memoryFiles()
        files.stopAfter(call)
        await life.run(files).catch(() => {})
        const survivor = files.crash(random === undefined ? {} : { random })
        await using bus = await life.open(survivor)
        await life.check(bus)
      }
    }
  }, 120_000)
})
