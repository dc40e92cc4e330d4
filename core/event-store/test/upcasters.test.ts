import { upcaster, upcasters } from '@millrace/event-store'
import { type Event, event, isMillraceError } from '@millrace/kernel'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'

const Placed = event('order.placed', z.object({ cents: z.number() }), { version: 3 })

const oldest = upcaster({ type: 'order.made' }, { type: 'order.placed' }, (data: { price: number }) => ({
  euros: data.price,
}))
const inTexts = upcaster(
  { type: 'order.placed', dataschema: 'urn:texts' },
  { type: 'order.placed' },
  (data: { euros: string }) => ({ euros: Number(data.euros) }),
)
const second = upcaster(
  { type: 'order.placed' },
  { type: 'order.placed', version: 2 },
  (data: { euros: number }) => ({ price: { euros: data.euros } }),
)
const third = upcaster(
  { type: 'order.placed', version: 2 },
  Placed,
  (data: { price: { euros: number } }) => ({ cents: data.price.euros * 100 }),
)
const chain = upcasters([third, second, inTexts, oldest])

function eventOf(type: string, data: unknown, more: Partial<Event> = {}): Event {
  return { id: 'e1', type, source: '/test', time: '2026-01-01T00:00:00Z', subject: 'o1', ...more, data }
}

describe('upcasters', () => {
  test('take an event through every step to its newest shape, by type, data schema and version', () => {
    const newest = eventOf('order.placed', { cents: 700 }, { extensions: { dataversion: 3 } })
    expect(chain.upcast(eventOf('order.made', { price: 7 }))).toEqual(newest)
    expect(chain.upcast(eventOf('order.placed', { euros: '7' }, { dataschema: 'urn:texts' }))).toEqual(newest)
    expect(chain.upcast(eventOf('order.placed', { euros: 7 }))).toEqual(newest)
    const two = eventOf('order.placed', { price: { euros: 7 } }, { extensions: { dataversion: 2 } })
    expect(chain.upcast(two)).toEqual(newest)
  })

  test('leave alone what is new, what is of another data schema, and what nobody has described', () => {
    for (const untouched of [
      eventOf('order.placed', { cents: 7 }, { extensions: { dataversion: 3 } }),
      eventOf('order.placed', { cents: 7 }, { dataschema: 'urn:of-somebody-else' }),
      eventOf('order.paid', {}),
    ]) {
      expect(chain.upcast(untouched)).toBe(untouched)
    }
  })

  test('know a version that came over the bus as a text, and keep the other extensions', () => {
    const extensions = { dataversion: '2', correlationid: 'c1' }
    const upcast = chain.upcast(eventOf('order.placed', { price: { euros: 1 } }, { extensions }))
    expect(upcast.extensions).toEqual({ dataversion: 3, correlationid: 'c1' })
  })

  test('name the stored types behind a type, over all steps', () => {
    expect(chain.storedTypes(['order.placed'])).toEqual(['order.placed', 'order.made'])
    expect(chain.storedTypes(['order.paid'])).toEqual(['order.paid'])
  })

  test('say which step refused which event', () => {
    const strict = upcasters([
      upcaster({ type: 'order.made' }, Placed, () => {
        throw new TypeError('no price')
      }),
    ])
    const failure = thrownBy(() => strict.upcast(eventOf('order.made', {})))
    expect(failure).toMatchObject({
      code: 'EVENT_NOT_UPCAST',
      parameters: { id: 'e1', from: '"order.made"', to: '"order.placed" (version 3)', reason: 'no price' },
    })
  })

  test('are refused when two begin at one shape, or a chain never ends', () => {
    const back = upcaster(Placed, { type: 'order.made' }, () => ({}))
    expect(thrownBy(() => upcasters([oldest, oldest]))).toMatchObject({ code: 'UPCASTER_INVALID' })
    expect(thrownBy(() => upcasters([oldest, second, third, back]))).toMatchObject({
      code: 'UPCASTER_INVALID',
    })
  })
})

describe('an event type with a version', () => {
  test('marks its drafts with it, beside what they come from', () => {
    expect(Placed.draft({ cents: 1 }).extensions).toEqual({ dataversion: 3 })
    expect(Placed.from(eventOf('x', {}), { cents: 1 }).extensions).toEqual({
      causationid: 'e1',
      correlationid: 'e1',
      dataversion: 3,
    })
    expect(event('plain', z.object({})).draft({}).extensions).toBeUndefined()
  })
})

function thrownBy(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    expect(isMillraceError(error)).toBe(true)
    return error
  }
  return undefined
}
