import { describe, expect, test } from 'vitest'
import { drain, item, openBench, takeNow, texts } from './test-queue.ts'

describe('looking at a queue', () => {
  test('peek shows what is not done with its state, and changes nothing', async () => {
    const { queue, runtime } = await openBench({ lanes: ['alarm', 'normal'] })
    await queue.put([
      item('done'),
      item('held', { key: 'k' }),
      item('behind', { key: 'k' }),
      item('rejected'),
      item('untouched'),
    ])
    await queue.put([item('urgent', { lane: 'alarm' })])
    const consumer = await queue.consumer('uplink')
    const items = await takeNow(consumer, runtime, { lanes: ['normal'], countMax: 3 })
    await consumer.acknowledge(items.slice(0, 1))
    await consumer.reject(items.slice(2), { reason: 'no' })
    const peeked = await consumer.peek()
    expect(texts(peeked)).toEqual(['urgent', 'held', 'behind', 'rejected', 'untouched'])
    expect(peeked.map(({ state }) => state)).toEqual(['waiting', 'leased', 'blocked', 'delayed', 'waiting'])
    expect(peeked.map(({ deliveries }) => deliveries)).toEqual([0, 1, 0, 1, 0])
    expect(texts(await consumer.peek({ countMax: 2 }))).toEqual(['urgent', 'held'])
    expect(texts(await consumer.peek({ lanes: ['normal'], countMax: 1 }))).toEqual(['held'])
    expect(texts(await takeNow(consumer, runtime))).toEqual(['urgent', 'untouched'])
  })

  test('read gives the items of a lane whether they are done or not', async () => {
    const { queue, runtime } = await openBench()
    await queue.put([item('a', { key: 'k', expiresAtMs: 9e12 }), item('b')])
    await drain(await queue.consumer('uplink'), runtime)
    expect(await queue.read('normal', 0)).toMatchObject([
      { lane: 'normal', offset: 0, key: 'k', expiresAtMs: 9e12, putAtMs: runtime.clock.now() },
      { lane: 'normal', offset: 1, key: undefined, expiresAtMs: undefined },
    ])
    await expect(queue.read('normal', 9)).rejects.toMatchObject({ code: 'LOG_OFFSET_OUT_OF_RANGE' })
    await expect(queue.read('nope', 0)).rejects.toMatchObject({ code: 'QUEUE_LANE_UNKNOWN' })
  })
})

describe('seek', () => {
  test('goes back, as if nothing had been handed out, also after a restart', async () => {
    const { queue, runtime, files } = await openBench()
    await queue.put([item('a'), item('b'), item('c')])
    const consumer = await queue.consumer('uplink')
    await drain(consumer, runtime)
    await consumer.seek({ offsets: { normal: 1 } })
    expect(queue.status().count).toBe(2)
    expect(await takeNow(consumer, runtime, { countMax: 1 })).toMatchObject([{ offset: 1, deliveries: 1 }])
    const again = await openBench({}, files.crash())
    expect(await drain(await again.queue.consumer('uplink'), again.runtime)).toEqual(['b', 'c'])
  })

  test('goes to a time, in every lane, and records what it skips', async () => {
    const { queue, runtime } = await openBench({ lanes: ['alarm', 'normal'] })
    await queue.put([item('n1'), item('a1', { lane: 'alarm' })])
    await runtime.advance(1000)
    const timeMs = runtime.clock.now()
    await queue.put([item('n2'), item('a2', { lane: 'alarm' })])
    const consumer = await queue.consumer('uplink')
    await consumer.seek({ timeMs })
    expect(await drain(consumer, runtime)).toEqual(['a2', 'n2'])
    expect(queue.drops.totals).toMatchObject({ skipped: { count: 2 } })
    expect(await queue.drops.read()).toMatchObject([
      { why: 'skipped', lane: 'alarm', consumer: 'uplink', from: 0, to: 1 },
      { why: 'skipped', lane: 'normal', consumer: 'uplink', from: 0, to: 1 },
    ])
  })

  test('ends the leases: an acknowledgement of before changes nothing', async () => {
    const { queue, runtime } = await openBench()
    await queue.put([item('a')])
    const consumer = await queue.consumer('uplink')
    const items = await takeNow(consumer, runtime)
    await consumer.seek({ offsets: { normal: 0 } })
    expect(await consumer.acknowledge(items)).toEqual({ count: 0, lost: items })
    expect(await drain(consumer, runtime)).toEqual(['a'])
  })

  test('stays within what is there, and knows the lanes', async () => {
    const { queue, runtime } = await openBench()
    await queue.put([item('a')])
    const consumer = await queue.consumer('uplink')
    await consumer.seek({ offsets: { normal: 99 } })
    await queue.put([item('b')])
    expect(await drain(consumer, runtime)).toEqual(['b'])
    await expect(consumer.seek({ offsets: { nope: 0 } })).rejects.toMatchObject({
      code: 'QUEUE_LANE_UNKNOWN',
    })
  })
})

describe('the limits', () => {
  test('of open items let nothing more out until one of them is done', async () => {
    const { queue, runtime } = await openBench({ openItemsMax: 3 })
    await queue.put(['a', 'b', 'c', 'd', 'e'].map((text) => item(text)))
    const consumer = await queue.consumer('uplink')
    const items = await takeNow(consumer, runtime)
    expect(texts(items)).toEqual(['a', 'b', 'c'])
    expect(await takeNow(consumer, runtime)).toEqual([])
    await consumer.delay(items.slice(0, 1), 60_000)
    expect(await takeNow(consumer, runtime)).toEqual([])
    await consumer.acknowledge(items.slice(1, 2))
    expect(texts(await takeNow(consumer, runtime))).toEqual(['d'])
    expect(queue.status().consumers[0]?.lanes[0]).toMatchObject({
      open: 3,
      outOfOrderRanges: 1,
      leased: 2,
      delayed: 1,
    })
  })

  test('of waiting takes and of consumers are told', async () => {
    const { queue } = await openBench({ waitingTakesMax: 1, consumersMax: 1 })
    const consumer = await queue.consumer('uplink')
    const controller = new AbortController()
    const first = consumer.take({ signal: controller.signal })
    await expect(consumer.take()).rejects.toMatchObject({ code: 'QUEUE_WAITERS_TOO_MANY' })
    controller.abort()
    await expect(first).rejects.toMatchObject({ name: 'AbortError' })
    await expect(queue.consumer('other')).rejects.toMatchObject({ code: 'QUEUE_LIMIT_REACHED' })
    await expect(consumer.take({ countMax: 0 })).rejects.toMatchObject({ code: 'QUEUE_OPTION_INVALID' })
    await expect(consumer.take({ lanes: ['nope'] })).rejects.toMatchObject({ code: 'QUEUE_LANE_UNKNOWN' })
  })
})
