import { expect, test } from 'vitest'
import {
  type BusFactory,
  codeOf,
  publishTexts,
  readAll,
  textMessage,
  textsOf,
  useBus,
} from './bus-harness.ts'

export function busPublishTests(factory: BusFactory): void {
  const harness = useBus(factory)

  test('a message comes back as it was published: key, headers, value, and the time it was accepted', async () => {
    const { bus, nowMs } = harness()
    await bus.createTopic('t')
    const before = nowMs()
    const headers = { 'content-type': 'application/json', note: 'ü😀\uFEFF', empty: '' }
    const value = Uint8Array.from({ length: 300 }, (_, byte) => byte & 255)
    const [place] = await bus.publish('t', [{ key: 'kü', headers, value }])
    const [message] = await readAll(bus, 't')
    expect(message).toMatchObject({ topic: 't', partition: 0, offset: place?.offset, key: 'kü', headers })
    expect([...(message?.value ?? [])]).toEqual([...value])
    expect(message?.timestampMs).toBeGreaterThanOrEqual(before)
  })

  test('a message without key, headers and value comes back without them', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    await bus.publish('t', [{ headers: {}, value: new Uint8Array(0) }])
    const [message] = await readAll(bus, 't')
    expect(message).toMatchObject({ key: undefined, headers: {} })
    expect(message?.value).toHaveLength(0)
  })

  test('an empty key is a key', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    await bus.publish('t', [textMessage('a', { key: '' })])
    expect((await readAll(bus, 't'))[0]?.key).toBe('')
  })

  test('texts that start with a mark of byte order keep it', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    const [key, h] = ['\uFEFFkey', '\uFEFFtext']
    await bus.publish('t', [textMessage('a', { key, headers: { h }, idempotencyKey: '\uFEFFid' })])
    expect((await readAll(bus, 't'))[0]).toMatchObject({ key, headers: { h } })
  })

  test('what the publisher does to its buffer after the call does not reach the message', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    const message = textMessage('before')
    await bus.publish('t', [message])
    message.value.fill(0)
    expect(textsOf(await readAll(bus, 't'))).toEqual(['before'])
  })

  test('places are answered in the order of the messages, and each names its message', async () => {
    const { bus } = harness()
    await bus.createTopic('t', { partitions: 4 })
    const texts = Array.from({ length: 40 }, (_, index) => `m${index}`)
    const places = await bus.publish(
      't',
      texts.map((text, index) => textMessage(text, { key: `k${index % 7}` })),
    )
    for (const [index, place] of places.entries()) {
      expect(place).toMatchObject({ topic: 't', duplicate: false, delayed: false })
      const [message] = await bus.read(place, { countMax: 1 })
      expect(textsOf(message === undefined ? [] : [message])).toEqual([texts[index]])
    }
  })

  test('messages of one key share a partition and keep their order over calls that nobody waited for', async () => {
    const { bus } = harness()
    await bus.createTopic('t', { partitions: 4 })
    const keys = ['a', 'b', 'c', 'd', 'e']
    const calls = Array.from({ length: 30 }, (_, call) =>
      bus.publish(
        't',
        keys.flatMap((key) => [0, 1].map((part) => textMessage(`${call}.${part}`, { key }))),
      ),
    )
    await Promise.all(calls)
    const expected = Array.from({ length: 30 }, (_, call) => [`${call}.0`, `${call}.1`]).flat()
    const partitions = await Promise.all([0, 1, 2, 3].map((partition) => readAll(bus, 't', partition)))
    for (const key of keys) {
      const holding = partitions.filter((messages) => messages.some((message) => message.key === key))
      expect(holding).toHaveLength(1)
      expect(textsOf((holding[0] ?? []).filter((message) => message.key === key))).toEqual(expected)
    }
  })

  test('offsets of a partition only grow, without holes where the bus says so', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    const places = [
      ...(await publishTexts(bus, 't', ['a', 'b', 'c'])),
      ...(await publishTexts(bus, 't', ['d', 'e'])),
    ]
    const offsets = places.map(({ offset }) => offset)
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b))
    expect(new Set(offsets).size).toBe(5)
    if (bus.supports.contiguousOffsets) expect((offsets[4] ?? 0) - (offsets[0] ?? 0)).toBe(4)
  })

  test('publishing nothing is no error', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    expect(await bus.publish('t', [])).toEqual([])
  })

  busReadTests(harness)
  busLargeCallTests(harness)
  busRefusalTests(harness)
}

function busReadTests(harness: ReturnType<typeof useBus>): void {
  test('a read starts at its offset, ends at its limits, and has at least one message', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    const [first] = await publishTexts(bus, 't', ['a', 'b', 'c', 'd'])
    const offset = first?.offset ?? 0
    expect(textsOf(await bus.read({ topic: 't', partition: 0, offset }, { countMax: 2 }))).toEqual(['a', 'b'])
    const second = (await bus.read({ topic: 't', partition: 0, offset }, { countMax: 2 }))[1]
    const from = { topic: 't', partition: 0, offset: second?.offset ?? 0 }
    expect(textsOf(await bus.read(from, { bytesMax: 1 }))).toEqual(['b'])
    expect(textsOf(await bus.read(from))).toEqual(['b', 'c', 'd'])
  })

  test('a read at the end is empty; one outside is OFFSET_OUT_OF_RANGE', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    await publishTexts(bus, 't', ['a'])
    const end = (await bus.listTopics())[0]?.partitions[0]?.endOffset ?? 0
    expect(await bus.read({ topic: 't', partition: 0, offset: end })).toEqual([])
    for (const offset of [end + 1, -1, 0.5, Number.NaN]) {
      expect(await codeOf(bus.read({ topic: 't', partition: 0, offset }))).toBe('OFFSET_OUT_OF_RANGE')
    }
  })

  test('unknown topics and partitions are named', async () => {
    const { bus } = harness()
    await bus.createTopic('t', { partitions: 2 })
    expect(await codeOf(bus.read({ topic: 'x', partition: 0, offset: 0 }))).toBe('TOPIC_UNKNOWN')
    expect(await codeOf(bus.read({ topic: 't', partition: 2, offset: 0 }))).toBe('PARTITION_UNKNOWN')
    expect(await codeOf(publishTexts(bus, 'x', ['a']))).toBe('TOPIC_UNKNOWN')
    expect(await codeOf(bus.subscribe({ group: 'g', topics: ['t', 'x'] }))).toBe('TOPIC_UNKNOWN')
  })
}

/** More than an engine writes at once: the embedded bus 16 MiB. */
const LARGE_CALL_BYTES = 17 * 1024 * 1024

function busLargeCallTests(harness: ReturnType<typeof useBus>): void {
  test('a call of more bytes than are written at once keeps its order, and later calls come behind it', async () => {
    const { bus, messageBytesMax } = harness()
    await bus.createTopic('t', { partitions: 2 })
    const bytes = Math.floor(messageBytesMax * 0.9)
    const large = Array.from({ length: Math.ceil(LARGE_CALL_BYTES / bytes) }, (_, index) => {
      const value = new Uint8Array(bytes)
      value[0] = index % 256
      return { key: 'k', headers: {}, value, idempotencyKey: `${index}` }
    })
    const [places, later] = await Promise.all([
      bus.publish('t', large),
      bus.publish('t', [textMessage('later', { key: 'k' })]),
    ])
    const partition = later[0]?.partition ?? -1
    const values = (await readAll(bus, 't', partition)).map(({ value }) => value[0])
    expect(values).toEqual([...large, textMessage('later')].map(({ value }) => value[0]))
    expect(places.map(({ offset }) => offset)).toEqual(
      [...places].map(({ offset }) => offset).sort((a, b) => a - b),
    )
    if (!bus.supports.idempotency) return
    expect(await bus.publish('t', large)).toEqual(places.map((place) => ({ ...place, duplicate: true })))
  })
}

function busRefusalTests(harness: ReturnType<typeof useBus>): void {
  test('one message that is too large refuses its whole call, and the next call goes through', async () => {
    const { bus, messageBytesMax } = harness()
    await bus.createTopic('t')
    const tooLarge = { headers: { h: 'x' }, value: new Uint8Array(messageBytesMax - 1) }
    expect(await codeOf(bus.publish('t', [textMessage('a'), tooLarge]))).toBe('MESSAGE_TOO_LARGE')
    await bus.publish('t', [{ headers: { h: 'x' }, value: new Uint8Array(messageBytesMax - 2) }])
    expect(await readAll(bus, 't')).toHaveLength(1)
  })

  test('an idempotency key of 0 or 201 characters is MESSAGE_INVALID', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    for (const idempotencyKey of ['', 'x'.repeat(201)]) {
      expect(await codeOf(bus.publish('t', [textMessage('a', { idempotencyKey })]))).toBe('MESSAGE_INVALID')
    }
  })

  test.each(['', 'with space', 'a:b', 'größe', 'a\nb', '__proto__'])(
    'the header name "%s" is MESSAGE_INVALID',
    async (name) => {
      const { bus } = harness()
      await bus.createTopic('t')
      const headers = Object.fromEntries([[name, 'x']])
      expect(await codeOf(bus.publish('t', [textMessage('a', { headers })]))).toBe('MESSAGE_INVALID')
    },
  )

  test('a publication whose signal has aborted is not made', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    const aborted = AbortSignal.abort()
    await expect(bus.publish('t', [textMessage('a')], { signal: aborted })).rejects.toMatchObject({
      name: 'AbortError',
    })
    expect(await readAll(bus, 't')).toEqual([])
  })

  test('aborting gives up the wait for a publication, and only the wait', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    const controller = new AbortController()
    const given = bus.publish('t', [textMessage('a')], { signal: controller.signal })
    controller.abort()
    await expect(given).rejects.toMatchObject({ name: 'AbortError' })
    await publishTexts(bus, 't', ['b'])
    expect(textsOf(await readAll(bus, 't'))).toEqual(['a', 'b'])
  })
}
