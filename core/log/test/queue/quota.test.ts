import { openLogTable } from '@millrace/log'
import { describe, expect, test } from 'vitest'
import { drain, item, openBench, takeNow } from './test-queue.ts'

describe('a full queue', () => {
  test('that blocks lets puts wait in order until something was acknowledged, or their signal aborts', async () => {
    const { queue, runtime } = await openBench({ quota: { countMax: 2 }, waitingPutsMax: 2 })
    await queue.put([item('a'), item('b')])
    const controller = new AbortController()
    const aborted = queue.put([item('never')], { signal: controller.signal })
    const waiting = queue.put([item('c')])
    await expect(queue.put([item('d')])).rejects.toMatchObject({
      code: 'QUEUE_WAITERS_TOO_MANY',
      retryable: true,
    })
    expect(queue.status().waitingPuts).toBe(2)
    controller.abort()
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })
    const consumer = await queue.consumer('uplink')
    const items = await takeNow(consumer, runtime, { countMax: 1 })
    expect(queue.status().count).toBe(2)
    await consumer.acknowledge(items)
    expect(await waiting).toEqual([{ lane: 'normal', offset: 2 }])
    expect(await drain(consumer, runtime)).toEqual(['b', 'c'])
  })

  test('that blocks takes nothing that could never fit', async () => {
    const { queue } = await openBench({ quota: { countMax: 2 } })
    await expect(queue.put([item('a'), item('b'), item('c')])).rejects.toMatchObject({
      code: 'QUEUE_PUT_TOO_LARGE',
    })
  })

  test('that rejects says what it holds', async () => {
    const { queue } = await openBench({ quota: { bytesMax: 4096, whenFull: 'reject' } })
    for (let index = 0; index < 4; index += 1) await queue.put([item('x'.repeat(900))])
    await expect(queue.put([item('x'.repeat(900))])).rejects.toMatchObject({
      code: 'QUEUE_QUOTA_EXCEEDED',
      parameters: { seen: '4 items, 3728 bytes' },
    })
  })

  test('that drops the oldest records what it dropped before the new item is there', async () => {
    const { queue, runtime } = await openBench({
      lanes: ['alarm', 'normal'],
      quota: { countMax: 3, whenFull: 'drop-oldest' },
    })
    await queue.put([item('n1')])
    await runtime.advance(10)
    await queue.put([item('a1', { lane: 'alarm' })])
    await runtime.advance(10)
    await queue.put([item('n2')])
    await queue.put([item('n3'), item('n4')])
    expect(await queue.drops.read()).toMatchObject([
      { why: 'quota', lane: 'normal', from: 0, to: 1, count: 1 },
      { why: 'quota', lane: 'alarm', from: 0, to: 1, count: 1 },
    ])
    expect(await drain(await queue.consumer('uplink'), runtime)).toEqual(['n2', 'n3', 'n4'])
  })

  test('that drops the least urgent never drops for an item that is less urgent', async () => {
    const { queue, runtime } = await openBench({
      lanes: ['alarm', 'normal', 'bulk'],
      quota: { countMax: 3, whenFull: 'drop-lowest-priority' },
    })
    await queue.put([
      item('b1', { lane: 'bulk' }),
      item('b2', { lane: 'bulk' }),
      item('a1', { lane: 'alarm' }),
    ])
    await queue.put([item('n1')])
    await queue.put([item('a2', { lane: 'alarm' })])
    await queue.put([item('a3', { lane: 'alarm' })])
    await expect(queue.put([item('b3', { lane: 'bulk' })])).rejects.toMatchObject({
      code: 'QUEUE_QUOTA_EXCEEDED',
    })
    await queue.put([item('a4', { lane: 'alarm' })])
    expect(await drain(await queue.consumer('uplink'), runtime)).toEqual(['a2', 'a3', 'a4'])
    expect(queue.drops.totals).toMatchObject({ quota: { count: 4 } })
  })

  test('that drops shares one record of drops between puts that wait together', async () => {
    const { queue } = await openBench({ quota: { countMax: 100, whenFull: 'drop-oldest' } })
    await queue.put(Array.from({ length: 100 }, (_, index) => item(String(index))))
    await Promise.all(Array.from({ length: 20 }, (_, index) => queue.put([item(`new ${index}`)])))
    expect(queue.drops.totals).toMatchObject({ quota: { count: 20 } })
    expect((await queue.drops.read()).length).toBeLessThanOrEqual(2)
  })

  test('that drops leaves nothing behind in the cursors', async () => {
    const { queue, runtime, files } = await openBench({ quota: { countMax: 4, whenFull: 'drop-oldest' } })
    const consumer = await queue.consumer('uplink')
    for (let round = 0; round < 10; round += 1) {
      await queue.put([item('x'), item('y')])
      await consumer.reject(await takeNow(consumer, runtime), { reason: 'no', retryAfterMs: 9_000_000 })
    }
    await queue.put([item('last')])
    expect(await drain(consumer, runtime)).toEqual(['last'])
    await queue.close()
    const table = await openLogTable({ files, runtime, directory: 'queue/state', recordBytesMax: 4096 })
    const keys: string[] = []
    for await (const page of table.load()) keys.push(...page.map(({ key }) => key))
    expect(keys.filter((key) => key.startsWith('tried/'))).toHaveLength(3)
    expect(keys.filter((key) => key.startsWith('done/'))).toHaveLength(1)
  })

  test('that drops up to items that were acknowledged before it was opened goes on behind them', async () => {
    const options = { lanes: ['alarm', 'normal'], quota: { countMax: 4, whenFull: 'drop-oldest' } } as const
    const { queue, runtime, files } = await openBench(options)
    const consumer = await queue.consumer('uplink')
    for (const each of [item('a'), item('b'), item('x', { lane: 'alarm' }), item('c')]) {
      await queue.put([each])
      await runtime.advance(10)
    }
    const items = await takeNow(consumer, runtime, { lanes: ['normal'] })
    await consumer.acknowledge(items.slice(1))
    await queue.close()
    // Of what was done, b is older than x, and c is younger: the oldest of all is on one side of both, then on the other.
    const again = await openBench(options, files, runtime)
    for (const text of ['d', 'e', 'f', 'g']) await again.queue.put([item(text)])
    expect(await drain(await again.queue.consumer('uplink'), runtime)).toEqual(['d', 'e', 'f', 'g'])
    expect(again.queue.drops.totals).toMatchObject({ quota: { count: 2 } })
  })

  test('drops what somebody holds, who may finish with it before the next one with its key goes', async () => {
    const { queue, runtime } = await openBench({ quota: { countMax: 2, whenFull: 'drop-oldest' } })
    await queue.put([item('k1', { key: 'k' }), item('k2', { key: 'k' })])
    const consumer = await queue.consumer('uplink')
    const items = await takeNow(consumer, runtime)
    await queue.put([item('k3', { key: 'k' }), item('k4', { key: 'k' })])
    expect(await takeNow(consumer, runtime)).toEqual([])
    await consumer.acknowledge(items)
    expect(await drain(consumer, runtime)).toEqual(['k3', 'k4'])
  })
})

describe('what a queue holds', () => {
  test('is what the consumer that is furthest behind has before it', async () => {
    const { queue, runtime } = await openBench()
    await queue.put([item('a'), item('b'), item('c')])
    const quick = await queue.consumer('quick')
    await queue.consumer('slow')
    await drain(quick, runtime)
    expect(queue.status()).toMatchObject({ count: 3, lanes: [{ headOffset: 0 }] })
    await (await queue.consumer('other')).close()
    for (const consumer of queue.status().consumers)
      expect(consumer.lanes[0]?.outstanding).toBe(consumer.consumer === 'quick' ? 0 : 3)
  })

  test('is given back when a consumer is removed', async () => {
    const { queue, runtime, files } = await openBench()
    await queue.put([item('a')])
    const quick = await queue.consumer('quick')
    const slow = await queue.consumer('slow')
    await drain(quick, runtime)
    await expect(queue.removeConsumer('slow')).rejects.toMatchObject({ code: 'QUEUE_CONSUMER_BUSY' })
    await expect(queue.consumer('slow')).rejects.toMatchObject({ code: 'QUEUE_CONSUMER_BUSY' })
    await slow.close()
    await queue.removeConsumer('slow')
    expect(queue.status()).toMatchObject({ count: 0, bytes: 0 })
    await expect(queue.removeConsumer('slow')).rejects.toMatchObject({ code: 'QUEUE_CONSUMER_UNKNOWN' })
    await queue.close()
    const again = await openBench({}, files)
    expect(again.queue.status().consumers.map(({ consumer }) => consumer)).toEqual(['quick'])
  })

  test('is the same after it was closed and opened, whatever was acknowledged out of order', async () => {
    const { queue, runtime, files } = await openBench()
    for (let index = 0; index < 200; index += 1) await queue.put([item(`item ${index}`.padEnd(index, '.'))])
    const consumer = await queue.consumer('uplink')
    const items = await takeNow(consumer, runtime, { countMax: 200 })
    await consumer.acknowledge(items.filter(({ offset }) => offset < 10 || offset % 3 === 0))
    const before = queue.status()
    expect(before.count).toBe(200 - 10 - 63)
    await queue.close()
    const again = await openBench({}, files)
    const after = again.queue.status()
    expect([after.count, after.bytes]).toEqual([before.count, before.bytes])
    expect(await drain(await again.queue.consumer('uplink'), again.runtime)).toHaveLength(before.count)
    expect(again.queue.status()).toMatchObject({ count: 0, bytes: 0 })
  })

  test('goes back to the disk soon after it was acknowledged or dropped', async () => {
    const { queue, runtime } = await openBench({ quota: { bytesMax: 65_536, whenFull: 'drop-oldest' } })
    const consumer = await queue.consumer('uplink')
    const diskBytes = () => queue.status().lanes[0]?.diskBytes ?? 0
    for (let index = 0; index < 100; index += 1) await queue.put([item('x'.repeat(3000))])
    expect(queue.drops.totals.quota?.count).toBeGreaterThan(70)
    expect(diskBytes()).toBeLessThan(65_536 + 3 * 8192)
    await drain(consumer, runtime)
    await runtime.advance(0)
    expect(diskBytes()).toBeLessThan(2 * 8192)
  })

  test('does not count what a full disk refused', async () => {
    const { queue, files } = await openBench()
    await queue.put([item('a')])
    files.diskBytesMax = files.bytes
    const large = () => queue.put([item('x'.repeat(4000))])
    // What was allocated ahead takes some; then nothing fits.
    for (let index = 0; index < 10; index += 1) await large().catch(() => undefined)
    const before = queue.status()
    for (let round = 0; round < 20; round += 1) await Promise.allSettled([large(), large(), large()])
    await expect(large()).rejects.toMatchObject({ code: 'DISK_FULL' })
    const { count, bytes, isDiskFull } = queue.status()
    expect({ count, bytes, isDiskFull }).toEqual({
      count: before.count,
      bytes: before.bytes,
      isDiskFull: true,
    })
    files.diskBytesMax = Number.POSITIVE_INFINITY
    await queue.put([item('b')])
    const after = { count: before.count + 1, bytes: before.bytes + 33, isDiskFull: false }
    expect(queue.status()).toMatchObject(after)
  })
})

describe('the age of items', () => {
  test('drops what is too old, without a put and without a take', async () => {
    const { queue, runtime } = await openBench({ quota: { ageMsMax: 60_000 } })
    await queue.put([item('old')])
    await runtime.advance(50_000)
    await queue.put([item('young')])
    await runtime.advance(25_000)
    expect(queue.drops.totals).toMatchObject({ age: { count: 1 } })
    expect(await drain(await queue.consumer('uplink'), runtime)).toEqual(['young'])
  })

  test('is measured, so that a wall clock that is set makes nothing old', async () => {
    const { queue, runtime } = await openBench({ quota: { ageMsMax: 60_000 } })
    await queue.put([item('a')])
    runtime.jumpWallClock(10 * 365 * 86_400_000)
    await queue.put([item('b')])
    await runtime.advance(30_000)
    runtime.jumpWallClock(-20 * 365 * 86_400_000)
    await runtime.advance(20_000)
    expect(queue.drops.totals).toEqual({})
    await runtime.advance(20_000)
    expect(queue.drops.totals).toMatchObject({ age: { count: 2 } })
  })
})
