import { expect, test } from 'vitest'
import {
  type BusFactory,
  codeOf,
  eventually,
  expectNothing,
  readAll,
  take,
  textMessage,
  textsOf,
  useBus,
} from './bus-harness.ts'

export function busDelayTests(factory: BusFactory): void {
  const harness = useBus(factory)

  /** A topic of a bus that can delay, or undefined after the bus has been seen to refuse it. */
  const delayingBus = async () => {
    const { bus, nowMs } = harness()
    await bus.createTopic('t')
    if (bus.supports.delay) return bus
    const refused = bus.publish('t', [textMessage('later', { deliverAtMs: nowMs() + 1_000 })])
    expect(await codeOf(refused)).toBe('NOT_SUPPORTED')
    return undefined
  }

  test('a delayed message appears at its time, not before, and the others pass it', async () => {
    const bus = await delayingBus()
    if (bus === undefined) return
    const { nowMs, advance } = harness()
    const later = textMessage('later', { key: 'k', headers: { h: '1' }, deliverAtMs: nowMs() + 1_000 })
    const places = await bus.publish('t', [later, textMessage('now')])
    expect(places[0]).toMatchObject({ offset: -1, delayed: true, duplicate: false })
    expect(places[1]?.delayed).toBe(false)
    await using subscription = await bus.subscribe({ group: 'g', topics: ['t'] })
    expect(textsOf(await take(subscription, 1))).toEqual(['now'])
    await advance(900)
    await expectNothing(subscription, advance)
    const waiting = subscription.next()
    await advance(100)
    const [message] = await eventually(waiting, advance)
    expect(message).toMatchObject({ key: 'k', headers: { h: '1' } })
    expect(textsOf(message === undefined ? [] : [message])).toEqual(['later'])
  })

  test('delayed messages come in the order of their times, and then of their publication', async () => {
    const bus = await delayingBus()
    if (bus === undefined) return
    const { nowMs, advance } = harness()
    const at = (text: string, delayMs: number) => textMessage(text, { deliverAtMs: nowMs() + delayMs })
    await bus.publish('t', [at('c', 300), at('a', 100), at('b1', 200)])
    await bus.publish('t', [at('b2', 200)])
    await using subscription = await bus.subscribe({ group: 'g', topics: ['t'] })
    const waiting = take(subscription, 4)
    for (let step = 0; step < 3; step += 1) await advance(100)
    expect(textsOf(await eventually(waiting, advance))).toEqual(['a', 'b1', 'b2', 'c'])
  })

  test('a time that has passed already is no delay', async () => {
    const bus = await delayingBus()
    if (bus === undefined) return
    const [place] = await bus.publish('t', [textMessage('a', { deliverAtMs: harness().nowMs() - 1 })])
    expect(place?.delayed).toBe(false)
    expect(textsOf(await readAll(bus, 't'))).toEqual(['a'])
  })

  test('a time that is none is MESSAGE_INVALID', async () => {
    const bus = await delayingBus()
    if (bus === undefined) return
    const refused = bus.publish('t', [textMessage('a', { deliverAtMs: Number.NaN })])
    expect(await codeOf(refused)).toBe('MESSAGE_INVALID')
  })

  test('a repeated delayed publication is recognised, while it waits and after it has come', async () => {
    const bus = await delayingBus()
    if (bus === undefined || !bus.supports.idempotency) return
    const { nowMs, advance } = harness()
    const message = textMessage('a', { idempotencyKey: 'id-1', deliverAtMs: nowMs() + 1_000 })
    await bus.publish('t', [message])
    expect((await bus.publish('t', [message]))[0]).toMatchObject({
      duplicate: true,
      delayed: true,
      offset: -1,
    })
    await using subscription = await bus.subscribe({ group: 'g', topics: ['t'] })
    const waiting = subscription.next()
    await advance(1_000)
    const [came] = await eventually(waiting, advance)
    expect((await bus.publish('t', [message]))[0]).toMatchObject({
      duplicate: true,
      delayed: false,
      offset: came?.offset,
    })
    expect(textsOf(await readAll(bus, 't'))).toEqual(['a'])
  })
}
