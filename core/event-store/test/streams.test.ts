import { openEventStore, upcaster, upcasters } from '@millrace/event-store'
import { formatTime } from '@millrace/kernel'
import { describe, expect, test } from 'vitest'
import { allOf, eventOf, openShop, Paid, Placed, Shipped } from './shop.ts'

describe('a stream', () => {
  test('holds what was appended, stamped with id, source, time, and what caused it', async () => {
    const { events, runtime } = await openShop({ source: '/shop' })
    const cause = eventOf('click-1', { extensions: { correlationid: 'visit-1' } })
    const appended = await events.startStream('order-1', [Placed.draft({ cents: 5 }, { subject: 'o1' })], {
      streamType: 'order',
      cause,
    })
    expect(appended).toMatchObject({ version: 1, position: 1 })
    const read = await events.readStream('order-1').toArray()
    expect(read).toEqual([
      {
        id: appended.events[0]?.id,
        type: 'order.placed',
        source: '/shop',
        subject: 'o1',
        time: formatTime(runtime.clock.now()),
        extensions: { causationid: 'click-1', correlationid: 'visit-1' },
        data: { cents: 5 },
        position: 1,
        stream: 'order-1',
        streamType: 'order',
        version: 1,
        tenant: '',
        recordedAtMs: runtime.clock.now(),
        causationId: 'click-1',
        correlationId: 'visit-1',
      },
    ])
  })

  test('begins a correlation with its first cause, and leaves what a draft or the unit says itself', async () => {
    const { events } = await openShop()
    const cause = eventOf('click-1')
    await events.append('a', [Placed.draft({ cents: 1 }), Placed.from(eventOf('own'), { cents: 2 })], {
      cause,
    })
    await events.append('b', [Placed.draft({ cents: 1 })], { cause, correlationId: 'given' })
    const [first, second] = await events.readStream('a').toArray()
    const [third] = await events.readStream('b').toArray()
    expect(first?.extensions).toEqual({ causationid: 'click-1', correlationid: 'click-1' })
    expect(second?.extensions).toEqual({ causationid: 'own', correlationid: 'own' })
    expect(third).toMatchObject({ correlationId: 'given', causationId: 'click-1' })
    expect(third?.extensions).toEqual({ causationid: 'click-1', correlationid: 'given' })
  })

  test('is begun once: a second start says which version is there', async () => {
    const { events } = await openShop()
    await events.startStream('order-1', [eventOf('a'), eventOf('b')])
    await expect(events.startStream('order-1', [eventOf('c')])).rejects.toMatchObject({
      code: 'STREAM_CONFLICT',
      parameters: { stream: 'order-1', seen: 2, expected: 0 },
    })
    await expect(events.append('order-2', [eventOf('d')], { expectedVersion: 1 })).rejects.toMatchObject({
      code: 'STREAM_CONFLICT',
      parameters: { seen: 0, expected: 1 },
    })
  })

  test('takes events at any version, at none, or at exactly one', async () => {
    const { events } = await openShop()
    const append = (expectedVersion: number | 'any' | 'none') =>
      events.append('s', [eventOf('x')], { expectedVersion })
    expect(await append('none')).toMatchObject({ version: 1 })
    expect(await append('any')).toMatchObject({ version: 2 })
    expect(await append(2)).toMatchObject({ version: 3 })
    await expect(append(2)).rejects.toMatchObject({ code: 'STREAM_CONFLICT' })
    await expect(append('none')).rejects.toMatchObject({ code: 'STREAM_CONFLICT' })
  })

  test('is read in pages, both ways, between versions, up to a time, and up to a number', async () => {
    const { events, runtime } = await openShop()
    for (let index = 1; index <= 5; index += 1) {
      await events.append(
        's',
        Array.from({ length: 500 }, (_, place) => eventOf(`${index}-${place}`)),
      )
      await runtime.advance(1_000)
    }
    const versions = async (options: Parameters<typeof events.readStream>[1]) =>
      (await events.readStream('s', options).toArray()).map(({ version }) => version)
    const all = Array.from({ length: 2_500 }, (_, index) => index + 1)
    expect(await versions({})).toEqual(all)
    expect(await versions({ direction: 'backwards' })).toEqual(all.toReversed())
    expect(await versions({ fromVersion: 900, toVersion: 2_100 })).toEqual(all.slice(899, 2_100))
    expect(await versions({ direction: 'backwards', fromVersion: 3, toVersion: 2 })).toEqual([3, 2])
    expect(await versions({ limit: 1_200 })).toEqual(all.slice(0, 1_200))
    expect(await versions({ limit: 0 })).toEqual([])
    expect(await versions({ atMs: runtime.clock.now() - 4_000 })).toEqual(all.slice(0, 1_000))
    expect((await allOf(events.readStream('s'))).length).toBe(2_500)
  })

  test('that is not there has no events, and is not known', async () => {
    const { events } = await openShop()
    expect(await events.readStream('nobody').toArray()).toEqual([])
    expect(await events.streamInfo('nobody')).toBeUndefined()
    expect(await events.exists('nobody')).toBe(false)
  })

  test('belongs to a tenant', async () => {
    const { events } = await openShop()
    await events.append('s', [eventOf('north')], { tenant: 'north' })
    expect(await events.exists('s')).toBe(false)
    expect(await events.exists('s', { tenant: 'north' })).toBe(true)
    expect(await events.readStream('s').toArray()).toEqual([])
    const [read] = await events.readStream('s', { tenant: 'north' }).toArray()
    expect(read).toMatchObject({ id: 'north', tenant: 'north' })
  })

  test('that is archived can be read, takes no more, and leaves the feed', async () => {
    const { events } = await openShop()
    await events.append('s', [eventOf('a')], { streamType: 'order' })
    await events.archive('s')
    expect((await events.readStream('s').toArray()).map(({ id }) => id)).toEqual(['a'])
    expect(await events.streamInfo('s')).toMatchObject({ state: 'archived', version: 1, streamType: 'order' })
    await expect(events.append('s', [eventOf('b')])).rejects.toMatchObject({ code: 'STREAM_ENDED' })
    expect(await allOf(events.feed({ until: 'end' }))).toEqual([])
  })

  test('that is tombstoned says so to whoever reads it', async () => {
    const { events } = await openShop()
    await events.append('s', [eventOf('a')])
    await events.tombstone('s')
    await events.tombstone('s')
    await expect(events.readStream('s').toArray()).rejects.toMatchObject({ code: 'STREAM_ENDED' })
    await expect(events.append('s', [eventOf('b')])).rejects.toMatchObject({ code: 'STREAM_ENDED' })
    expect(await events.exists('s')).toBe(false)
    expect(await events.streamInfo('s')).toMatchObject({ state: 'tombstoned' })
  })

  test('is refused for an event that is none, and then nothing of it is there', async () => {
    const { events } = await openShop()
    const broken = eventOf('b', { time: 'noon' })
    await expect(events.append('s', [eventOf('a'), broken])).rejects.toMatchObject({ code: 'EVENT_INVALID' })
    expect(await events.exists('s')).toBe(false)
  })

  test('of more than 10,000 events is not put into one array', async () => {
    const { events } = await openShop()
    const thousand = Array.from({ length: 1_000 }, (_, index) => eventOf(`${index}`))
    for (let count = 0; count < 11; count += 1) await events.append('s', thousand)
    await expect(events.readStream('s').toArray()).rejects.toMatchObject({ code: 'QUERY_INVALID' })
    expect((await events.readStream('s', { limit: 10_000 }).toArray()).length).toBe(10_000)
  })

  test('of events that together are more than one answer is read nevertheless', {
    timeout: 60_000,
  }, async () => {
    const { events } = await openShop()
    const large = 'x'.repeat(1_000_000)
    for (let count = 0; count < 80; count += 1) {
      await events.append('s', [eventOf(`${count}`, { data: { cents: 1, large } })])
    }
    const versions = Array.from({ length: 80 }, (_, index) => index + 1)
    expect((await allOf(events.readStream('s'))).map(({ version }) => version)).toEqual(versions)
    expect((await allOf(events.feed({ until: 'end' }))).map(({ version }) => version)).toEqual(versions)
  })

  test('gives its events in their newest shape', async () => {
    const { database, runtime, events } = await openShop()
    await events.append('s', [eventOf('a', { type: 'order.made', data: { price: 3 } })])
    const newer = await openEventStore({
      database,
      runtime,
      upcasters: upcasters([
        upcaster({ type: 'order.made' }, Placed, (data: { price: number }) => ({ cents: data.price * 100 })),
      ]),
    })
    expect(await newer.readStream('s').toArray()).toMatchObject([
      { type: 'order.placed', data: { cents: 300 } },
    ])
    expect(await allOf(newer.readStream('s'))).toMatchObject([{ type: 'order.placed' }])
  })
})

describe('events for the bus', () => {
  test('carry the topic of their type, if they are to be published', async () => {
    const { database, events } = await openShop()
    await events.append('s', [Placed.draft({ cents: 1 })])
    await events.append('s', [Paid.draft({}), eventOf('x', { type: 'a' })], { publish: true })
    await events.publish([Shipped.draft({ parcel: 'p' })])
    const [{ events: stored }] = await database.read([{ kind: 'feed', after: 0, withTopicOnly: true }])
    expect(stored.map(({ topic, version }) => ({ topic, version }))).toEqual([
      { topic: 'payments', version: 2 },
      { topic: 'a', version: 3 },
      { topic: 'order.shipped', version: 0 },
    ])
  })
})
