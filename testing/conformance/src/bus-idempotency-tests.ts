import { expect, test } from 'vitest'
import { type BusFactory, publishTexts, readAll, textMessage, textsOf, useBus } from './bus-harness.ts'

export function busIdempotencyTests(factory: BusFactory): void {
  const harness = useBus(factory)

  test('a repeated publication is written once, and its place is that of the first, if the bus recognises keys', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    const message = textMessage('a', { key: 'k', idempotencyKey: 'id-1' })
    const [first] = await bus.publish('t', [message])
    const [again] = await bus.publish('t', [message])
    if (bus.supports.idempotency) {
      expect(again).toEqual({ ...first, duplicate: true })
      expect(textsOf(await readAll(bus, 't'))).toEqual(['a'])
    } else {
      expect(bus.supports.idempotencyWindow).toEqual({ kind: 'none' })
      expect(again?.duplicate).toBe(false)
      expect(textsOf(await readAll(bus, 't'))).toEqual(['a', 'a'])
    }
  })

  test('two publications of one key that are on their way at the same time are written once', async () => {
    const { bus } = harness()
    if (!bus.supports.idempotency) return
    await bus.createTopic('t', { partitions: 4 })
    const message = textMessage('a', { idempotencyKey: 'id-1' })
    const places = (
      await Promise.all([bus.publish('t', [message, message]), bus.publish('t', [message])])
    ).flat()
    expect(places.map(({ duplicate }) => duplicate)).toEqual([false, true, true])
    expect(new Set(places.map(({ partition, offset }) => `${partition}/${offset}`)).size).toBe(1)
    const all = await Promise.all([0, 1, 2, 3].map((partition) => readAll(bus, 't', partition)))
    expect(textsOf(all.flat())).toEqual(['a'])
  })

  test('new and repeated messages of one call each get their own place', async () => {
    const { bus } = harness()
    if (!bus.supports.idempotency) return
    await bus.createTopic('t')
    const [a] = await bus.publish('t', [textMessage('a', { idempotencyKey: 'a' })])
    const places = await bus.publish(
      't',
      ['b', 'a', 'c'].map((text) => textMessage(text, { idempotencyKey: text })),
    )
    expect(places.map(({ duplicate }) => duplicate)).toEqual([false, true, false])
    expect(places[1]?.offset).toBe(a?.offset)
    expect(textsOf(await readAll(bus, 't'))).toEqual(['a', 'b', 'c'])
  })

  test('a key counts within its topic', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    await bus.createTopic('u')
    const message = textMessage('a', { idempotencyKey: 'id-1' })
    await bus.publish('t', [message])
    expect((await bus.publish('u', [message]))[0]?.duplicate).toBe(false)
  })

  test('as many of the newest keys as it promises are remembered (tried up to 5,000)', async () => {
    const { bus } = harness()
    if (!bus.supports.idempotency) return
    await bus.createTopic('t')
    const { idempotencyWindow: window } = bus.supports
    // A window of time is longer than this test.
    const length = window.kind === 'messages' ? Math.min(5_000, window.count) : 5_000
    const keys = Array.from({ length }, (_, index) => `id-${index}`)
    const messages = keys.map((idempotencyKey) => textMessage('x', { idempotencyKey }))
    await bus.publish('t', messages)
    await publishTexts(bus, 't', ['without a key'])
    const again = await bus.publish('t', messages)
    expect(again.every(({ duplicate }) => duplicate)).toBe(true)
  })
}
