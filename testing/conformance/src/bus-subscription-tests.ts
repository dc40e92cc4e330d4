import type { Message, Position } from '@millrace/bus'
import { expect, test } from 'vitest'
import {
  type BusFactory,
  codeOf,
  expectNothing,
  publishTexts,
  take,
  textMessage,
  textsOf,
  useBus,
} from './bus-harness.ts'

/** The position behind `message`. */
const behind = ({ topic, partition, offset }: Message): Position => ({ topic, partition, offset: offset + 1 })

/** Lets promise reactions run `turns` times, to meet a call at each of its steps. */
async function microtasks(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await undefined
}

export function busSubscriptionTests(factory: BusFactory): void {
  const harness = useBus(factory)

  test('next waits for a message and gets it as soon as it is published', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    await using subscription = await bus.subscribe({ group: 'g', topics: ['t'] })
    const waiting = subscription.next()
    await publishTexts(bus, 't', ['a'])
    expect(textsOf(await waiting)).toEqual(['a'])
  })

  test('each message comes once, in order, within the limits of each call', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    await publishTexts(bus, 't', ['a', 'b', 'c', 'd', 'e'])
    await using subscription = await bus.subscribe({ group: 'g', topics: ['t'] })
    expect(textsOf(await subscription.next({ countMax: 2 }))).toEqual(['a', 'b'])
    expect(textsOf(await subscription.next({ bytesMax: 1 }))).toEqual(['c'])
    expect(textsOf(await take(subscription, 2))).toEqual(['d', 'e'])
    await expectNothing(subscription, harness().advance)
  })

  test('several topics come through one subscription', async () => {
    const { bus } = harness()
    for (const topic of ['t', 'u']) await bus.createTopic(topic, { partitions: 2 })
    await using subscription = await bus.subscribe({ group: 'g', topics: ['t', 'u'] })
    await publishTexts(bus, 't', ['a', 'b'])
    await publishTexts(bus, 'u', ['c', 'd'])
    expect(textsOf(await take(subscription, 4)).sort()).toEqual(['a', 'b', 'c', 'd'])
    expect(subscription.assigned()).toHaveLength(4)
  })

  test('a busy partition does not starve another one', async () => {
    const { bus } = harness()
    for (const topic of ['busy', 'quiet']) await bus.createTopic(topic)
    await publishTexts(
      bus,
      'busy',
      Array.from({ length: 50 }, (_, index) => `b${index}`),
    )
    await publishTexts(bus, 'quiet', ['q'])
    await using subscription = await bus.subscribe({ group: 'g', topics: ['busy', 'quiet'] })
    const seen = [
      ...(await subscription.next({ countMax: 5 })),
      ...(await subscription.next({ countMax: 5 })),
    ]
    expect(textsOf(seen)).toContain('q')
  })

  test('aborting next loses nothing', async () => {
    const { bus, advance } = harness()
    await bus.createTopic('t')
    await using subscription = await bus.subscribe({ group: 'g', topics: ['t'] })
    await expectNothing(subscription, advance)
    await publishTexts(bus, 't', ['a'])
    const aborted = subscription.next({ signal: AbortSignal.abort() })
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })
    expect(textsOf(await subscription.next())).toEqual(['a'])
  })

  test('closing a subscription ends its next with SUBSCRIPTION_CLOSED, and so does every later call', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    const subscription = await bus.subscribe({ group: 'g', topics: ['t'] })
    const waiting = codeOf(subscription.next())
    await subscription.close()
    await subscription.close()
    expect(await waiting).toBe('SUBSCRIPTION_CLOSED')
    expect(await codeOf(subscription.next())).toBe('SUBSCRIPTION_CLOSED')
    expect(await codeOf(subscription.commit([]))).toBe('SUBSCRIPTION_CLOSED')
    expect(await codeOf(subscription.seek([]))).toBe('SUBSCRIPTION_CLOSED')
    expect(subscription.assigned()).toEqual([])
  })

  test('closing the bus ends every next with SUBSCRIPTION_CLOSED', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    const subscription = await bus.subscribe({ group: 'g', topics: ['t'] })
    const waiting = codeOf(subscription.next())
    await bus.close()
    expect(await waiting).toBe('SUBSCRIPTION_CLOSED')
  })

  busPositionTests(harness)
  busPauseTests(harness)
}

function busPositionTests(harness: ReturnType<typeof useBus>): void {
  test('seek goes back and forth; outside of the partition it is OFFSET_OUT_OF_RANGE', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    await publishTexts(bus, 't', ['a', 'b', 'c'])
    await using subscription = await bus.subscribe({ group: 'g', topics: ['t'] })
    const [a, , c] = await take(subscription, 3)
    await subscription.seek([a as Message])
    expect(textsOf(await take(subscription, 3))).toEqual(['a', 'b', 'c'])
    await subscription.seek([a as Message])
    await subscription.seek([c as Message])
    expect(textsOf(await subscription.next())).toEqual(['c'])
    expect(await codeOf(subscription.seek([{ topic: 't', partition: 0, offset: -1 }]))).toBe(
      'OFFSET_OUT_OF_RANGE',
    )
    await subscription.seek([{ topic: 't', partition: 9, offset: 0 }])
  })

  test('a seek counts at whatever point a next is that reads already', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    await publishTexts(bus, 't', ['a', 'b', 'c'])
    await using subscription = await bus.subscribe({ group: 'g', topics: ['t'] })
    const [a, , c] = (await take(subscription, 3)) as [Message, Message, Message]
    for (let turns = 0; turns < 20; turns += 1) {
      await subscription.seek([a])
      const reading = subscription.next({ countMax: 1 })
      await microtasks(turns)
      await subscription.seek([c])
      const seen = [...(await reading)]
      if (textsOf(seen)[0] !== 'c') seen.push(...(await subscription.next()))
      expect(['a,c', 'c'], `after ${turns} turns`).toContain(textsOf(seen).join())
    }
  })

  test('a seek wakes a next that waits at the end', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    await publishTexts(bus, 't', ['a'])
    await using subscription = await bus.subscribe({ group: 'g', topics: ['t'] })
    const [a] = await take(subscription, 1)
    const waiting = subscription.next()
    await subscription.seek([a as Message])
    expect(textsOf(await waiting)).toEqual(['a'])
  })

  test('a new group starts at the start, or at the end if it asks for it', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    await publishTexts(bus, 't', ['old'])
    await using fromStart = await bus.subscribe({ group: 'start', topics: ['t'] })
    await using fromEnd = await bus.subscribe({ group: 'end', topics: ['t'], from: 'end' })
    await publishTexts(bus, 't', ['new'])
    expect(textsOf(await take(fromStart, 2))).toEqual(['old', 'new'])
    expect(textsOf(await fromEnd.next())).toEqual(['new'])
  })

  test('a group that began at the end and never committed goes on from where it began', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    await publishTexts(bus, 't', ['old'])
    await (await bus.subscribe({ group: 'g', topics: ['t'], from: 'end' })).close()
    await publishTexts(bus, 't', ['meanwhile'])
    await using again = await bus.subscribe({ group: 'g', topics: ['t'], from: 'end' })
    expect(textsOf(await again.next())).toEqual(['meanwhile'])
  })

  test('own positions count instead of the committed ones', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    await publishTexts(bus, 't', ['a', 'b', 'c'])
    const first = await bus.subscribe({ group: 'g', topics: ['t'] })
    const [a, b, c] = await take(first, 3)
    await first.commit([behind(c as Message)])
    await first.close()
    await using second = await bus.subscribe({ group: 'g', topics: ['t'], positions: [behind(a as Message)] })
    expect((await second.next({ countMax: 1 }))[0]?.offset).toBe(b?.offset)
  })

  test('an own position that is ahead of the topic is OFFSET_OUT_OF_RANGE, not a silent wait', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    const positions = [{ topic: 't', partition: 0, offset: 1_000 }]
    expect(await codeOf(bus.subscribe({ group: 'g', topics: ['t'], positions }))).toBe('OFFSET_OUT_OF_RANGE')
  })
}

function busPauseTests(harness: ReturnType<typeof useBus>): void {
  test('a paused partition is left out until it is resumed; the others go on', async () => {
    const { bus, advance } = harness()
    for (const topic of ['t', 'u']) await bus.createTopic(topic)
    await using subscription = await bus.subscribe({ group: 'g', topics: ['t', 'u'] })
    subscription.pause([
      { topic: 't', partition: 0 },
      { topic: 'elsewhere', partition: 0 },
    ])
    await publishTexts(bus, 't', ['held back'])
    await publishTexts(bus, 'u', ['passes'])
    expect(textsOf(await subscription.next())).toEqual(['passes'])
    await expectNothing(subscription, advance)
    const waiting = subscription.next()
    subscription.resume([{ topic: 't', partition: 0 }])
    expect(textsOf(await waiting)).toEqual(['held back'])
  })

  test('a pause counts at whatever point a next is that reads already, and loses nothing', async () => {
    const { bus, advance } = harness()
    await bus.createTopic('t')
    await publishTexts(bus, 't', ['a'])
    await using subscription = await bus.subscribe({ group: 'g', topics: ['t'] })
    const [a] = (await take(subscription, 1)) as [Message]
    for (let turns = 0; turns < 20; turns += 1) {
      await subscription.seek([a])
      let returned = false
      const reading = subscription.next().finally(() => {
        returned = true
      })
      await microtasks(turns)
      subscription.pause([a])
      await advance(0)
      // Later, it may have been on its way out of the call when the pause came.
      if (turns === 0) expect(returned).toBe(false)
      subscription.resume([a])
      expect(textsOf(await reading)).toEqual(['a'])
    }
  })

  test('a member that takes nothing does not hold up publishing', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    await using slow = await bus.subscribe({ group: 'slow', topics: ['t'] })
    await using quick = await bus.subscribe({ group: 'quick', topics: ['t'] })
    for (let call = 0; call < 20; call += 1)
      await bus.publish(
        't',
        Array.from({ length: 50 }, () => textMessage('x')),
      )
    expect(await take(quick, 1_000)).toHaveLength(1_000)
    expect(await slow.next({ countMax: 1 })).toHaveLength(1)
  })
}
