import { type Bus, type NewMessage, openLogBus } from '@millrace/bus'
import { isMillraceError, type ManualRuntime, manualRuntime } from '@millrace/kernel'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import { describe, expect, test } from 'vitest'

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const message = (text: string, rest: Partial<NewMessage> = {}): NewMessage => ({
  key: 'k',
  headers: {},
  value: encoder.encode(text),
  ...rest,
})
const keyed = (text: string) => message(text, { idempotencyKey: text })
const open = (files: MemoryFiles, runtime: ManualRuntime) => openLogBus({ files, runtime })
const infoOf = async (bus: Bus) => (await bus.listTopics())[0]?.partitions[0]
const stored = async (bus: Bus) =>
  (await bus.read({ topic: 't', partition: 0, offset: 0 })).map(({ value }) => decoder.decode(value))
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: unknown) => (isMillraceError(error) ? error.code : String(error)),
  )

/** A disk with a topic "t" that holds "a", and time that stands still. */
async function prepared() {
  const runtime = manualRuntime()
  const files = memoryFiles()
  const bus = await open(files, runtime)
  await bus.createTopic('t')
  await bus.publish('t', [keyed('a')])
  await bus.close()
  return { runtime, files }
}

/** The same, with a bus whose next write to the partition fails for good. */
async function failing() {
  const { runtime, files } = await prepared()
  const bus = await open(files, runtime)
  await bus.publish('t', [keyed('b')])
  const failWrites = (times: number) => files.failNext('sync', 'EIO', { path: 'topics/t/0', times })
  return { runtime, files, bus, failWrites }
}

describe('a partition that could not be opened', () => {
  test('is opened a second later, knows what it holds, and wakes its readers', async () => {
    const { runtime, files } = await prepared()
    files.failNext('open', 'EIO', { path: 'topics/t/0' })
    await using bus = await open(files, runtime)
    expect(await codeOf(bus.publish('t', [keyed('b')]))).toBe('PARTITION_UNAVAILABLE')
    expect((await infoOf(bus))?.trouble).toContain('EIO')
    await using subscription = await bus.subscribe({ group: 'g', topics: ['t'] })
    expect(await codeOf(subscription.next())).toBe('PARTITION_UNAVAILABLE')
    const next = subscription.next()
    await runtime.advance(1_000)
    expect((await next).map(({ value }) => decoder.decode(value))).toEqual(['a'])
    const places = await bus.publish('t', [keyed('a'), keyed('b')])
    expect(places.map(({ offset, duplicate }) => [offset, duplicate])).toEqual([
      [0, true],
      [1, false],
    ])
    expect((await infoOf(bus))?.trouble).toBeUndefined()
  })

  test('is tried with pauses that double up to a minute', async () => {
    const { runtime, files } = await prepared()
    files.failNext('open', 'EIO', { path: 'topics/t/0', times: 1_000_000 })
    await using bus = await open(files, runtime)
    const triesIn = async (durationMs: number) => {
      const before = files.operations
      await runtime.advance(durationMs)
      return files.operations > before
    }
    for (const pauseMs of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      // The rounds of retention skip what is not open.
      expect([await triesIn(pauseMs - 1), await triesIn(1)]).toEqual([false, true])
    }
    expect(await codeOf(bus.read({ topic: 't', partition: 0, offset: 0 }))).toBe('PARTITION_UNAVAILABLE')
  })

  test('is opened later, whichever read fails: of its files, or of the keys of its messages', async () => {
    const { runtime, files } = await prepared()
    for (let after = 0, hasFailed = true; hasFailed; after += 1) {
      const disk = files.crash()
      disk.failNext('read', 'EIO', { path: 'topics/t/0', after })
      await using bus = await open(disk, runtime)
      hasFailed = (await infoOf(bus))?.trouble !== undefined
      if (hasFailed) await runtime.advance(1_000)
      expect(after === 0 ? hasFailed : true).toBe(true)
      expect((await bus.publish('t', [keyed('a')]))[0]?.duplicate).toBe(true)
    }
  })

  test('is not tried again when time will not mend it, and says why', async () => {
    const { runtime, files } = await prepared()
    await using format = await files.open('bus/topics/t/0/format.json', 'write')
    await format.truncate(0)
    await format.write([encoder.encode('{"version":99}')], 0)
    await using bus = await open(files, runtime)
    expect(await codeOf(bus.publish('t', [keyed('b')]))).toBe('PARTITION_UNAVAILABLE')
    expect((await infoOf(bus))?.trouble).toContain('newer')
    const before = files.operations
    await runtime.advance(59_000)
    expect(files.operations).toBe(before)
  })

  test('leaves no timer behind when the bus is closed, also while it is being opened', async () => {
    for (const passMs of [0, 1_000]) {
      const { runtime, files } = await prepared()
      files.failNext('open', 'EIO', { path: 'topics/t/0', times: passMs === 0 ? 1_000 : 1 })
      const bus = await open(files, runtime)
      if (passMs > 0) while (runtime.clock.monotonic() < passMs) runtime.runNext()
      await bus.close()
      await runtime.advance(0)
      expect(runtime.pendingTasks).toBe(0)
      files.crash()
      await (await open(files.crash(), runtime)).close()
    }
  })

  test('has no exclusive writer and no "end" to subscribe at, until its end is known', async () => {
    const runtime = manualRuntime()
    const files = memoryFiles()
    const first = await open(files, runtime)
    await first.createTopic('t', { exclusive: true })
    await (await first.openWriter('t')).append([message('a')])
    await first.close()
    files.failNext('open', 'EIO', { path: 'topics/t/0' })
    await using bus = await open(files, runtime)
    expect(await codeOf(bus.openWriter('t'))).toBe('PARTITION_UNAVAILABLE')
    const fromEnd = { group: 'g', topics: ['t'], from: 'end' } as const
    expect(await codeOf(bus.subscribe(fromEnd))).toBe('PARTITION_UNAVAILABLE')
    await runtime.advance(1_000)
    expect((await bus.openWriter('t')).endOffset).toBe(1)
    await bus.subscribe(fromEnd)
    expect((await bus.listGroups())[0]?.positions[0]?.offset).toBe(1)
  })
})

describe('a partition whose log fails while it is written', () => {
  test('is opened anew: what was acknowledged is there, and what was in doubt is recognised when it is repeated', async () => {
    const { runtime, bus, failWrites } = await failing()
    failWrites(2)
    expect(await codeOf(bus.publish('t', [keyed('c')]))).toBe('PARTITION_UNAVAILABLE')
    expect(await codeOf(bus.publish('t', [keyed('d')]))).toBe('PARTITION_UNAVAILABLE')
    expect((await infoOf(bus))?.endOffset).toBe(2)
    await runtime.advance(1_000)
    await bus.publish('t', [keyed('b'), keyed('c'), keyed('d')])
    expect(await stored(bus)).toEqual(['a', 'b', 'c', 'd'])
    expect(await infoOf(bus)).toMatchObject({ startOffset: 0, endOffset: 4 })
    expect((await infoOf(bus))?.trouble).toBeUndefined()
    await bus.close()
    expect(runtime.pendingTasks).toBe(0)
  })

  test('is read while its disk takes no writes, and its bounds never go back', async () => {
    const { runtime, bus, failWrites } = await failing()
    failWrites(1_000)
    expect(await codeOf(bus.publish('t', [keyed('c')]))).toBe('PARTITION_UNAVAILABLE')
    for (let second = 0; second < 100; second += 1) {
      await runtime.advance(1_000)
      expect(await stored(bus)).toEqual(['a', 'b'])
      expect(await infoOf(bus)).toMatchObject({ startOffset: 0, endOffset: 2 })
    }
    await bus.close()
    expect(runtime.pendingTasks).toBe(0)
  })

  test('keeps its end while it is closed and cannot be opened', async () => {
    const { runtime, files, bus, failWrites } = await failing()
    failWrites(2)
    await codeOf(bus.publish('t', [keyed('c')]))
    files.failNext('list', 'EIO', { path: 'topics/t/0', times: 3 })
    await runtime.advance(1_000)
    expect(await codeOf(bus.read({ topic: 't', partition: 0, offset: 0 }))).toBe('PARTITION_UNAVAILABLE')
    expect(await infoOf(bus)).toMatchObject({ startOffset: 0, endOffset: 2 })
    await runtime.advance(60_000)
    expect((await stored(bus)).slice(0, 2)).toEqual(['a', 'b'])
    await bus.close()
  })

  test('is refused when its files have been taken away, because its offsets would be given to others', async () => {
    const { runtime, files, bus, failWrites } = await failing()
    failWrites(2)
    await codeOf(bus.publish('t', [keyed('c')]))
    for (const name of await files.list('bus/topics/t/0')) await files.remove(`bus/topics/t/0/${name}`)
    await runtime.advance(10_000)
    expect(await codeOf(bus.publish('t', [keyed('d')]))).toBe('PARTITION_UNAVAILABLE')
    expect((await infoOf(bus))?.endOffset).toBe(2)
    await bus.close()
  })

  test('has the retention that was set while it was closed', async () => {
    const runtime = manualRuntime()
    const files = memoryFiles()
    const limits = { segmentBytesMax: 4 * 1024, messageBytesMax: 2_000 }
    await using bus = await openLogBus({ files, runtime, limits })
    await bus.createTopic('t')
    for (let count = 0; count < 5; count += 1) await bus.publish('t', [message('x'.repeat(1_500))])
    files.failNext('sync', 'EIO', { path: 'topics/t/0', times: 2 })
    await codeOf(bus.publish('t', [keyed('c')]))
    files.failNext('list', 'EIO', { path: 'topics/t/0' })
    await runtime.advance(1_000)
    await bus.createTopic('t', { retention: { bytesMax: 0 } })
    await runtime.advance(60_000)
    expect((await infoOf(bus))?.startOffset).toBeGreaterThan(0)
  })
})
