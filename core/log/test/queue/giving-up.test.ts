import { manualRuntime } from '@millrace/kernel'
import { memoryFiles } from '@millrace/memory'
import { describe, expect, test } from 'vitest'
import { drain, item, openBench, takeNow, texts } from './test-queue.ts'

describe('an item that fails', () => {
  test('comes again after a pause that grows, and goes to the dead letters after its last delivery', async () => {
    const { queue, runtime } = await openBench({ deliveriesMax: 3 })
    await queue.put([item('bad', { key: 'k' }), item('good', { key: 'k' })])
    const consumer = await queue.consumer('uplink')
    for (const [delivery, pauseMs] of [
      [1, 1000],
      [2, 2000],
    ] as const) {
      const items = await takeNow(consumer, runtime)
      expect(items).toMatchObject([{ offset: 0, deliveries: delivery }])
      expect(await consumer.reject(items, { reason: 'no' })).toEqual({ count: 1, lost: [] })
      await runtime.advance(pauseMs - 1)
      expect(await takeNow(consumer, runtime)).toEqual([])
      await runtime.advance(1)
    }
    const last = await takeNow(consumer, runtime)
    await consumer.reject(last, { reason: 'never' })
    expect(queue.deadLetters.count).toBe(1)
    const [letter] = await queue.deadLetters.read()
    expect(letter).toMatchObject({
      lane: 'normal',
      offset: 0,
      consumer: 'uplink',
      key: 'k',
      deliveries: 3,
      reason: 'never',
    })
    expect(texts([letter!])).toEqual(['bad'])
    expect(await queue.drops.read()).toMatchObject([
      { why: 'dead-letter', lane: 'normal', consumer: 'uplink', from: 0, to: 1, count: 1 },
    ])
    expect(await drain(consumer, runtime)).toEqual(['good'])
  })

  test('goes to the dead letters at once when a retry is of no use', async () => {
    const { queue, runtime } = await openBench()
    await queue.put([item('bad')])
    const consumer = await queue.consumer('uplink')
    await consumer.reject(await takeNow(consumer, runtime), { reason: 'malformed', retry: false })
    expect(queue.status()).toMatchObject({
      deadLetters: { count: 1 },
      drops: { 'dead-letter': { count: 1 } },
      count: 0,
    })
  })

  test('whose lease ends after its last delivery goes to the dead letters without anybody asking', async () => {
    const { queue, runtime } = await openBench({ deliveriesMax: 1 })
    await queue.put([item('slow')])
    const consumer = await queue.consumer('uplink')
    await takeNow(consumer, runtime, { leaseMs: 1000 })
    await runtime.advance(1000)
    expect(await queue.deadLetters.read()).toMatchObject([
      { reason: 'its lease ended without an acknowledgement' },
    ])
  })

  test('by ending the process each time it is handed out still goes to the dead letters', async () => {
    let files = memoryFiles()
    for (let life = 1; life <= 3; life += 1) {
      const { queue, runtime } = await openBench({ deliveriesMax: 3 }, files, manualRuntime({ seed: life }))
      if (life === 1) await queue.put([item('poison'), item('fine')])
      const consumer = await queue.consumer('uplink')
      expect(await takeNow(consumer, runtime, { countMax: 1 })).toMatchObject([
        { offset: 0, deliveries: life },
      ])
      files = files.afterKill()
    }
    const { queue, runtime } = await openBench({ deliveriesMax: 3 }, files, manualRuntime({ seed: 9 }))
    expect(await drain(await queue.consumer('uplink'), runtime)).toEqual(['fine'])
    expect(await queue.deadLetters.read()).toMatchObject([
      { offset: 0, deliveries: 3, reason: 'handed out 3 times and never acknowledged' },
    ])
  })

  test('that ends the process takes none of those along that were handed out with it', async () => {
    let { queue, runtime, files } = await openBench({ deliveriesMax: 3 })
    await queue.put(['a', 'poison', 'b', 'c', 'poison', 'd'].map((text) => item(text)))
    const acknowledged: string[] = []
    for (let life = 1; ; life += 1) {
      const consumer = await queue.consumer('uplink')
      let items = await takeNow(consumer, runtime, { countMax: 4 })
      for (; items.length > 0 && !texts(items).includes('poison'); items = await takeNow(consumer, runtime)) {
        acknowledged.push(...texts(items))
        await consumer.acknowledge(items)
      }
      if (items.length === 0) break
      ;({ queue, runtime, files } = await openBench(
        { deliveriesMax: 3 },
        files.afterKill(),
        manualRuntime({ seed: life }),
      ))
    }
    expect(acknowledged.sort()).toEqual(['a', 'b', 'c', 'd'])
    expect((await queue.deadLetters.read()).map(({ offset }) => offset)).toEqual([1, 4])
  })

  test('that is delayed does not use up a delivery', async () => {
    const { queue, runtime } = await openBench({ deliveriesMax: 1 })
    await queue.put([item('later')])
    const consumer = await queue.consumer('uplink')
    for (let round = 0; round < 3; round += 1) {
      const items = await takeNow(consumer, runtime)
      expect(items).toMatchObject([{ deliveries: 1 }])
      await consumer.delay(items, 500)
      expect(queue.status().consumers[0]?.lanes[0]).toMatchObject({ delayed: 1, outstanding: 1 })
      await runtime.advance(500)
    }
  })

  test('keeps its pause and its deliveries over a restart', async () => {
    const { queue, runtime, files } = await openBench()
    await queue.put([item('bad'), item('good')])
    const consumer = await queue.consumer('uplink')
    const [bad] = await takeNow(consumer, runtime, { countMax: 1 })
    await consumer.reject([bad!], { reason: 'no', retryAfterMs: 60_000 })
    await queue.close()
    const again = await openBench({}, files)
    const reopened = await again.queue.consumer('uplink')
    expect(await drain(reopened, again.runtime)).toEqual(['good'])
    await again.runtime.advance(60_000)
    expect(await takeNow(reopened, again.runtime)).toMatchObject([{ offset: 0, deliveries: 2 }])
  })
})

describe('dead letters', () => {
  test('are replayed to the consumer that gave up on them, and to nobody else', async () => {
    const { queue, runtime, files } = await openBench({ deliveriesMax: 1 })
    await queue.put([item('a', { key: 'k' }), item('b')])
    const [first, second] = [await queue.consumer('first'), await queue.consumer('second')]
    await first.reject(await takeNow(first, runtime), { reason: 'no' })
    expect(await drain(second, runtime)).toEqual(['a', 'b'])
    await queue.close()
    const again = await openBench({ deliveriesMax: 1 }, files)
    const [letter] = await again.queue.deadLetters.read()
    expect(await again.queue.deadLetters.replay([letter!.letter])).toBe(1)
    expect(again.queue.deadLetters.count).toBe(1)
    expect(await drain(await again.queue.consumer('first'), again.runtime)).toEqual(['a'])
    expect(await drain(await again.queue.consumer('second'), again.runtime)).toEqual([])
    expect(await again.queue.deadLetters.remove()).toBe(1)
    expect(await again.queue.deadLetters.read()).toEqual([])
    expect(again.queue.status()).toMatchObject({ count: 0, deadLetters: { count: 0, bytes: 0 } })
  })

  test('make room for newer ones, which is recorded', async () => {
    const { queue, runtime } = await openBench({ deliveriesMax: 1, deadLetterBytesMax: 1024 })
    const consumer = await queue.consumer('uplink')
    for (let index = 0; index < 5; index += 1) {
      await queue.put([item(String(index).padEnd(300, '.'))])
      await consumer.reject(await takeNow(consumer, runtime), { reason: 'no' })
    }
    const letters = await queue.deadLetters.read()
    expect(letters.map(({ offset }) => offset)).toEqual([3, 4])
    expect(queue.drops.totals['dead-letters-full']).toMatchObject({ count: 3 })
  })

  test('are written once when the power fails between a letter and its cursor', async () => {
    const { queue, runtime, files } = await openBench({ deliveriesMax: 1 })
    await queue.put([item('bad')])
    const consumer = await queue.consumer('uplink')
    const items = await takeNow(consumer, runtime)
    files.failNext('write', 'EIO', { path: 'queue/drops', times: 100 })
    await expect(consumer.reject(items, { reason: 'no' })).rejects.toMatchObject({
      code: 'LOG_STORAGE_FAILED',
    })
    const again = await openBench({ deliveriesMax: 1 }, files.crash())
    expect(again.queue.deadLetters.count).toBe(1)
    expect(await takeNow(await again.queue.consumer('uplink'), again.runtime)).toEqual([])
    expect(again.queue.deadLetters.count).toBe(1)
    expect(again.queue.drops.totals['dead-letter']).toMatchObject({ count: 1 })
  })
})

describe('an item with a time', () => {
  test('is never handed out once it has expired; that is counted and recorded', async () => {
    const { queue, runtime, files } = await openBench()
    const expiresAtMs = runtime.clock.now() + 1000
    await queue.put([
      item('a', { expiresAtMs }),
      item('b', { expiresAtMs }),
      item('c'),
      item('d', { expiresAtMs }),
    ])
    const consumer = await queue.consumer('uplink')
    await runtime.advance(1000)
    expect(texts(await takeNow(consumer, runtime))).toEqual(['c'])
    const records = await queue.drops.read()
    expect(records.map(({ why, from, to, count }) => [why, from, to, count])).toEqual([
      ['expired', 0, 2, 2],
      ['expired', 3, 4, 1],
    ])
    expect(records[0]?.bytes).toBeGreaterThan(2)
    await queue.close()
    const again = await openBench({}, files)
    expect(again.queue.drops.totals).toMatchObject({ expired: { count: 3 } })
  })

  test('that expires under lease may still be acknowledged, and does not come again', async () => {
    const { queue, runtime } = await openBench()
    await queue.put([item('a', { expiresAtMs: runtime.clock.now() + 1000 })])
    const consumer = await queue.consumer('uplink')
    const items = await takeNow(consumer, runtime)
    await runtime.advance(5000)
    expect(await consumer.acknowledge(items)).toEqual({ count: 1, lost: [] })
    expect(queue.drops.totals).toEqual({})
  })

  test('expires without a consumer, too, so that it does not fill the queue', async () => {
    const { queue, runtime } = await openBench({ quota: { countMax: 2, whenFull: 'reject' } })
    const expiresAtMs = runtime.clock.now() + 1000
    await queue.put([item('a', { expiresAtMs }), item('b', { expiresAtMs })])
    await expect(queue.put([item('c')])).rejects.toMatchObject({ code: 'QUEUE_QUOTA_EXCEEDED' })
    await runtime.advance(1000)
    await queue.put([item('c')])
    expect(queue.drops.totals).toMatchObject({ expired: { count: 2 } })
  })
})
