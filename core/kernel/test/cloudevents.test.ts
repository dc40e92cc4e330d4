import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeBinary,
  decodeJson,
  type Event,
  encodeBinary,
  encodeJson,
  isMillraceError,
} from '../src/index.ts'

const event: Event = {
  id: '1',
  type: 'greenhouse.reading',
  source: '/devices/bench-7',
  time: '2026-01-31T12:00:00Z',
  data: { celsius: 21.5 },
}
const encoder = new TextEncoder()

describe('the binary encoding', () => {
  test('names every attribute as the Kafka binding does', () => {
    const { headers, body } = encodeBinary({
      ...event,
      subject: 'bench-7',
      extensions: { correlationid: 'c', try: 2 },
    })
    expect(headers).toEqual({
      ce_specversion: '1.0',
      ce_id: '1',
      ce_type: 'greenhouse.reading',
      ce_source: '/devices/bench-7',
      ce_subject: 'bench-7',
      ce_time: '2026-01-31T12:00:00Z',
      ce_correlationid: 'c',
      ce_try: '2',
      'content-type': 'application/json',
    })
    expect(new TextDecoder().decode(body)).toBe('{"celsius":21.5}')
  })

  test('writes HTTP headers in printable ASCII, as the HTTP binding asks, and reads also what is not encoded', () => {
    const { headers } = encodeBinary({ ...event, subject: 'Euro € 😀 "100%"' }, 'ce-')
    expect(headers['ce-subject']).toBe('Euro%20%E2%82%AC%20%F0%9F%98%80%20%22100%25%22')
    const plain = decodeBinary(
      { headers: { ...headers, 'ce-subject': '100% of %ff' }, body: encoder.encode('1') },
      'ce-',
    )
    expect(plain.subject).toBe('100% of %ff')
  })

  test('leaves alone, without a prefix, what cannot be an extension', () => {
    const { headers, body } = encodeBinary(event, '')
    const read = decodeBinary({ headers: { ...headers, 'Trace-Id': 'x', firmware: '1.2' }, body }, '')
    expect(read.extensions).toEqual({ firmware: '1.2' })
  })

  test.each([
    ['text/plain', 'bare text'],
    ['text/csv; charset=utf-8', 'a,ä'],
  ])('carries a text of the type %s as it is', (datacontenttype, data) => {
    const encoded = encodeBinary({ ...event, datacontenttype, data })
    expect(encoded.body).toEqual(encoder.encode(data))
    expect(decodeBinary(encoded).data).toBe(data)
  })

  test('keeps a text in another character set as bytes', () => {
    const datacontenttype = 'text/plain; charset=iso-8859-1'
    const data = Uint8Array.of(0xe4)
    expect(decodeBinary(encodeBinary({ ...event, datacontenttype, data })).data).toEqual(data)
  })

  test('carries no data as no data', () => {
    expect(decodeBinary(encodeBinary({ ...event, data: undefined })).data).toBeUndefined()
  })
})

describe('a bad event is refused with EVENT_INVALID, naming the attribute:', () => {
  const bad: [string, string, Record<string, unknown>][] = [
    ['id', 'that is missing', { id: undefined }],
    ['type', 'that is empty', { type: '' }],
    ['source', 'that is a number', { source: 7 }],
    ['subject', 'that is empty', { subject: '' }],
    ['time', 'that is none', { time: 'yesterday' }],
    ['time', 'of a day that does not exist', { time: '2026-02-30T00:00:00Z' }],
    ['time', 'of an hour that does not exist', { time: '2026-02-01T24:00:00Z' }],
    ['subject', 'with a line break', { subject: 'a\r\nce-id: 2' }],
    ['id', 'with half a character', { id: '\ud800' }],
  ]
  test.each(bad)('%s %s', (attribute, _, change) => {
    const broken = { ...event, ...change } as Event
    const refusal = expect.objectContaining({
      code: 'EVENT_INVALID',
      parameters: expect.objectContaining({ attribute }),
    })
    expect(() => encodeBinary(broken)).toThrow(refusal)
    expect(() => encodeJson(broken)).toThrow(refusal)
    expect(() => decodeJson(JSON.stringify({ specversion: '1.0', ...broken }))).toThrow(refusal)
  })

  test.each([
    ['an upper-case name', { Trace: 'x' }],
    ['a reserved name', { id: 'x' }],
    ['the name data', { data: 'x' }],
    ['a name that is too long', { ['a'.repeat(65)]: 'x' }],
    ['the name __proto__', JSON.parse('{"__proto__": "x"}')],
    ['an object as value', { trace: {} }],
    ['a fraction as value', { trace: 0.5 }],
    ['a number beyond 32 bits', { trace: 2 ** 31 }],
    ['a number that is none', { trace: Number.NaN }],
    ['a control character', { trace: '\u0007' }],
  ])('an extension with %s', (_, extensions: Event['extensions']) => {
    const broken = { ...event, ...(extensions === undefined ? {} : { extensions }) }
    expect(() => encodeBinary(broken)).toThrow(expect.objectContaining({ code: 'EVENT_INVALID' }))
    expect(() => encodeJson(broken)).toThrow(expect.objectContaining({ code: 'EVENT_INVALID' }))
  })

  test.each([
    ['a bigint', 1n],
    ['a function', () => 1],
    ['a cycle', Object.assign({}, { self: {} as unknown }, { toJSON: undefined })],
  ])('data that is %s', (_, data: unknown) => {
    if (typeof data === 'object' && data !== null) (data as { self: unknown }).self = data
    expect(() => encodeBinary({ ...event, data })).toThrow(expect.objectContaining({ code: 'EVENT_INVALID' }))
  })

  test('data that its content type does not allow', () => {
    const broken = { ...event, datacontenttype: 'text/plain', data: { not: 'text' } }
    expect(() => encodeBinary(broken)).toThrow(expect.objectContaining({ code: 'EVENT_INVALID' }))
  })

  test.each([
    ['no object', '[]'],
    ['no JSON', '{'],
    ['null', 'null'],
    ['a future version', '{"specversion":"2.0"}'],
    [
      'data beside data_base64',
      '{"specversion":"1.0","id":"1","type":"t","source":"s","time":"2026-01-01T00:00:00Z","data":1,"data_base64":"AA=="}',
    ],
    [
      'broken base64',
      '{"specversion":"1.0","id":"1","type":"t","source":"s","time":"2026-01-01T00:00:00Z","data_base64":"A"}',
    ],
    [
      'a member __proto__',
      '{"specversion":"1.0","id":"1","type":"t","source":"s","time":"2026-01-01T00:00:00Z","__proto__":{"x":"1"}}',
    ],
  ])('JSON that is %s', (_, json) => {
    expect(() => decodeJson(json)).toThrow(expect.objectContaining({ code: 'EVENT_INVALID' }))
  })

  test('anything else at all: decoding answers with an event or with EVENT_INVALID, never otherwise', () => {
    const attempt = (decode: () => Event) => {
      try {
        decode()
      } catch (error) {
        expect(isMillraceError(error, 'EVENT_INVALID')).toBe(true)
      }
    }
    const header = fc.constantFrom(
      'ce_specversion',
      'ce_id',
      'ce_type',
      'ce_source',
      'ce_time',
      'ce_x',
      'ce___proto__',
      'content-type',
    )
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom('1.0', 'application/json', 'text/plain', '2026-01-01T00:00:00Z'),
    )
    fc.assert(
      fc.property(fc.json(), fc.dictionary(header, value), fc.uint8Array(), (json, headers, body) => {
        attempt(() => decodeJson(json))
        attempt(() => decodeBinary({ headers, body }))
        attempt(() => decodeBinary({ headers: { ...headers, ce_specversion: '1.0' }, body }))
      }),
    )
  })

  test('null members of JSON are members that are absent', () => {
    const json = JSON.stringify({
      specversion: '1.0',
      ...event,
      subject: null,
      trace: null,
      data_base64: null,
    })
    expect(decodeJson(json)).toEqual(event)
  })
})
