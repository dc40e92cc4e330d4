import type { Bus } from '@millrace/bus'
import { type MillraceError, millraceError } from '@millrace/kernel'
import { describe, expect, test } from 'vitest'
import { newWorld, textOf } from './world.ts'

/** The real bus in memory, with failures switched on from outside. */
function failingBus(failure: { next?: MillraceError; commit?: MillraceError; publish?: MillraceError }) {
  return (bus: Bus): Bus =>
    Object.assign(Object.create(bus), {
      supports: bus.supports,
      publish: (...args: Parameters<Bus['publish']>) =>
        failure.publish === undefined ? bus.publish(...args) : Promise.reject(failure.publish),
      close: () => bus.close(),
      createTopic: (...args: Parameters<Bus['createTopic']>) => bus.createTopic(...args),
      listTopics: () => bus.listTopics(),
      listGroups: () => bus.listGroups(),
      read: (...args: Parameters<Bus['read']>) => bus.read(...args),
      subscribe: async (options: Parameters<Bus['subscribe']>[0]) => {
        const subscription = await bus.subscribe(options)
        const { next, commit } = subscription
        subscription.next = (...args) =>
          failure.next === undefined ? next.apply(subscription, args) : Promise.reject(failure.next)
        subscription.commit = (...args) =>
          failure.commit === undefined ? commit.apply(subscription, args) : Promise.reject(failure.commit)
        return subscription
      },
    })
}

const diskFull = () => millraceError('DISK_FULL', { path: 'data/segment' })

describe('a processor whose bus fails', () => {
  test('waits while fetching fails and goes on by itself', async () => {
    const failure: { next?: MillraceError } = { next: diskFull() }
    const world = await newWorld({}, failingBus(failure))
    const processor = await world.start(async () => {})
    await world.publish('a:1')
    await world.runtime.advance(60_000)
    expect(processor.stats).toMatchObject({ state: 'retrying', handled: 0, lastError: { code: 'DISK_FULL' } })
    delete failure.next
    await world.until(() => processor.stats.handled === 1)
    expect(processor.stats.state).toBe('running')
  })

  test('commits later what it could not commit, and handles messages meanwhile', async () => {
    const failure: { commit?: MillraceError } = { commit: diskFull() }
    const world = await newWorld({}, failingBus(failure))
    const processor = await world.start(async () => {})
    await world.publish('a:1')
    await world.until(() => processor.stats.state === 'retrying')
    await world.publish('a:2')
    await world.until(() => processor.stats.handled === 2)
    expect(await world.committed()).toBeUndefined()
    delete failure.commit
    await world.until(() => processor.stats.state === 'running')
    expect(await world.committed()).toBe(2)
  })

  test('keeps a message until its dead letter is durable, while other keys go on', async () => {
    const failure: { publish?: MillraceError } = { publish: diskFull() }
    const world = await newWorld({}, failingBus(failure))
    const processor = await world.start(
      async (message) => {
        if (message.key === 'bad') throw new Error('no')
      },
      { retry: { attemptsMax: 1 } },
    )
    await world.publish('bad:1', 'good:1')
    await world.runtime.advance(10_000)
    expect(processor.stats).toMatchObject({ state: 'retrying', handled: 1, deadLettered: 0, inFlight: 1 })
    expect(await world.committed()).toBeUndefined()
    delete failure.publish
    await world.until(() => processor.stats.deadLettered === 1)
    await world.runtime.advance(250)
    expect(await world.committed()).toBe(2)
  })

  test('never gives up a message because a disk is full', async () => {
    const world = await newWorld()
    let isFull = true
    const processor = await world.start(
      async () => {
        if (isFull) throw diskFull()
      },
      { retry: { attemptsMax: 2 } },
    )
    await world.publish('a:1')
    await world.runtime.advance(600_000)
    expect(processor.stats).toMatchObject({ state: 'retrying', deadLettered: 0 })
    isFull = false
    await world.until(() => processor.stats.handled === 1)
  })

  test('subscribes again when its subscription was closed, and starts at what was committed', async () => {
    const failure: { next?: MillraceError } = {}
    const world = await newWorld({}, failingBus(failure))
    const seen: string[] = []
    const processor = await world.start(async (message) => {
      seen.push(textOf(message))
    })
    await world.publish('a:1')
    await world.runtime.advance(300)
    failure.next = millraceError('SUBSCRIPTION_CLOSED', { group: 'tester' })
    await world.publish('a:2')
    await world.until(() => processor.stats.state === 'retrying')
    delete failure.next
    await world.publish('a:3')
    await world.until(() => processor.stats.handled >= 3)
    expect(seen.at(-1)).toBe('a:3')
    expect(seen[0]).toBe('a:1')
  })

  test('fails, without a sound and without a timer, when the bus is closed under it', async () => {
    const world = await newWorld()
    const processor = await world.start(async () => {})
    await world.runtime.advance(10)
    await world.bus.close()
    await world.until(() => processor.stats.state === 'failed')
    expect(processor.stats.lastError?.code).toBe('BUS_CLOSED')
    await processor.stop()
    expect(processor.stats.state).toBe('failed')
  })

  test('refuses to start on a topic that does not exist', async () => {
    const world = await newWorld()
    await expect(world.start(async () => {}, { topics: ['nowhere'] })).rejects.toMatchObject({
      code: 'TOPIC_UNKNOWN',
    })
  })
})
