import { type Bus, type LogBusLimits, type NewMessage, openLogBus } from '@millrace/bus'
import { isMillraceError, manualRuntime } from '@millrace/kernel'
import { openLog } from '@millrace/log'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import { describe, expect, test } from 'vitest'

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const message = (text: string, rest: Partial<NewMessage> = {}): NewMessage => ({
  headers: {},
  value: encoder.encode(text),
  ...rest,
})
const runtime = manualRuntime()
const openOn = (files: MemoryFiles, limits: Partial<LogBusLimits> = {}) =>
  openLogBus({ files, runtime, limits })

async function texts(bus: Bus, topic: string): Promise<string[]> {
  const { startOffset = 0 } = (await bus.listTopics()).find(({ name }) => name === topic)?.partitions[0] ?? {}
  const messages = await bus.read({ topic, partition: 0, offset: startOffset })
  return messages.map(({ value }) => decoder.decode(value))
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: unknown) => (isMillraceError(error) ? error.code : String(error)),
  )

describe('a partition that fails', () => {
  test('stops nobody else when its log cannot be opened, and says what is wrong', async () => {
    const files = memoryFiles()
    const first = await openOn(files)
    for (const topic of ['bad', 'good']) {
      await first.createTopic(topic)
      await first.publish(topic, [message(topic)])
    }
    await first.close()
    files.failNext('open', 'EIO', { path: 'topics/bad/0', times: 1_000 })
    await using bus = await openOn(files)
    expect(await codeOf(bus.publish('bad', [message('b')]))).toBe('PARTITION_UNAVAILABLE')
    expect(await codeOf(bus.read({ topic: 'bad', partition: 0, offset: 0 }))).toBe('PARTITION_UNAVAILABLE')
    await bus.publish('good', [message('b')])
    expect(await texts(bus, 'good')).toEqual(['good', 'b'])
    const [bad, good] = await bus.listTopics()
    expect(bad?.partitions[0]?.trouble).toContain('EIO')
    expect(good?.partitions[0]?.trouble).toBeUndefined()
  })

  test('stops nobody else when its disk fails while it writes', async () => {
    const files = memoryFiles()
    await using bus = await openOn(files)
    for (const topic of ['bad', 'good']) await bus.createTopic(topic)
    files.failNext('sync', 'EIO', { path: 'topics/bad/0', times: 1_000 })
    files.failNext('write', 'EIO', { path: 'topics/bad/0', times: 1_000 })
    const [bad, good] = await Promise.all([
      codeOf(bus.publish('bad', [message('a')])),
      codeOf(bus.publish('good', [message('a')])),
    ])
    expect([bad, good]).toEqual(['PARTITION_UNAVAILABLE', 'no error'])
    expect((await bus.listTopics())[0]?.partitions[0]?.trouble).toBeDefined()
  })

  test('does not keep the other partitions of a subscription waiting; its failure is told once in a while', async () => {
    const files = memoryFiles()
    const first = await openOn(files)
    for (const topic of ['bad', 'good']) await first.createTopic(topic)
    await first.publish('bad', [message('x')])
    await first.close()
    files.failNext('open', 'EIO', { path: 'topics/bad/0', times: 1_000 })
    await using bus = await openOn(files)
    await using subscription = await bus.subscribe({ group: 'g', topics: ['bad', 'good'] })
    expect(await codeOf(subscription.next())).toBe('PARTITION_UNAVAILABLE')
    const waiting = subscription.next()
    await bus.publish('good', [message('a')])
    expect((await waiting).map(({ value }) => decoder.decode(value))).toEqual(['a'])
    const again = codeOf(subscription.next())
    await runtime.advance(1_000)
    expect(await again).toBe('PARTITION_UNAVAILABLE')
  })

  test('refuses with DISK_FULL while the disk is full, and goes on when there is space', async () => {
    const files = memoryFiles()
    await using bus = await openOn(files)
    await bus.createTopic('t')
    await bus.publish('t', [message('a')])
    const diskBytesMax = files.diskBytesMax
    files.diskBytesMax = files.bytes
    expect(await codeOf(bus.publish('t', [message('b'.repeat(500_000))]))).toBe('DISK_FULL')
    files.diskBytesMax = diskBytesMax
    await bus.publish('t', [message('c')])
    expect(await texts(bus, 't')).toEqual(['a', 'c'])
  })

  test('rejects a repetition that waited for the failed first one, and takes the next try', async () => {
    const files = memoryFiles()
    await using bus = await openOn(files)
    await bus.createTopic('t')
    const diskBytesMax = files.diskBytesMax
    files.diskBytesMax = files.bytes
    const large = message('b'.repeat(500_000), { idempotencyKey: 'id-1' })
    const codes = await Promise.all([codeOf(bus.publish('t', [large])), codeOf(bus.publish('t', [large]))])
    expect(codes).toEqual(['DISK_FULL', 'DISK_FULL'])
    files.diskBytesMax = diskBytesMax
    expect((await bus.publish('t', [large]))[0]?.duplicate).toBe(false)
  })
})

describe('a topic that could not be created', () => {
  test('can be created when the disk is well again', async () => {
    const files = memoryFiles()
    await using bus = await openOn(files)
    files.failNext('open', 'EIO', { path: 'topics/t/1', times: 1 })
    expect(await codeOf(bus.createTopic('t', { partitions: 3 }))).toBe('PARTITION_UNAVAILABLE')
    expect(await bus.listTopics()).toEqual([])
    await bus.createTopic('t', { partitions: 3 })
    await bus.publish('t', [message('a')])
  })
})

describe('the directory of a bus', () => {
  test('belongs to one bus at a time', async () => {
    const files = memoryFiles()
    await using bus = await openOn(files)
    expect(await codeOf(openOn(files))).toBe('DIRECTORY_LOCKED')
    await bus.close()
    await (await openOn(files)).close()
  })

  test('a record that a newer version wrote is handed on as undecodable and does not block what is behind it', async () => {
    const files = memoryFiles()
    const first = await openOn(files)
    await first.createTopic('t')
    await first.close()
    const log = await openLog({ files, runtime, directory: 'bus/topics/t/0' })
    await log.append([{ value: Uint8Array.of(9, 1, 2) }, { value: Uint8Array.of(1, 0xff, 0xff) }])
    await log.close()
    await using bus = await openOn(files)
    await bus.publish('t', [message('a')])
    const messages = await bus.read({ topic: 't', partition: 0, offset: 0 })
    expect(messages.map(({ headers }) => Object.keys(headers))).toEqual([
      ['mr_undecodable'],
      ['mr_undecodable'],
      [],
    ])
    expect([...(messages[0]?.value ?? [])]).toEqual([9, 1, 2])
  })
})

describe('limits of the bus on logs', () => {
  test('retention removes old segments in its rounds, at once after a change, and a late group goes on at the start', async () => {
    const files = memoryFiles()
    await using bus = await openOn(files, { segmentBytesMax: 4 * 1024, messageBytesMax: 2_000 })
    await bus.createTopic('t')
    for (let round = 0; round < 40; round += 1) await bus.publish('t', [message('x'.repeat(1_000))])
    await using late = await bus.subscribe({ group: 'g', topics: ['t'] })
    await runtime.advance(60_000)
    expect((await bus.listTopics())[0]?.partitions[0]?.startOffset).toBe(0)
    await bus.createTopic('t', { retention: { bytesMax: 10_000 } })
    await runtime.advance(60_000)
    const { startOffset = 0, bytes = 0 } = (await bus.listTopics())[0]?.partitions[0] ?? {}
    expect(startOffset).toBeGreaterThan(20)
    expect(bytes).toBeLessThan(15_000)
    await late.commit([{ topic: 't', partition: 0, offset: 3 }])
    await late.seek([{ topic: 't', partition: 0, offset: 2 }])
    expect((await late.next({ countMax: 1 }))[0]?.offset).toBe(startOffset)
    expect(await codeOf(bus.read({ topic: 't', partition: 0, offset: 0 }))).toBe('OFFSET_OUT_OF_RANGE')
  })

  test('the oldest idempotency key makes room, in memory and after a start', async () => {
    const files = memoryFiles()
    const limits = { idempotencyKeysMax: 3 }
    let bus = await openOn(files, limits)
    await bus.createTopic('t')
    const keyed = (idempotencyKey: string) => message(idempotencyKey, { idempotencyKey })
    await bus.publish('t', ['1', '2', '3', '4'].map(keyed))
    for (let start = 0; start < 2; start += 1) {
      expect((await bus.publish('t', ['2', '3', '4'].map(keyed))).map(({ duplicate }) => duplicate)).toEqual([
        true,
        true,
        true,
      ])
      await bus.close()
      bus = await openOn(files, limits)
    }
    expect((await bus.publish('t', [keyed('1')]))[0]?.duplicate).toBe(false)
    await bus.close()
  })

  test('after a start the newest keys of all partitions together are known, however they are spread', async () => {
    const files = memoryFiles()
    const limits = { idempotencyKeysMax: 3_000 }
    let bus = await openOn(files, limits)
    const { partitions } = await bus.createTopic('t', { partitions: 3 })
    const keyed = (key: string, from: number, count: number) =>
      Array.from({ length: count }, (_, index) =>
        message('', { key, idempotencyKey: `${key} ${from + index}` }),
      )
    await bus.publish('t', keyed('old', 0, 12_000))
    await runtime.advance(1_000)
    await bus.publish('t', keyed('earlier', 0, 2_500))
    await runtime.advance(1_000)
    await bus.publish('t', keyed('last', 0, 100))
    await bus.close()
    bus = await openOn(files, limits)
    const newest = [...keyed('old', 11_600, 400), ...keyed('earlier', 0, 2_500), ...keyed('last', 0, 100)]
    const places = await bus.publish('t', newest)
    expect(new Set(places.map(({ partition }) => partition)).size).toBe(partitions.length)
    expect(places.filter(({ duplicate }) => !duplicate)).toEqual([])
    await bus.close()
  })

  test('more delayed messages than the limit are refused', async () => {
    await using bus = await openOn(memoryFiles(), { delayedMessagesMax: 2 })
    await bus.createTopic('t')
    const later = message('later', { deliverAtMs: runtime.clock.now() + 1_000 })
    await bus.publish('t', [later, later])
    expect(await codeOf(bus.publish('t', [later]))).toBe('BUS_LIMIT_REACHED')
    await runtime.advance(1_000)
    await bus.publish('t', [message('room again', { deliverAtMs: runtime.clock.now() + 1_000 })])
    expect(await texts(bus, 't')).toEqual(['later', 'later'])
  })

  test('a publication of many messages to one partition is one append', async () => {
    const files = memoryFiles()
    await using bus = await openOn(files)
    await bus.createTopic('t')
    await bus.publish('t', [message('warm up')])
    const before = files.operations
    await bus.publish('t', [message('one')])
    const one = files.operations - before
    await bus.publish(
      't',
      Array.from({ length: 1_000 }, (_, index) => message(`m${index}`)),
    )
    expect(files.operations - before - one).toBeLessThanOrEqual(one)
  })
})

describe('a delayed message', () => {
  test('comes once although the machine stops after it came and before that was noted', async () => {
    const files = memoryFiles()
    const first = await openOn(files)
    await first.createTopic('t')
    const deliverAtMs = runtime.clock.now() + 1_000
    await first.publish('t', [
      message('plain', { deliverAtMs }),
      message('keyed', { deliverAtMs, idempotencyKey: 'id' }),
    ])
    files.failNext('write', 'EIO', { path: 'state/delayed', times: 1_000 })
    await runtime.advance(1_000)
    expect(await texts(first, 't')).toEqual(['plain', 'keyed'])
    const left = files.crash()
    await using bus = await openOn(left)
    await runtime.advance(5_000)
    expect(await texts(bus, 't')).toEqual(['plain', 'keyed'])
  })

  test('waits for a topic that cannot take it, while the other topics get theirs', async () => {
    const files = memoryFiles()
    await using bus = await openOn(files)
    for (const topic of ['full', 'good']) await bus.createTopic(topic)
    const deliverAtMs = runtime.clock.now() + 1_000
    for (const topic of ['full', 'good']) await bus.publish(topic, [message('later', { deliverAtMs })])
    files.failNext('write', 'ENOSPC', { path: 'topics/full', times: 1 })
    await runtime.advance(1_000)
    expect([await texts(bus, 'full'), await texts(bus, 'good')]).toEqual([[], ['later']])
    await runtime.advance(1_000)
    expect([await texts(bus, 'full'), await texts(bus, 'good')]).toEqual([['later'], ['later']])
  })

  test('comes when the wall clock is set forward, within a minute', async () => {
    await using bus = await openOn(memoryFiles())
    await bus.createTopic('t')
    await bus.publish('t', [message('later', { deliverAtMs: runtime.clock.now() + 24 * 3_600_000 })])
    runtime.jumpWallClock(24 * 3_600_000)
    await runtime.advance(60_000)
    expect(await texts(bus, 't')).toEqual(['later'])
  })
})
