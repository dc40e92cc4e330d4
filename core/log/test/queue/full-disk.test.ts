import type { Settled } from '@millrace/log'
import { describe, expect, test } from 'vitest'
import { drain, item, openBench, takeNow, texts } from './test-queue.ts'

describe('a queue whose disk is full', () => {
  test('refuses puts, and still hands out, acknowledges, rejects and drops', async () => {
    const { queue, runtime, files } = await openBench({ deliveriesMax: 2 })
    const expiresAtMs = runtime.clock.now() + 1000
    await queue.put([item('a'), item('b'), item('short', { expiresAtMs }), item('c')])
    files.diskBytesMax = files.bytes
    const consumer = await queue.consumer('uplink')
    await runtime.advance(1000)
    const items = await takeNow(consumer, runtime)
    expect(texts(items)).toEqual(['a', 'b', 'c'])
    expect(await consumer.acknowledge(items.slice(0, 1))).toMatchObject({ count: 1 })
    expect(await consumer.reject(items.slice(1), { reason: 'no', retryAfterMs: 0 })).toMatchObject({
      count: 2,
    })
    expect(queue.drops.totals).toMatchObject({ expired: { count: 1 } })
    for (let index = 0; index < 4; index += 1)
      await queue.put([item('x'.repeat(4000))]).catch(() => undefined)
    await expect(queue.put([item('x'.repeat(4000))])).rejects.toMatchObject({
      code: 'DISK_FULL',
      retryable: true,
    })
    expect(queue.status().isDiskFull).toBe(true)
    files.diskBytesMax = Number.POSITIVE_INFINITY
    await queue.put([item('d')])
    const rest = await drain(consumer, runtime)
    expect(rest.filter((text) => !text.startsWith('x'))).toEqual(['b', 'c', 'd'])
  })

  test('gives up its reserve for an acknowledgement, and takes it back when there is space', async () => {
    const { queue, runtime, files } = await openBench()
    await queue.put([item('a'), item('b')])
    const consumer = await queue.consumer('uplink')
    const items = await takeNow(consumer, runtime)
    expect(await files.list('queue')).toContain('reserve')
    files.diskBytesMax = files.bytes
    files.failNext('write', 'ENOSPC', { path: 'queue/state' })
    files.failNext('write', 'ENOSPC', { path: 'queue/state' })
    await consumer.acknowledge(items.slice(0, 1))
    expect(await files.list('queue')).not.toContain('reserve')
    files.diskBytesMax = Number.POSITIVE_INFINITY
    for (let index = 0; index < 20; index += 1) await queue.put([item('x'.repeat(1000))])
    await drain(consumer, runtime)
    await runtime.advance(0)
    expect(await files.list('queue')).toContain('reserve')
  })

  test('hands out without counting durably, and says so, when not even the reserve helps', async () => {
    const { queue, runtime, files } = await openBench({ reserveBytes: 0 })
    await queue.put([item('a')])
    const consumer = await queue.consumer('uplink')
    files.failNext('write', 'ENOSPC', { path: 'queue/state', times: 10 })
    const items = await takeNow(consumer, runtime)
    expect(texts(items)).toEqual(['a'])
    expect(queue.status().alarms).toMatchObject([{ kind: 'deliveries-not-recorded' }])
    await expect(consumer.acknowledge(items)).rejects.toMatchObject({ code: 'DISK_FULL' })
    let outcome: Settled | undefined
    for (let tries = 0; tries < 10 && outcome === undefined; tries += 1)
      outcome = await consumer.acknowledge(items).catch(() => undefined)
    expect(outcome).toEqual({ count: 1, lost: [] })
    const again = await openBench({}, files.crash())
    expect(await drain(await again.queue.consumer('uplink'), again.runtime)).toEqual([])
  })

  test('one lane that cannot be read keeps nobody from the others', async () => {
    const { queue, runtime, files } = await openBench({ lanes: ['alarm', 'normal'] })
    await queue.put([item('n'), item('a', { lane: 'alarm' })])
    await queue.close()
    const again = await openBench({ lanes: ['alarm', 'normal'] }, files, runtime)
    const consumer = await again.queue.consumer('uplink')
    files.failNext('open', 'EIO', { path: 'queue/lanes/alarm', times: 2 })
    const items = await takeNow(consumer, runtime)
    expect(texts(items)).toEqual(['n'])
    await expect(takeNow(consumer, runtime)).rejects.toMatchObject({
      code: 'LOG_READ_FAILED',
      retryable: true,
    })
    expect(texts(await takeNow(consumer, runtime))).toEqual(['a'])
  })
})
