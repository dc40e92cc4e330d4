import { describe, expect, test } from 'vitest'
import { never, newWorld, textOf } from './world.ts'

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `key${index}:${index}`)

describe('prefetch', () => {
  test('holds no more than pauseAt, and fetches again only when no more than resumeAt are left', async () => {
    const fetches: number[] = []
    let held = 0
    const world = await newWorld({}, (bus) =>
      Object.assign(Object.create(bus), {
        subscribe: async (options: Parameters<typeof bus.subscribe>[0]) => {
          const subscription = await bus.subscribe(options)
          const next = subscription.next.bind(subscription)
          subscription.next = async (nextOptions) => {
            fetches.push(held)
            const messages = await next(nextOptions)
            held += messages.length
            return messages
          }
          return subscription
        },
      }),
    )
    const release: (() => void)[] = []
    const handle = () => new Promise<void>((resolve) => release.push(resolve))
    const finishOne = async () => {
      release.shift()?.()
      held -= 1
      await world.runtime.advance(0)
    }
    await world.publish(...numbered(50))
    const processor = await world.start(
      { kind: 'message', concurrency: 100, handle },
      { prefetch: { pauseAt: 10, resumeAt: 4 } },
    )
    await world.runtime.advance(10)
    expect(processor.stats.inFlight).toBe(10)
    for (let finished = 0; finished < 5; finished += 1) await finishOne()
    expect(fetches).toEqual([0])
    await finishOne()
    expect(fetches).toEqual([0, 4])
    expect(processor.stats.inFlight).toBe(10)
    await processor.stop()
  })
})

describe('a commit', () => {
  test('comes 250 ms after the first message that finished, for all that finished by then', async () => {
    const world = await newWorld()
    const processor = await world.start(async () => {})
    await world.publish('a:1', 'a:2')
    await world.until(() => processor.stats.handled === 2)
    await world.runtime.advance(200)
    expect(await world.committed()).toBeUndefined()
    await world.runtime.advance(50)
    expect(await world.committed()).toBe(2)
  })

  test('comes at once after a hundred messages', async () => {
    const world = await newWorld()
    const processor = await world.start(async () => {})
    await world.publish(...numbered(150))
    await world.runtime.advance(0)
    await world.runtime.advance(0)
    expect(processor.stats.handled).toBe(150)
    expect(await world.committed()).toBeGreaterThanOrEqual(100)
  })

  test('never passes a message that is not finished', async () => {
    const world = await newWorld()
    const slow = Promise.withResolvers<void>()
    const processor = await world.start((message) =>
      message.key === 'key1' ? slow.promise : Promise.resolve(),
    )
    await world.publish(...numbered(5))
    await world.runtime.advance(1_000)
    expect(processor.stats).toMatchObject({ handled: 4, inFlight: 1 })
    expect(await world.committed()).toBe(1)
    slow.resolve()
    await world.runtime.advance(1_000)
    expect(await world.committed()).toBe(5)
  })
})

describe('the end of a processor', () => {
  test('by draining: takes nothing new, finishes what it holds with its retries, commits, and leaves', async () => {
    const world = await newWorld()
    const timers = world.runtime.pendingTasks
    let failures = 1
    const done: string[] = []
    const processor = await world.start(async (message) => {
      if (message.key === 'key2' && failures-- > 0) throw new Error('once')
      done.push(textOf(message))
    })
    await world.publish(...numbered(4))
    await world.until(() => done.length === 3)
    const drained = processor.drain()
    await world.publish('late:1')
    expect(processor.stats.state).toBe('draining')
    await world.runtime.advance(1_000)
    await drained
    expect(done).toHaveLength(4)
    expect(processor.stats).toMatchObject({ state: 'stopped', inFlight: 0 })
    expect(await world.committed()).toBe(4)
    expect((await world.bus.listGroups()).find(({ group }) => group === 'tester')?.members).toBe(0)
    expect(world.runtime.pendingTasks).toBe(timers)
  })

  test('by draining with a limit: gives up at the limit, and what is unfinished comes again', async () => {
    const world = await newWorld()
    const stuck = await world.start((message) => (message.key === 'key0' ? Promise.resolve() : never()))
    await world.publish('key0:0', 'key1:1')
    await world.until(() => stuck.stats.handled === 1)
    const drained = stuck.drain({ limitMs: 500 })
    await world.runtime.advance(499)
    expect(stuck.stats.state).toBe('draining')
    await world.runtime.advance(1)
    await drained
    expect(stuck.stats.state).toBe('stopped')
    const seen: string[] = []
    const next = await world.start(async (message) => {
      seen.push(textOf(message))
    })
    await world.until(() => seen.includes('key1:1'))
    expect(next.stats.deadLettered).toBe(0)
  })

  test('by stopping: handlers are told, nothing runs on, and what was not committed comes again', async () => {
    const world = await newWorld()
    const timers = world.runtime.pendingTasks
    let told: unknown
    const processor = await world.start((_, { signal }) => {
      signal.addEventListener('abort', () => {
        told = signal.reason
      })
      return never()
    })
    await world.publish('a:1')
    await world.runtime.advance(10)
    await processor.stop()
    await processor.stop()
    expect(told).toBeInstanceOf(Error)
    expect(processor.stats.state).toBe('stopped')
    expect(world.runtime.pendingTasks).toBe(timers)
    const again = await world.start(async () => {})
    await world.until(() => again.stats.handled === 1)
  })

  test('by its signal, also one that had aborted before the start', async () => {
    const world = await newWorld()
    const controller = new AbortController()
    const processor = await world.start(() => never(), {}, controller.signal)
    await world.publish('a:1')
    await world.runtime.advance(10)
    controller.abort()
    await world.until(() => processor.stats.state === 'stopped')
    await expect(world.start(() => never(), {}, controller.signal)).rejects.toThrow()
  })

  test('while messages wait for their next try leaves no timer behind', async () => {
    const world = await newWorld()
    const timers = world.runtime.pendingTasks
    const processor = await world.start(() => Promise.reject(new Error('no')))
    await world.publish(...numbered(20))
    await world.runtime.advance(120)
    await processor.stop()
    expect(world.runtime.pendingTasks).toBe(timers)
  })
})

describe('a group of two', () => {
  test('shares the partitions; when one leaves, the other goes on where it committed', async () => {
    const world = await newWorld({ partitions: 4 })
    const seen: string[] = []
    const handle = async (message: Parameters<typeof textOf>[0]) => {
      seen.push(textOf(message))
    }
    const [one, two] = [await world.start(handle), await world.start(handle)]
    await world.publish(...numbered(40))
    await world.until(() => seen.length === 40)
    expect(one.stats.handled).toBeGreaterThan(0)
    expect(two.stats.handled).toBeGreaterThan(0)
    const drained = one.drain()
    await world.runtime.advance(10)
    await drained
    await world.publish(...numbered(40).map((text) => `${text}-again`))
    await world.until(() => seen.length === 80)
    await world.runtime.advance(1_000)
    expect(new Set(seen).size).toBe(80)
    await two.stop()
  })

  test('forgets what it holds of a partition that goes to the other', async () => {
    const world = await newWorld({ partitions: 2 })
    const seen: string[] = []
    const one = await world.start(() => Promise.reject(new Error('member one fails')), {
      retry: { attemptsMax: 100 },
    })
    await world.publish(...numbered(20))
    await world.runtime.advance(50)
    expect(one.stats.inFlight).toBe(20)
    const two = await world.start(async (message) => {
      seen.push(textOf(message))
    })
    await world.publish('wake:1', 'wake:2', 'other:1', 'third:1')
    await world.until(() => one.stats.inFlight < 20)
    await world.until(() => seen.length >= 5)
    expect(one.stats.inFlight + new Set(seen).size).toBe(24)
    expect(one.stats.deadLettered).toBe(0)
    await one.stop()
    await two.stop()
  })
})

test.each([
  ['timeoutMs', { timeoutMs: 0 }, '0'],
  ['retry.attemptsMax', { retry: { attemptsMax: 0.5 } }, '0.5'],
  ['retry.jitter', { retry: { jitter: 2 } }, '2'],
  ['retry.delayMsMax', { retry: { delayMsMin: 10, delayMsMax: 5 } }, '5'],
  ['prefetch.resumeAt', { prefetch: { pauseAt: 10, resumeAt: 10 } }, '10'],
  ['prefetch.pauseAt', { prefetch: { pauseAt: Number.NaN, resumeAt: 1 } }, 'NaN'],
])('A wrong setting is named by its path: %s', async (path, options, seen) => {
  const world = await newWorld()
  await expect(world.start(async () => {}, options)).rejects.toMatchObject({
    code: 'CONFIGURATION_INVALID',
    parameters: { path: `tester.${path}`, seen },
  })
})
