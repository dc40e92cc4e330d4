import { openEventStore, upcaster, upcasters } from '@millrace/event-store'
import { type ManualRuntime, settle } from '@millrace/kernel'
import { describe, expect, test } from 'vitest'
import { allOf, eventOf, openShop, Paid, Placed } from './shop.ts'

/** Collects what a feed yields, without waiting for its end. */
function followed<Item>(items: AsyncIterable<Item>): {
  readonly seen: Item[]
  readonly ended: Promise<unknown>
} {
  const seen: Item[] = []
  const run = async () => {
    for await (const item of items) seen.push(item)
  }
  return {
    seen,
    ended: run().then(
      () => 'ended',
      (reason: unknown) => reason,
    ),
  }
}

describe('a feed', () => {
  test('goes through the store in order, of every stream, or of what was asked for', async () => {
    const { events } = await openShop()
    await events.append('a', [Placed.draft({ cents: 1 }), Paid.draft({})], { streamType: 'order' })
    await events.append('b', [Placed.draft({ cents: 2 })], { tenant: 'north' })
    await events.publish([Paid.draft({})])
    const positions = async (options: Parameters<typeof events.feed>[0]) =>
      (await allOf(events.feed({ until: 'end', ...options }))).map(({ position }) => position)
    expect(await positions({})).toEqual([1, 2, 3, 4])
    expect(await positions({ after: 2 })).toEqual([3, 4])
    expect(await positions({ types: [Paid.type] })).toEqual([2, 4])
    expect(await positions({ streamTypes: ['order'] })).toEqual([1, 2])
    expect(await positions({ stream: 'a' })).toEqual([1, 2])
    expect(await positions({ tenant: 'north' })).toEqual([3])
    expect(await events.feedEnd()).toBe(4)
  })

  test('catches up in pages, then waits for what comes, until it is told to stop', async () => {
    const { events, runtime } = await openShop()
    for (let index = 1; index <= 7; index += 1) await events.append('a', [eventOf(`${index}`)])
    const controller = new AbortController()
    const { seen, ended } = followed(events.feed({ pageEventsMax: 3, signal: controller.signal }))
    await settle()
    expect(seen.map(({ id }) => id)).toEqual(['1', '2', '3', '4', '5', '6', '7'])
    await events.append('b', [eventOf('8')])
    await runtime.advance(10)
    expect(seen.map(({ id }) => id).slice(7)).toEqual(['8'])
    controller.abort(new Error('enough'))
    expect(await ended).toMatchObject({ message: 'enough' })
  })

  test('asks again after a while when no hint comes', async () => {
    const { events, database, runtime } = await openShop()
    database.eventsBeyond = (_, { waitMsMax }) => waitFor(runtime, waitMsMax)
    const controller = new AbortController()
    const { seen } = followed(events.feed({ pollMs: 300, signal: controller.signal }))
    await settle()
    await events.append('a', [eventOf('1')])
    await runtime.advance(299)
    expect(seen).toEqual([])
    await runtime.advance(1)
    expect(seen.map(({ id }) => id)).toEqual(['1'])
    controller.abort()
  })

  test('follows hints that lead to nothing more and more slowly', async () => {
    const { events, database, runtime } = await openShop()
    let hints = 0
    database.eventsBeyond = async () => {
      hints += 1
    }
    const controller = new AbortController()
    followed(events.feed({ signal: controller.signal }))
    await runtime.advance(1_000)
    expect(hints).toBeGreaterThan(10)
    expect(hints).toBeLessThan(25)
    controller.abort()
  })

  test('tells in pages how far it has looked, also where nothing was of the kinds asked for', async () => {
    const { events } = await openShop()
    await events.append('a', [Paid.draft({}), Placed.draft({ cents: 1 }), Paid.draft({})])
    const pages = await allOf(events.feedPages({ types: [Placed.type], until: 'end' }))
    expect(pages.at(-1)?.through).toBe(3)
    expect(pages.flatMap((page) => page.events.map(({ position }) => position))).toEqual([2])
  })

  test('finds old types by their new name, and leaves out what has become another', async () => {
    const { events: older, database, runtime } = await openShop()
    await older.append('a', [
      eventOf('made', { type: 'order.made', data: { price: 1 } }),
      eventOf('renamed', { type: 'order.made', dataschema: 'urn:2', data: {} }),
      eventOf('paid', { type: Paid.type, data: {} }),
      eventOf('placed'),
    ])
    const chain = upcasters([
      upcaster({ type: 'order.made' }, Placed, (data: { price: number }) => ({ cents: data.price })),
      upcaster({ type: 'order.made', dataschema: 'urn:2' }, { type: 'order.offered' }, () => ({})),
    ])
    const events = await openEventStore({ database, runtime, upcasters: chain })
    const placed = await allOf(events.feed({ types: [Placed.type], until: 'end' }))
    expect(placed.map(({ id, type }) => ({ id, type }))).toEqual([
      { id: 'made', type: Placed.type },
      { id: 'placed', type: Placed.type },
    ])
    const pages = await allOf(events.feedPages({ types: ['order.offered'], until: 'end' }))
    expect(pages.flatMap((page) => page.events.map(({ id }) => id))).toEqual(['renamed'])
  })

  test('ends at an event that it cannot read, when all before it have been seen', async () => {
    const { events, database } = await openShop()
    await events.append('a', [eventOf('1'), eventOf('2')])
    const text = '{"specversion":"0.3"}'
    await database.commit([{ kind: 'append', stream: 'a', events: [{ id: '3', type: 'x', text }] }])
    await events.append('a', [eventOf('4')])
    const { seen, ended } = followed(events.feed({ until: 'end' }))
    expect(await ended).toMatchObject({ code: 'STORED_EVENT_UNREADABLE', parameters: { position: 3 } })
    expect(seen.map(({ id }) => id)).toEqual(['1', '2'])
    const left: number[] = []
    const bearing = events.feed({ until: 'end', onUnreadable: ({ position }) => left.push(position) })
    expect((await allOf(bearing)).map(({ id }) => id)).toEqual(['1', '2', '4'])
    expect(left).toEqual([3])
    const refusing = followed(
      events.feed({
        until: 'end',
        onUnreadable: () => {
          throw new Error('no more')
        },
      }),
    )
    expect(await refusing.ended).toMatchObject({ message: 'no more' })
    expect(refusing.seen.map(({ id }) => id)).toEqual(['1', '2'])
  })
})

function waitFor(runtime: ManualRuntime, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    runtime.scheduler.after(delayMs, resolve)
  })
}
