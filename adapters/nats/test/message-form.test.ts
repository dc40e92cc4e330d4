import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeFrame, encodeFrame, epochOf, frameHeaders } from '../src/frame.ts'
import { fromWire, messageId, toWire } from '../src/message-form.ts'
import { NatsNames } from '../src/nats-names.ts'

const place = { topic: 't', partition: 0, offset: 7, timestampMs: 1_000 }
const text = fc.string({ unit: 'binary' })
const name = fc.oneof(
  fc.stringMatching(/^[!-9;-~]{1,12}$/),
  fc.constantFrom(
    'Nats-Msg-Id',
    'nats-expected-stream',
    'mr-key',
    'Mr-Key',
    'mr-text-x',
    'mr-name-x',
    'mr_only-group',
  ),
)
const message = fc.record({
  key: fc.option(text, { nil: undefined }),
  headers: fc
    .dictionary(name, text, { noNullPrototype: true })
    .filter((headers) => !Object.hasOwn(headers, '__proto__')),
  value: fc.uint8Array(),
})

test('whatever a message says comes back, and none of it is taken for a word to the server', () => {
  fc.assert(
    fc.property(message, ({ key, headers, value }) => {
      const wire = toWire({ headers, value, ...(key === undefined ? {} : { key }) }, messageId('auto', 'x'))
      expect(wire.headers.get('Nats-Msg-Id')).toBe('a x')
      const reserved = wire.headers.keys().filter((each) => /^nats-/i.test(each))
      expect(reserved).toEqual(['Nats-Msg-Id'])
      expect(fromWire(place, wire.headers, wire.payload)).toEqual({ ...place, key, headers, value })
    }),
  )
})

test('a message is counted as large as it is on the way', () => {
  fc.assert(
    fc.property(message, ({ headers, value }) => {
      const { headers: wire, payload, bytes } = toWire({ headers, value }, 'id')
      const encoded = (wire as unknown as { encode(): Uint8Array }).encode()
      expect(bytes).toBe(encoded.length + payload.length)
    }),
  )
})

test('different keys are different ids, and none is one that a process makes up', () => {
  const keys = ['x', 'a x', 'k x', 'ü', ' x', 'eA', 'x ']
  const ids = [...keys.map((key) => messageId('key', key)), ...keys.map((key) => messageId('auto', key))]
  expect(new Set(ids).size).toBe(ids.length)
})

test('a frame holds messages as they were, with their offsets and keys', () => {
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 5 }), (messages) => {
      const framed = messages.map(({ key, ...rest }, index) => ({
        ...rest,
        ...(key === undefined ? {} : { key }),
        ...(index % 2 === 0 ? { idempotencyKey: `id ${index}` } : {}),
      }))
      const wire = frameHeaders(framed.length, 'id', 3)
      const decoded = decodeFrame(place, wire, encodeFrame(framed))
      expect(decoded.map(({ message: each }) => each.offset)).toEqual(framed.map((_, index) => 7 + index))
      expect(decoded.map(({ message: each }) => [each.key, each.headers, [...each.value]])).toEqual(
        messages.map((each) => [each.key, each.headers, [...each.value]]),
      )
      expect(decoded.map(({ idempotencyKey }) => idempotencyKey)).toEqual(
        framed.map((_, index) => (index % 2 === 0 ? `id ${index}` : undefined)),
      )
    }),
  )
})

test('an opening record has no messages, and its sequence is the epoch; a damaged frame is one message that says so', () => {
  const opening = frameHeaders(0, 'id')
  expect(decodeFrame(place, opening, new Uint8Array(0))).toEqual([])
  expect(epochOf(opening, 12)).toBe(12)
  expect(epochOf(frameHeaders(1, 'id', 12), 99)).toBe(12)
  const damaged = encodeFrame([{ headers: {}, value: new Uint8Array(10) }]).subarray(0, 9)
  const [only, ...others] = decodeFrame(place, frameHeaders(1, 'id', 1), damaged)
  expect(others).toEqual([])
  expect(only?.message).toMatchObject({ offset: 7, headers: { mr_undecodable: 'frame' } })
})

test('names of topics and groups survive the way to the server and back', () => {
  const names = new NatsNames('millrace')
  for (const topic of ['t', 'a.b', 'a..b', 'readings.dead-letters', 'A_b-c.']) {
    expect(names.topicOf(names.stream(topic))).toBe(topic)
    expect(names.subject(topic, 3).split('.')).toHaveLength(3)
    for (const group of ['g', 'größe *>.', '😀 x']) {
      expect(names.positionOf(names.positionKey(group, topic, 3))).toEqual({ group, topic, partition: 3 })
      expect(names.groupOfKey(names.groupKey(group))).toBe(group)
    }
  }
  expect(names.topicOf('somebody-else')).toBeUndefined()
  expect(new NatsNames('mill').topicOf('millrace-t')).toBeUndefined()
})
