import { type Message, type Position, readDeadLetters } from '@millrace/bus'
import { millraceError } from '@millrace/kernel'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { newWorld, TOPIC, textOf } from './world.ts'

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `k${index % 3}:${index}`)

describe('a batch step', () => {
  test('gets messages in order, no more than batchMax at a time, one batch at a time', async () => {
    const world = await newWorld()
    const batches: string[][] = []
    let working = 0
    await world.publish(...numbered(25))
    const processor = await world.start({
      kind: 'batch',
      batchMax: 10,
      handle: async (messages) => {
        working += 1
        expect(working).toBe(1)
        await new Promise<void>((resolve) => world.runtime.scheduler.after(10, resolve))
        working -= 1
        batches.push(messages.map(textOf))
      },
    })
    await world.until(() => processor.stats.handled === 25)
    expect(batches.map((batch) => batch.length)).toEqual([10, 10, 5])
    expect(batches.flat()).toEqual(numbered(25))
    await world.runtime.advance(250)
    expect(await world.committed()).toBe(25)
  })

  test('lets messages gather between two fetches, and delays nothing after a pause', async () => {
    const world = await newWorld()
    const batches: number[] = []
    const step = {
      kind: 'batch',
      lingerMs: 50,
      handle: async (messages: readonly Message[]) => void batches.push(messages.length),
    } as const
    await world.start(step)
    await world.publish('a:0')
    await world.runtime.advance(0)
    expect(batches).toEqual([1])
    for (const index of [1, 2, 3]) {
      await world.publish(`a:${index}`)
      await world.runtime.advance(10)
    }
    expect(batches).toEqual([1])
    await world.runtime.advance(20)
    expect(batches).toEqual([1, 3])
  })

  test('finds the messages that fail alone; only those become dead letters, and order stays', async () => {
    const plan = fc.record({
      count: fc.integer({ min: 1, max: 40 }),
      poison: fc.uniqueArray(fc.nat(39), { maxLength: 4 }),
    })
    await fc.assert(
      fc.asyncProperty(plan, fc.boolean(), async ({ count, poison }, isRetryable) => {
        const world = await newWorld()
        const bad = new Set(poison.filter((index) => index < count))
        const seen: number[] = []
        await world.publish(...numbered(count))
        const processor = await world.start({
          kind: 'batch',
          handle: async (messages) => {
            const indexes = messages.map((message) => Number(textOf(message).split(':')[1]))
            if (indexes.some((index) => bad.has(index))) {
              throw isRetryable
                ? new Error('no')
                : millraceError('EVENT_SCHEMA_MISMATCH', { type: 't', issues: 'x' })
            }
            seen.push(...indexes)
          },
        })
        await world.until(
          () =>
            processor.stats.inFlight === 0 &&
            processor.stats.handled + processor.stats.deadLettered === count,
        )
        expect(seen).toEqual(
          Array.from({ length: count }, (_, index) => index).filter((index) => !bad.has(index)),
        )
        const { letters } = await readDeadLetters(world.bus, TOPIC)
        expect(letters.map((letter) => letter.origin?.offset)).toEqual([...bad].sort((a, b) => a - b))
        await processor.stop()
      }),
      { numRuns: 25 },
    )
  })

  test('outlives a second in which every batch fails, and tries of a batch count against none of its messages', async () => {
    const world = await newWorld()
    const handled: string[] = []
    await world.publish(...numbered(100))
    const processor = await world.start({
      kind: 'batch',
      handle: async (messages) => {
        if (world.runtime.clock.monotonic() < 1_000) throw new Error('the service behind restarts')
        handled.push(...messages.map(textOf))
      },
    })
    await world.until(() => processor.stats.handled === 100, 3_000)
    expect(handled).toEqual(numbered(100))
    expect(processor.stats).toMatchObject({ deadLettered: 0, retried: 4 })
  })

  test('waits out an engine that is down without splitting or giving up anything', async () => {
    const world = await newWorld()
    const sizes: number[] = []
    let isDown = true
    await world.publish(...numbered(20))
    const processor = await world.start({
      kind: 'batch',
      handle: async (messages) => {
        sizes.push(messages.length)
        if (isDown) throw millraceError('DATABASE_FAILED', { reason: 'disk I/O error' })
      },
    })
    await world.runtime.advance(120_000)
    expect(processor.stats).toMatchObject({ state: 'retrying', deadLettered: 0, handled: 0 })
    expect(sizes.length).toBeGreaterThan(8)
    isDown = false
    await world.until(() => processor.stats.handled === 20)
    expect(new Set(sizes)).toEqual(new Set([20]))
    expect(processor.stats.state).toBe('running')
  })

  test('starts at the checkpoint that its step keeps, and leaves that of the group alone', async () => {
    const world = await newWorld()
    const done: string[] = []
    const kept = new Map<number, Position>()
    const start = () =>
      world.start(
        {
          kind: 'batch',
          handle: async (messages: readonly Message[]) => {
            done.push(...messages.map(textOf))
            for (const { topic, partition, offset } of messages)
              kept.set(partition, { topic, partition, offset: offset + 1 })
          },
        },
        { checkpoint: { load: async () => [...kept.values()] } },
      )
    await world.publish(...numbered(5))
    const first = await start()
    await world.until(() => first.stats.handled === 5)
    await first.stop()
    await world.publish('later:1')
    const second = await start()
    await world.until(() => second.stats.handled === 1)
    expect(done).toEqual([...numbered(5), 'later:1'])
    expect(await world.committed()).toBeUndefined()
  })

  test('goes on from the checkpoint of the step when a partition comes over from another member', async () => {
    const world = await newWorld({ partitions: 2 })
    const kept = new Map<number, Position>()
    const done: string[] = []
    const start = () =>
      world.start(
        {
          kind: 'batch',
          handle: async (messages: readonly Message[]) => {
            done.push(...messages.map(textOf))
            for (const { topic, partition, offset } of messages)
              kept.set(partition, { topic, partition, offset: offset + 1 })
          },
        },
        { checkpoint: { load: async () => [...kept.values()] }, prefetch: { pauseAt: 5, resumeAt: 2 } },
      )
    const first = await start()
    const second = await start()
    await world.publish(...numbered(30))
    await world.until(() => done.length === 30)
    await second.stop()
    await world.publish('k0:x', 'k1:x', 'k2:x')
    await world.until(() => done.length >= 33)
    await world.runtime.advance(1_000)
    expect(done.toSorted()).toEqual([...numbered(30), 'k0:x', 'k1:x', 'k2:x'].toSorted())
    await first.stop()
  })
})
