import { describe, expect, test } from 'vitest'
import { drain, item, openBench, takeNow, texts } from './test-queue.ts'

describe('taking from a queue', () => {
  test('hands out what was put, in order, and once acknowledged it never comes again, also after a restart', async () => {
    const bench = await openBench()
    await bench.queue.put([item('a'), item('b')])
    await bench.queue.put([item('c')])
    const consumer = await bench.queue.consumer('uplink')
    const first = await takeNow(consumer, bench.runtime, { countMax: 2 })
    expect(texts(first)).toEqual(['a', 'b'])
    expect(first.map(({ lane, offset, deliveries }) => [lane, offset, deliveries])).toEqual([
      ['normal', 0, 1],
      ['normal', 1, 1],
    ])
    expect(await consumer.acknowledge(first)).toEqual({ count: 2, lost: [] })
    await bench.queue.close()
    const again = await openBench({}, bench.files)
    expect(await drain(await again.queue.consumer('uplink'), again.runtime)).toEqual(['c'])
  })

  test('waits for an item, and ends the wait by signal, by time, and by closing', async () => {
    const { queue, runtime } = await openBench()
    const consumer = await queue.consumer('uplink')
    const waiting = consumer.take()
    await runtime.advance(1000)
    await queue.put([item('a')])
    expect(texts(await waiting)).toEqual(['a'])
    const controller = new AbortController()
    const aborted = consumer.take({ signal: controller.signal })
    controller.abort()
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })
    const timed = consumer.take({ waitMsMax: 500 })
    await runtime.advance(500)
    expect(await timed).toEqual([])
    const closed = consumer.take()
    closed.catch(() => undefined)
    await queue.close()
    await expect(closed).rejects.toMatchObject({ code: 'QUEUE_CLOSED' })
    await expect(consumer.take()).rejects.toMatchObject({ code: 'QUEUE_CLOSED' })
  })

  test('serves the urgent lanes first, and only those that were asked for', async () => {
    const { queue, runtime } = await openBench({ lanes: ['alarm', 'normal', 'bulk'] })
    await queue.put([item('b1', { lane: 'bulk' }), item('n1'), item('b2', { lane: 'bulk' })])
    await queue.put([item('a1', { lane: 'alarm' })])
    const consumer = await queue.consumer('uplink')
    expect(texts(await takeNow(consumer, runtime, { lanes: ['bulk'], countMax: 1 }))).toEqual(['b1'])
    expect(texts(await takeNow(consumer, runtime))).toEqual(['a1', 'n1', 'b2'])
  })

  test('keeps to the limits of count and bytes, and gives one item that is larger than the limit', async () => {
    const { queue, runtime } = await openBench()
    await queue.put([item('x'.repeat(500)), item('y'.repeat(500)), item('z')])
    const consumer = await queue.consumer('uplink')
    expect(await takeNow(consumer, runtime, { bytesMax: 100 })).toHaveLength(1)
    expect(await takeNow(consumer, runtime, { bytesMax: 600 })).toHaveLength(2)
  })

  test('every consumer sees every item, and one that begins at the end only what comes', async () => {
    const { queue, runtime } = await openBench()
    await queue.put([item('a')])
    const first = await queue.consumer('first')
    const second = await queue.consumer('second', { from: 'end' })
    const third = await queue.consumer('third', { from: 'start' })
    await queue.put([item('b')])
    expect(await drain(first, runtime)).toEqual(['a', 'b'])
    expect(await drain(second, runtime)).toEqual(['b'])
    expect(await drain(third, runtime)).toEqual(['a', 'b'])
  })

  test('takers of one consumer compete: none gets what another has', async () => {
    const { queue, runtime } = await openBench()
    await queue.put(Array.from({ length: 30 }, (_, index) => item(String(index))))
    const consumer = await queue.consumer('uplink')
    const taken = await Promise.all(
      Array.from({ length: 10 }, () => takeNow(consumer, runtime, { countMax: 4 })),
    )
    const all = taken.flatMap(texts)
    expect(new Set(all).size).toBe(all.length)
    expect(all).toHaveLength(30)
  })
})

describe('a lease', () => {
  test('that ends lets the item come again, counted; its holder is told that it is lost', async () => {
    const { queue, runtime } = await openBench()
    await queue.put([item('a')])
    const consumer = await queue.consumer('uplink')
    const [first] = await takeNow(consumer, runtime, { leaseMs: 1000 })
    await runtime.advance(999)
    expect(await takeNow(consumer, runtime)).toEqual([])
    await runtime.advance(1)
    const [second] = await takeNow(consumer, runtime)
    expect(second).toMatchObject({ offset: 0, deliveries: 2 })
    expect(await consumer.acknowledge([first!])).toEqual({ count: 0, lost: [first] })
    expect(await consumer.acknowledge([second!, second!])).toEqual({ count: 1, lost: [second] })
  })

  test('that has ended, but of which the item was not handed out again, still acknowledges', async () => {
    const { queue, runtime } = await openBench()
    await queue.put([item('a')])
    const consumer = await queue.consumer('uplink')
    const items = await takeNow(consumer, runtime, { leaseMs: 1000 })
    await runtime.advance(5000)
    expect(await consumer.acknowledge(items)).toEqual({ count: 1, lost: [] })
    expect(await takeNow(consumer, runtime)).toEqual([])
  })

  test('can be extended while it lasts, and not afterwards', async () => {
    const { queue, runtime } = await openBench()
    await queue.put([item('a')])
    const consumer = await queue.consumer('uplink')
    const items = await takeNow(consumer, runtime, { leaseMs: 1000 })
    await runtime.advance(900)
    expect(consumer.extend(items, 1000)).toEqual({ count: 1, lost: [] })
    await runtime.advance(900)
    expect(await takeNow(consumer, runtime)).toEqual([])
    await runtime.advance(200)
    expect(consumer.extend(items, 1000)).toEqual({ count: 0, lost: items })
  })

  test('is given back uncounted when the consumer is closed', async () => {
    const { queue, runtime } = await openBench()
    await queue.put([item('a')])
    const consumer = await queue.consumer('uplink')
    expect(await takeNow(consumer, runtime)).toHaveLength(1)
    await consumer.close()
    const again = await queue.consumer('uplink')
    expect(await takeNow(again, runtime)).toMatchObject([{ offset: 0, deliveries: 1 }])
  })
})

describe('items with a key', () => {
  test('come one at a time and in order, whoever takes', async () => {
    const { queue, runtime } = await openBench()
    await queue.put([
      item('k1', { key: 'k' }),
      item('k2', { key: 'k' }),
      item('l1', { key: 'l' }),
      item('free'),
    ])
    const consumer = await queue.consumer('uplink')
    const first = await takeNow(consumer, runtime)
    expect(texts(first)).toEqual(['k1', 'l1', 'free'])
    expect(await takeNow(consumer, runtime)).toEqual([])
    await consumer.acknowledge(first.slice(0, 1))
    expect(texts(await takeNow(consumer, runtime))).toEqual(['k2'])
  })

  test('wait behind one that was rejected, delayed or put for later', async () => {
    const { queue, runtime } = await openBench()
    const notBeforeMs = runtime.clock.now() + 10_000
    await queue.put([item('k1', { key: 'k', notBeforeMs }), item('k2', { key: 'k' })])
    const consumer = await queue.consumer('uplink')
    expect(await takeNow(consumer, runtime)).toEqual([])
    await runtime.advance(10_000)
    const items = await takeNow(consumer, runtime)
    expect(texts(items)).toEqual(['k1'])
    await consumer.reject(items, { reason: 'not today', retryAfterMs: 3000 })
    expect(await takeNow(consumer, runtime)).toEqual([])
    await runtime.advance(3000)
    expect(await drain(consumer, runtime)).toEqual(['k1', 'k2'])
  })

  test('of two lanes are never out at the same time', async () => {
    const { queue, runtime } = await openBench({ lanes: ['alarm', 'normal'] })
    await queue.put([item('n', { key: 'k' }), item('a', { key: 'k', lane: 'alarm' })])
    const consumer = await queue.consumer('uplink')
    const first = await takeNow(consumer, runtime)
    expect(texts(first)).toEqual(['a'])
    await consumer.acknowledge(first)
    expect(texts(await takeNow(consumer, runtime))).toEqual(['n'])
  })
})
