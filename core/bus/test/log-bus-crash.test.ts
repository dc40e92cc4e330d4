import { type Bus, type Message, openLogBus, type Placement } from '@millrace/bus'
import { type ManualRuntime, manualRuntime, type Random, randomInteger } from '@millrace/kernel'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f']
const PARTITIONS = 3
const GROUP = 'g'
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** What was said to a publisher about one message. */
interface Sent {
  readonly key: string
  readonly text: string
  readonly delayed: boolean
  state: 'in flight' | 'acknowledged' | 'refused'
}

/** A bus on a disk that loses power, with an outside record of everything that it acknowledged. */
class CrashingBus {
  readonly runtime: ManualRuntime
  readonly random: Random
  files: MemoryFiles
  bus: Bus
  readonly sent: Sent[] = []
  /** Of each partition: offsets whose commit was acknowledged, and those that were asked for. */
  readonly committed = new Map<number, number>()
  readonly asked = new Map<number, Set<number>>()

  static async start(seed: number): Promise<CrashingBus> {
    const runtime = manualRuntime({ seed })
    const files = memoryFiles()
    const bus = await openOn(files, runtime)
    await bus.createTopic('t', { partitions: PARTITIONS })
    return new CrashingBus(runtime, files, bus)
  }

  private constructor(runtime: ManualRuntime, files: MemoryFiles, bus: Bus) {
    this.runtime = runtime
    this.random = runtime.random
    this.files = files
    this.bus = bus
  }

  /** Publishes one to five messages without waiting for them. */
  publish(delayMs: number): void {
    const batch = Array.from({ length: randomInteger(this.random, 1, 6) }, () => {
      const key = KEYS[randomInteger(this.random, 0, KEYS.length)] as string
      const sent: Sent = { key, text: `${this.sent.length}`, delayed: delayMs > 0, state: 'in flight' }
      this.sent.push(sent)
      return sent
    })
    const deliverAtMs = this.runtime.clock.now() + delayMs
    const messages = batch.map(({ key, text }) => ({
      key,
      headers: {},
      value: encoder.encode(text),
      idempotencyKey: text,
      ...(delayMs > 0 ? { deliverAtMs } : {}),
    }))
    const settle = (state: Sent['state']) => (_outcome: readonly Placement[] | Error) => {
      for (const sent of batch) sent.state = state
    }
    void this.bus.publish('t', messages).then(settle('acknowledged'), settle('refused'))
  }

  /** Reads some messages in the group and commits behind them, without waiting for the commit. */
  async consume(): Promise<void> {
    const subscription = await this.bus.subscribe({ group: GROUP, topics: ['t'] })
    const controller = new AbortController()
    const waiting = subscription.next({ countMax: 10, signal: controller.signal })
    await this.runtime.advance(0)
    controller.abort()
    const messages = await waiting.catch(() => [])
    for (const { topic, partition, offset } of messages) {
      const next = offset + 1
      this.asked.set(partition, (this.asked.get(partition) ?? new Set()).add(next))
      void subscription.commit([{ topic, partition, offset: next }]).then(
        () => this.committed.set(partition, next),
        () => undefined,
      )
    }
    await this.runtime.advance(0)
    await subscription.close()
  }

  /** Stops the machine after `calls` more calls of the disk, and starts it again on what is left. */
  async crash(calls: number): Promise<void> {
    this.files.stopAfter(calls)
    this.publish(0)
    await this.runtime.advance(10)
    const left = this.files.crash({ random: this.random })
    await this.bus.close().catch(() => undefined)
    for (const sent of this.sent) if (sent.state === 'in flight') sent.state = 'refused'
    this.files = left
    this.bus = await openOn(left, this.runtime)
  }

  async check(): Promise<void> {
    const messages: Message[] = []
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      messages.push(...(await this.bus.read({ topic: 't', partition, offset: 0 }, { countMax: 10_000 })))
    }
    for (const key of KEYS) {
      const texts = messages
        .filter((message) => message.key === key)
        .map(({ value }) => decoder.decode(value))
      expect(new Set(texts).size, `no message of ${key} is there twice`).toBe(texts.length)
      const acknowledged = this.sent.filter((sent) => sent.key === key && sent.state === 'acknowledged')
      const atOnce = acknowledged.filter(({ delayed }) => !delayed).map(({ text }) => text)
      const kept = texts.filter((text) => atOnce.includes(text))
      expect(kept, `acknowledged messages of ${key} are there, in order`).toEqual(atOnce)
    }
    const [group] = (await this.bus.listGroups()).filter(({ group }) => group === GROUP)
    for (const [partition, offset] of this.committed) {
      const found = group?.positions.find((position) => position.partition === partition)?.offset ?? -1
      expect(found, `the acknowledged commit of partition ${partition} counts`).toBeGreaterThanOrEqual(offset)
      expect(this.asked.get(partition)?.has(found), 'a committed position is one that was asked for').toBe(
        true,
      )
    }
  }

  /** Lets all delays pass: then delayed messages must be there too, once. */
  async checkDelayed(): Promise<void> {
    await this.runtime.advance(120_000)
    const texts: string[] = []
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const messages = await this.bus.read({ topic: 't', partition, offset: 0 }, { countMax: 10_000 })
      texts.push(...messages.map(({ value }) => decoder.decode(value)))
    }
    const delayed = this.sent.filter((sent) => sent.delayed && sent.state === 'acknowledged')
    for (const { text } of delayed) expect(texts.filter((other) => other === text)).toEqual([text])
  }
}

const openOn = (files: MemoryFiles, runtime: ManualRuntime) =>
  openLogBus({
    files,
    runtime,
    limits: { tableBytesMin: 1, segmentBytesMax: 4 * 1024, messageBytesMax: 1_000 },
  })

type Step =
  | { readonly kind: 'publish'; readonly delayMs: number }
  | { readonly kind: 'consume' }
  | { readonly kind: 'advance'; readonly durationMs: number }
  | { readonly kind: 'crash'; readonly calls: number }

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('publish' as const), delayMs: fc.constantFrom(0, 0, 0, 5, 50) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('consume' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('advance' as const),
      durationMs: fc.constantFrom(0, 1, 10, 100),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const), calls: fc.nat(30) }) },
)

async function take(world: CrashingBus, step: Step): Promise<void> {
  switch (step.kind) {
    case 'publish':
      return world.publish(step.delayMs)
    case 'consume':
      return world.consume()
    case 'advance':
      return world.runtime.advance(step.durationMs)
    case 'crash':
      await world.crash(step.calls)
      return world.check()
  }
}

describe('the bus on logs', () => {
  test('loses nothing acknowledged, doubles nothing, and keeps the order per key over random power cuts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.array(steps, { minLength: 5, maxLength: 40 }),
        async (seed, list) => {
          const world = await CrashingBus.start(seed)
          for (const step of list) await take(world, step)
          await world.crash(1_000)
          await world.check()
          await world.checkDelayed()
          await world.bus.close()
        },
      ),
      { numRuns: 12 },
    )
  }, 60_000)
})
