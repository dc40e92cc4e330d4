import type { StoredEvent } from '@millrace/documents'
import { newEvent, recordedEvent, upcaster, upcasters } from '@millrace/event-store'
import type { Event } from '@millrace/kernel'
import { describe, expect, test } from 'vitest'

const event: Event = {
  id: 'e1',
  type: 'order.made',
  source: '/shop',
  subject: 'o1',
  time: '2026-01-01T00:00:00Z',
  dataschema: 'urn:made',
  extensions: { causationid: 'c1', urgent: true },
  data: { bytes: [1, 2], text: 'ü' },
}

function stored(text: string): StoredEvent {
  return {
    id: 'e1',
    type: 'order.made',
    text,
    position: 17,
    stream: 'order-1',
    streamType: 'order',
    version: 3,
    tenant: 'north',
    recordedAtMs: 5,
    correlationId: 'unit-1',
    causationId: 'unit-0',
  }
}

const place = {
  position: 17,
  stream: 'order-1',
  streamType: 'order',
  version: 3,
  tenant: 'north',
  recordedAtMs: 5,
  correlationId: 'unit-1',
  causationId: 'unit-0',
}

describe('a recorded event', () => {
  test('is the event that was stored, with its place', () => {
    expect(newEvent(event)).not.toHaveProperty('topic')
    expect(newEvent(event, 'orders')).toMatchObject({ id: 'e1', type: 'order.made', topic: 'orders' })
    expect(recordedEvent(stored(newEvent(event).text))).toEqual({ ...event, ...place })
  })

  test('holds bytes as they were', () => {
    const bytes = { ...event, data: Uint8Array.of(0, 255, 7) }
    expect(recordedEvent(stored(newEvent(bytes).text)).data).toEqual(Uint8Array.of(0, 255, 7))
  })

  test('without a stream says so by leaving it out', () => {
    const {
      stream: _,
      streamType: __,
      correlationId: ___,
      causationId: ____,
      ...published
    } = stored(newEvent(event).text)
    expect(recordedEvent({ ...published, version: 0, tenant: '' })).toEqual({
      ...event,
      position: 17,
      version: 0,
      tenant: '',
      recordedAtMs: 5,
    })
  })

  test('has its newest shape', () => {
    const renamed = upcasters([
      upcaster({ type: 'order.made', dataschema: 'urn:made' }, { type: 'order.placed' }, () => ({
        cents: 1,
      })),
    ])
    expect(recordedEvent(stored(newEvent(event).text), renamed)).toMatchObject({
      type: 'order.placed',
      data: { cents: 1 },
      ...place,
    })
  })

  test('that cannot be read is named with its position, also when it was an upcaster that refused it', () => {
    const strict = upcasters([
      upcaster({ type: 'order.made', dataschema: 'urn:made' }, { type: 'x' }, () => {
        throw new TypeError('too old')
      }),
    ])
    const unreadable = { code: 'STORED_EVENT_UNREADABLE', parameters: { id: 'e1', position: 17 } }
    expect(() => recordedEvent(stored('{}'))).toThrow(expect.objectContaining({ code: unreadable.code }))
    expect(() => recordedEvent(stored(newEvent(event).text), strict)).toThrow(
      expect.objectContaining({ ...unreadable, parameters: expect.objectContaining(unreadable.parameters) }),
    )
  })
})
