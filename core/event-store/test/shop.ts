import { type EventStoreOptions, openEventStore } from '@millrace/event-store'
import { type Event, event, formatTime, manualRuntime } from '@millrace/kernel'
import { memoryDatabase } from '@millrace/memory'
import * as z from 'zod'

/** What the tests sell. */
export const Placed = event('order.placed', z.object({ cents: z.number() }))
export const Paid = event('order.paid', z.object({}), { topic: 'payments' })
export const Shipped = event('order.shipped', z.object({ parcel: z.string() }))

/** A store in memory under a manual clock. */
export async function openShop(options: Partial<EventStoreOptions> = {}) {
  const runtime = manualRuntime()
  const database = memoryDatabase(runtime)
  const events = await openEventStore({ database, runtime, ...options })
  return { runtime, database, events }
}

/** A complete event. */
export function eventOf(id: string, more: Partial<Event> = {}): Event {
  return { id, type: Placed.type, source: '/test', time: formatTime(0), data: { cents: 1 }, ...more }
}

/** Everything that an iteration yields. */
export async function allOf<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}
