import { CloudEvent, HTTP, Kafka, type Message as PeerMessage } from 'cloudevents'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBinary, decodeJson, type Event, encodeBinary, encodeJson } from '../src/index.ts'

// Without "Z" as year 10000 and without control characters; the peer passes texts through unchanged.
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }).filter(isPlain)
const ascii = fc.string({ unit: fc.constantFrom(...'abcXYZ019-_./:'), minLength: 1, maxLength: 30 })
const time = fc
  .date({ min: new Date('1970-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
  .map((date) => date.toISOString())
const extensionName = fc
  .string({ unit: fc.constantFrom(...'abcxyz019'), minLength: 3, maxLength: 20 })
  .filter((name) => /[a-z]/.test(name))
const jsonObject = fc
  .dictionary(fc.string(), fc.jsonValue())
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown)

function isPlain(value: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: events may not have control characters
  return value.isWellFormed() && !/[\u0000-\u001f\u007f-\u009f]/.test(value)
}

function eventOf(attribute: fc.Arbitrary<string>, data: fc.Arbitrary<unknown>): fc.Arbitrary<Event> {
  return fc.record(
    {
      id: attribute,
      type: attribute,
      source: ascii.map((path) => `/devices/${path.replaceAll(/[:/]/g, '')}`),
      time,
      subject: attribute,
      extensions: fc.dictionary(extensionName, attribute, { minKeys: 1, maxKeys: 3, noNullPrototype: true }),
      data,
    },
    { requiredKeys: ['id', 'type', 'source', 'time', 'data'] },
  )
}

/** What the peer's event says, in our shape. */
function fromPeer({ specversion, ...event }: Record<string, unknown>): Record<string, unknown> {
  expect(specversion).toBe('1.0')
  return Object.fromEntries(Object.entries(event).filter(([, value]) => value !== undefined))
}

function flat({ extensions, ...event }: Event): Record<string, unknown> {
  return { ...extensions, ...event }
}

describe('the structured JSON encoding, with the cloudevents package as the peer', () => {
  test('is read by the peer as the same event', () => {
    fc.assert(
      fc.property(eventOf(text, jsonObject), (event) => {
        const headers = { 'content-type': 'application/cloudevents+json' }
        const peer = HTTP.toEvent({ headers, body: encodeJson(event) }) as CloudEvent<unknown>
        expect(fromPeer(JSON.parse(JSON.stringify(peer)))).toEqual(flat(event))
      }),
    )
  })

  test('reads what the peer writes as the same event', () => {
    fc.assert(
      fc.property(eventOf(text, jsonObject), (event) => {
        const peer = new CloudEvent(flat(event) as never)
        expect(flat(decodeJson(HTTP.structured(peer).body as string))).toEqual(flat(event))
      }),
    )
  })

  test('carries bytes in both directions', () => {
    fc.assert(
      fc.property(eventOf(text, fc.uint8Array({ minLength: 1 })), (event) => {
        const peer = new CloudEvent({ ...flat(event), datacontenttype: 'application/octet-stream' } as never)
        const ours = decodeJson(HTTP.structured(peer).body as string)
        expect(ours.data).toEqual(event.data)
        const headers = { 'content-type': 'application/cloudevents+json' }
        const theirs = HTTP.toEvent({ headers, body: encodeJson(ours) }) as CloudEvent<Uint8Array>
        expect(new Uint8Array(theirs.data ?? [])).toEqual(event.data)
      }),
    )
  })
})

describe('the binary encoding, with the cloudevents package as the peer', () => {
  test('for Kafka is read by the peer as the same event', () => {
    fc.assert(
      fc.property(eventOf(text, jsonObject), (event) => {
        const { headers, body } = encodeBinary(event, 'ce_')
        const value = new TextDecoder().decode(body)
        const peer = Kafka.toEvent({
          headers,
          value,
          body: value,
          key: '',
        } as PeerMessage) as CloudEvent<string>
        const { data, datacontenttype, partitionkey: _, ...attributes } = fromPeer({ ...peer })
        const { data: _data, ...wanted } = flat(event)
        expect(attributes).toEqual(wanted)
        expect(datacontenttype).toBe('application/json')
        expect(typeof data === 'string' ? JSON.parse(data) : data).toEqual(event.data)
      }),
    )
  })

  test('for Kafka reads what the peer writes as the same event', () => {
    fc.assert(
      fc.property(eventOf(text, jsonObject), (event) => {
        const peer = new CloudEvent({ ...flat(event), datacontenttype: 'application/json' } as never)
        // As a transport sends it: without headers that have no value.
        const headers = JSON.parse(JSON.stringify(Kafka.binary(peer).headers)) as Record<string, string>
        const body = new TextEncoder().encode(JSON.stringify(peer.data))
        const ours = decodeBinary({ headers, body }, 'ce_')
        expect(flat(ours)).toEqual({ ...flat(event), datacontenttype: 'application/json' })
      }),
    )
  })

  test('for HTTP is read by the peer as the same event, and the other way round', () => {
    fc.assert(
      fc.property(eventOf(ascii, jsonObject), (event) => {
        const { headers, body } = encodeBinary(event, 'ce-')
        const theirs = HTTP.toEvent({ headers, body: new TextDecoder().decode(body) }) as CloudEvent<unknown>
        const wanted = { ...flat(event), datacontenttype: 'application/json' }
        expect(fromPeer(JSON.parse(JSON.stringify(theirs)))).toEqual(wanted)
        const message = HTTP.binary(new CloudEvent(wanted as never))
        const bytes = new TextEncoder().encode(message.body as string)
        const ours = decodeBinary({ headers: message.headers as Record<string, string>, body: bytes }, 'ce-')
        expect(flat(ours)).toEqual(wanted)
      }),
    )
  })
})

describe('both encodings', () => {
  test('give back the event that they were given, whatever text and data it has', () => {
    const data = fc.oneof(
      fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown),
      fc.uint8Array({ minLength: 1 }),
    )
    fc.assert(
      fc.property(
        eventOf(text, data),
        fc.constantFrom('ce_' as const, 'ce-' as const, '' as const),
        (event, prefix) => {
          expect(decodeJson(encodeJson(event))).toEqual(event)
          const { datacontenttype, ...binary } = decodeBinary(encodeBinary(event, prefix), prefix)
          expect(binary).toEqual(event)
          expect(datacontenttype).toBe(
            event.data instanceof Uint8Array ? 'application/octet-stream' : 'application/json',
          )
        },
      ),
    )
  })
})
