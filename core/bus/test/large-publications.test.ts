import { type Bus, type LogBusLimits, type NewMessage, openLogBus } from '@millrace/bus'
import { isMillraceError, manualRuntime } from '@millrace/kernel'
import { memoryFiles } from '@millrace/memory'
import { describe, expect, test } from 'vitest'

const encoder = new TextEncoder()
const decoder = new TextDecoder()
/** Five of these fill a segment of {@link LIMITS}. */
const message = (text: string, rest: Partial<NewMessage> = {}): NewMessage => ({
  key: 'k',
  headers: {},
  value: encoder.encode(text.padEnd(1_400)),
  idempotencyKey: text,
  ...rest,
})
const LIMITS: Partial<LogBusLimits> = {
  segmentBytesMax: 8 * 1024,
  messageBytesMax: 2_000,
  allocateAheadBytesMax: 0,
}
const runtime = manualRuntime()
const named = (name: string, count: number, rest: Partial<NewMessage> = {}) =>
  Array.from({ length: count }, (_, index) => message(`${name}${index}`, rest))
const texts = (messages: readonly { readonly value: Uint8Array }[]) =>
  messages.map(({ value }) => decoder.decode(value).trim())
const stored = async (bus: Bus) => texts(await bus.read({ topic: 't', partition: 0, offset: 0 }))

const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => (isMillraceError(error) ? error : undefined),
  )
const codeOf = async (promise: Promise<unknown>) => (await errorOf(promise))?.code

describe('a publication of more than one append takes', () => {
  test('is written in order, and calls that come meanwhile come behind it in theirs', async () => {
    await using bus = await openLogBus({ files: memoryFiles(), runtime, limits: LIMITS })
    await bus.createTopic('t')
    const calls = [named('a', 12), named('b', 1), named('c', 7), named('d', 1)]
    const places = await Promise.all(calls.map((messages) => bus.publish('t', messages)))
    expect(places.flat().map(({ offset }) => offset)).toEqual(Array.from({ length: 21 }, (_, index) => index))
    expect(await stored(bus)).toEqual(texts(calls.flat()))
    const [place] = await bus.publish('t', named('e', 1))
    expect(place?.offset).toBe(21)
  })

  test('leaves a prefix when a part fails, and a repetition with the same keys completes it in order', async () => {
    const files = memoryFiles()
    await using bus = await openLogBus({ files, runtime, limits: LIMITS })
    await bus.createTopic('t')
    const large = named('a', 12)
    files.failNext('write', 'ENOSPC', { path: 'topics/t/0', times: 1, after: 3 })
    expect(await codeOf(bus.publish('t', large))).toBe('DISK_FULL')
    const prefix = await stored(bus)
    expect(prefix.length).toBeGreaterThan(0)
    expect(prefix).toEqual(texts(large).slice(0, prefix.length))
    const places = await bus.publish('t', large)
    expect(places.filter(({ duplicate }) => duplicate)).toHaveLength(prefix.length)
    expect(await stored(bus)).toEqual(texts(large))
  })

  test('is finished before the bus closes', async () => {
    const files = memoryFiles()
    const bus = await openLogBus({ files, runtime, limits: LIMITS })
    await bus.createTopic('t')
    const published = [bus.publish('t', named('a', 12)), bus.publish('t', named('b', 1))]
    await bus.close()
    expect((await Promise.all(published)).flat()).toHaveLength(13)
  })

  test('reaches its topic in order when its messages were delayed until the same time', async () => {
    await using bus = await openLogBus({ files: memoryFiles(), runtime, limits: LIMITS })
    await bus.createTopic('t')
    const delayed = named('a', 12, { deliverAtMs: runtime.clock.now() + 1_000 })
    await bus.publish('t', delayed)
    await runtime.advance(1_000)
    expect(await stored(bus)).toEqual(texts(delayed))
  })

  test('is WRITER_APPEND_TOO_LARGE from an exclusive writer, because it must be all or none', async () => {
    await using bus = await openLogBus({ files: memoryFiles(), runtime, limits: LIMITS })
    await bus.createTopic('t', { exclusive: true })
    const writer = await bus.openWriter('t')
    const error = await errorOf(writer.append(named('a', 12)))
    expect([error?.code, error?.retryable]).toEqual(['WRITER_APPEND_TOO_LARGE', false])
    expect(writer.endOffset).toBe(0)
    await writer.append(named('a', 4))
    expect(writer.endOffset).toBe(4)
  })
})

describe('the size of a segment', () => {
  test('must have room for a message: CONFIGURATION_INVALID names both limits otherwise', async () => {
    const open = (limits: Partial<LogBusLimits>) => openLogBus({ files: memoryFiles(), runtime, limits })
    const error = await errorOf(open({ segmentBytesMax: 512 * 1024 }))
    expect(error?.code).toBe('CONFIGURATION_INVALID')
    expect(error?.message).toContain('limits.segmentBytesMax')
    expect(error?.message).toContain('limits.messageBytesMax')
    expect(await codeOf(open({ messageBytesMax: 64 * 1024 * 1024 }))).toBe('CONFIGURATION_INVALID')
    expect(await codeOf(open({ messageBytesMax: Number.NaN }))).toBe('CONFIGURATION_INVALID')
    await (await open({ segmentBytesMax: 512 * 1024, messageBytesMax: 500 * 1024 })).close()
  })

  test('a message that is larger by what the bus does not count is MESSAGE_TOO_LARGE, and nothing is written', async () => {
    await using bus = await openLogBus({ files: memoryFiles(), runtime, limits: LIMITS })
    await bus.createTopic('t')
    const swollen = message('x', { headers: { mr_cause: 'y'.repeat(7_500) } })
    expect(await codeOf(bus.publish('t', [message('a'), swollen]))).toBe('MESSAGE_TOO_LARGE')
    expect(await stored(bus)).toEqual([])
  })

  test('the largest message that its limit allows is written, however large that is', async () => {
    const limits = { messageBytesMax: 17 * 1024 * 1024 }
    await using bus = await openLogBus({ files: memoryFiles(), runtime, limits })
    await bus.createTopic('t')
    await bus.publish('t', [{ headers: {}, value: new Uint8Array(limits.messageBytesMax) }])
    expect(await bus.read({ topic: 't', partition: 0, offset: 0 })).toHaveLength(1)
  })
})
