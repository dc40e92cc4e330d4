import { deadLetterTopic, readDeadLetters, replayDeadLetters } from '@millrace/bus'
import { millraceError } from '@millrace/kernel'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { never, newWorld, TOPIC, textOf } from './world.ts'

const numbered = (key: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${key}:${index}`)

describe('a message step', () => {
  test('handles every message once, keys in order, and commits behind the last', async () => {
    const world = await newWorld()
    const seen: string[] = []
    const processor = await world.start(async (message) => {
      seen.push(textOf(message))
    })
    await world.publish('a:1', 'b:1', 'a:2', 'loose', 'b:2')
    await world.until(() => processor.stats.handled === 5)
    expect(seen.filter((text) => text.startsWith('a'))).toEqual(['a:1', 'a:2'])
    expect(seen.filter((text) => text.startsWith('b'))).toEqual(['b:1', 'b:2'])
    await world.runtime.advance(250)
    expect(await world.committed()).toBe(5)
    expect(processor.stats).toMatchObject({ state: 'running', retried: 0, deadLettered: 0, inFlight: 0 })
  })

  test('keeps the order of each key and loses nothing, whatever fails, however often, however slowly', async () => {
    const plan = fc.record({
      messages: fc.array(
        fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), failures: fc.nat(3), delayMs: fc.nat(40) }),
        { minLength: 1, maxLength: 40 },
      ),
      concurrency: fc.integer({ min: 1, max: 4 }),
      seed: fc.nat(),
    })
    await fc.assert(
      fc.asyncProperty(plan, async ({ messages, concurrency, seed }) => {
        const world = await newWorld({ partitions: 2 }, undefined, seed)
        const done: string[] = []
        const working = new Set<string | undefined>()
        let most = 0
        const step = {
          kind: 'message' as const,
          concurrency,
          handle: async (message: Parameters<typeof textOf>[0], { attempt }: { attempt: number }) => {
            expect(working.has(message.key)).toBe(false)
            working.add(message.key)
            most = Math.max(most, working.size)
            const index = Number(textOf(message).split(':')[1])
            const { failures, delayMs } = messages[index]!
            await new Promise<void>((resolve) => world.runtime.scheduler.after(delayMs, resolve))
            working.delete(message.key)
            if (attempt <= failures) throw new Error('not yet')
            done.push(textOf(message))
          },
        }
        const prefetch = { pauseAt: 8, resumeAt: 4 }
        const processor = await world.start(step, { prefetch })
        await world.publish(...messages.map(({ key }, index) => `${key}:${index}`))
        await world.until(() => processor.stats.handled === messages.length)
        for (const key of ['a', 'b', 'c', 'd']) {
          const wanted = messages.flatMap((message, index) =>
            message.key === key ? [`${key}:${index}`] : [],
          )
          expect(done.filter((text) => text.startsWith(key))).toEqual(wanted)
        }
        expect(most).toBeLessThanOrEqual(concurrency)
        expect(processor.stats).toMatchObject({ deadLettered: 0, inFlight: 0 })
        await processor.stop()
      }),
      { numRuns: 25 },
    )
  })

  test('works on as many keys at a time as concurrency says', async () => {
    const world = await newWorld()
    let working = 0
    const handle = () => {
      working += 1
      return never()
    }
    const processor = await world.start({ kind: 'message', concurrency: 3, handle })
    await world.publish('a:1', 'b:1', 'c:1', 'd:1', 'e:1')
    await world.runtime.advance(10)
    expect(working).toBe(3)
    await processor.stop()
  })

  test('tries again after 100, 200, 400 and 800 ms, at most half of that longer', async () => {
    const world = await newWorld()
    const triesMs: number[] = []
    const attempts: number[] = []
    const processor = await world.start(async (_, { attempt }) => {
      triesMs.push(world.runtime.clock.monotonic())
      attempts.push(attempt)
      throw new Error('never good')
    })
    await world.publish('a:1')
    await world.until(() => triesMs.length === 1)
    expect(processor.stats).toMatchObject({ state: 'retrying', inFlight: 1 })
    await world.until(() => processor.stats.deadLettered === 1)
    const waits = triesMs.slice(1).map((timeMs, index) => timeMs - triesMs[index]!)
    expect(attempts).toEqual([1, 2, 3, 4, 5])
    waits.forEach((waitMs, index) => {
      expect(waitMs).toBeGreaterThanOrEqual(100 * 2 ** index)
      expect(waitMs).toBeLessThanOrEqual(150 * 2 ** index)
    })
    expect(processor.stats).toMatchObject({ state: 'running', retried: 4, handled: 0 })
    expect(processor.stats.lastError).toMatchObject({ code: 'HANDLER_FAILED' })
  })

  test('puts a message whose tries are used up among the dead letters with its cause, and goes on', async () => {
    const world = await newWorld()
    const seen: string[] = []
    const processor = await world.start(async (message) => {
      if (textOf(message) === 'a:poison') throw new TypeError('celsius is undefined')
      seen.push(textOf(message))
    })
    await world.publish('a:poison', 'a:after')
    await world.until(() => processor.stats.handled === 1)
    expect(seen).toEqual(['a:after'])
    const { letters } = await readDeadLetters(world.bus, TOPIC)
    expect(letters).toMatchObject([
      {
        topic: TOPIC,
        origin: { partition: 0, offset: 0 },
        cause: { group: 'tester', code: 'HANDLER_FAILED', attempts: 5 },
        message: { key: 'a' },
      },
    ])
    expect(letters[0]?.cause.reason).toContain('celsius is undefined')
    await world.runtime.advance(250)
    expect(await world.committed()).toBe(2)
  })

  test('does not try again what no other try can help', async () => {
    const world = await newWorld()
    const processor = await world.start(() =>
      Promise.reject(millraceError('EVENT_SCHEMA_MISMATCH', { type: 'x', issues: 'celsius: missing' })),
    )
    await world.publish('a:1')
    await world.until(() => processor.stats.deadLettered === 1)
    expect(processor.stats.retried).toBe(0)
    const { letters } = await readDeadLetters(world.bus, TOPIC)
    expect(letters).toMatchObject([{ cause: { code: 'EVENT_SCHEMA_MISMATCH', attempts: 1 } }])
  })

  test.each([
    ['an object without a prototype', Object.create(null)],
    ['undefined', undefined],
    [
      'an error whose message throws',
      Object.defineProperty(new Error(), 'message', {
        get: () => {
          throw new Error()
        },
      }),
    ],
  ])('outlives a handler that throws %s', async (_, thrown: unknown) => {
    const world = await newWorld()
    const processor = await world.start(() => Promise.reject(thrown), { retry: { attemptsMax: 1 } })
    await world.publish('a:1')
    await world.until(() => processor.stats.deadLettered === 1)
    expect(processor.stats.lastError?.code).toBe('HANDLER_FAILED')
  })

  test('goes on with other keys at full speed while one key fails on every message', async () => {
    const world = await newWorld()
    const seen: string[] = []
    const processor = await world.start(
      async (message) => {
        if (message.key === 'bad') throw new Error('bad device')
        seen.push(textOf(message))
      },
      { prefetch: { pauseAt: 40, resumeAt: 20 } },
    )
    const messages: string[] = []
    for (let round = 0; round < 300; round += 1) messages.push(`bad:${round}`, `good:${round}`)
    await world.publish(...messages)
    // 300 bad messages with all their tries would take ten minutes.
    await world.until(() => processor.stats.handled === 300, 10_000)
    expect(seen).toEqual(numbered('good', 300))
    await world.until(() => processor.stats.inFlight === 0)
    expect(processor.stats.deadLettered).toBe(300)
  })

  test('lets all keys wait when nothing succeeds, for then it is not the key', async () => {
    const world = await newWorld()
    let isDown = true
    const processor = await world.start(
      async () => {
        if (isDown) throw new Error('the service behind is down')
      },
      { prefetch: { pauseAt: 20, resumeAt: 10 }, retry: { attemptsMax: 50, delayMsMax: 1_000 } },
    )
    await world.publish(...numbered('a', 20), ...numbered('b', 20))
    await world.runtime.advance(20_000)
    isDown = false
    await world.until(() => processor.stats.handled === 40)
    expect(processor.stats.deadLettered).toBe(0)
  })

  test('gives up a handler that never returns at its time limit, and tells it so', async () => {
    const world = await newWorld()
    const signals: AbortSignal[] = []
    const processor = await world.start(
      async (message, { signal }) => {
        if (message.key !== 'stuck') return
        signals.push(signal)
        await never()
      },
      { timeoutMs: 1_000, retry: { attemptsMax: 2 } },
    )
    await world.publish('stuck:1', 'fine:1', 'stuck:2')
    await world.until(() => processor.stats.handled === 1, 100)
    await world.until(() => processor.stats.deadLettered === 1)
    expect(signals[0]?.aborted).toBe(true)
    expect(processor.stats).toMatchObject({ abandoned: 2, lastError: { code: 'HANDLER_TIMED_OUT' } })
    const { letters } = await readDeadLetters(world.bus, TOPIC)
    expect(letters[0]?.cause).toMatchObject({ code: 'HANDLER_TIMED_OUT', attempts: 2 })
    await world.until(() => processor.stats.deadLettered === 2)
  })

  test('starts the next try after a time limit only when the handler has ended, or after one more limit', async () => {
    const world = await newWorld()
    const first = Promise.withResolvers<void>()
    const triesMs: number[] = []
    const processor = await world.start(
      async () => {
        triesMs.push(world.runtime.clock.monotonic())
        if (triesMs.length === 1) await first.promise
        else if (triesMs.length === 2) await never()
      },
      { timeoutMs: 1_000, retry: { jitter: 0 } },
    )
    await world.publish('a:1')
    await world.until(() => triesMs.length === 1)
    await world.runtime.advance(1_500)
    expect(triesMs).toHaveLength(1)
    first.resolve()
    await world.until(() => triesMs.length === 2, 10)
    await world.until(() => processor.stats.handled === 1)
    expect(triesMs[2]! - triesMs[1]!).toBe(2_000)
    expect(processor.stats).toMatchObject({ retried: 2, deadLettered: 0, abandoned: 1 })
  })

  test('skips messages that are for another group, and handles a replayed dead letter of its own', async () => {
    const world = await newWorld()
    const isHealed = { one: false }
    const failing = async () => {
      if (!isHealed.one) throw new Error('broken')
    }
    const one = await world.start(failing, { name: 'one', retry: { attemptsMax: 1 } })
    const other = await world.start(async () => {}, { name: 'other' })
    await world.publish('a:1')
    await world.until(() => one.stats.deadLettered === 1 && other.stats.handled === 1)
    isHealed.one = true
    await replayDeadLetters(world.bus, TOPIC)
    await world.until(() => one.stats.handled === 1)
    await world.runtime.advance(300)
    expect(other.stats).toMatchObject({ handled: 1, inFlight: 0 })
    expect(await world.committed('other')).toBe(2)
    expect((await world.bus.listTopics()).map(({ name }) => name)).toContain(deadLetterTopic(TOPIC))
  })
})
