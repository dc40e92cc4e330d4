import type { Database, StoredEvent } from '@millrace/documents'
import type { MemoryDatabase } from '@millrace/memory'
import { expect } from 'vitest'
import { DAYS, documentsOf, type Till } from './daemon-world.ts'

/** All events of the store, by asking for them once. */
export async function allEvents(database: Database): Promise<readonly StoredEvent[]> {
  const [{ events }] = await database.read([{ kind: 'feed', after: 0, limit: 10_000 }])
  return events
}

interface Facts {
  readonly id: string
  readonly type: string
  readonly stream: string
  readonly tenant: string
  readonly cents: number
  readonly by: readonly string[]
}

function factsOf({ text, stream = '', tenant, id, type }: StoredEvent): Facts {
  const { data } = JSON.parse(text) as { data: { cents?: number; by?: string[] } }
  return { id, type, stream, tenant, cents: data.cents ?? 0, by: data.by ?? [] }
}

function grown(till: Till | undefined, id: string, cents: number, eventId: string): Till {
  return { id, cents: (till?.cents ?? 0) + cents, events: [...(till?.events ?? []), eventId] }
}

/** What the projections of the world make of these events, written down a second time and as simply as can be. */
export function plainFold(events: readonly StoredEvent[], tenant = '') {
  const tills: Record<string, Till> = {}
  const payers: Record<string, Till> = {}
  const days: Record<string, { cents: number; count: number; last: string }> = {}
  const notes: Record<string, { id: string }> = {}
  for (const { id, type, stream, cents, by, tenant: own } of events.map(factsOf)) {
    if (own === tenant && type === 'till.paid') {
      tills[stream] = grown(tills[stream], stream, cents, id)
      for (const payer of new Set(by)) payers[payer] = grown(payers[payer], payer, cents, id)
    }
    if (own === tenant && type === 'till.refunded') tills[stream] = grown(tills[stream], stream, -cents, id)
    if (own === tenant && type === 'till.closed') delete tills[stream]
    if (type === 'till.paid') {
      const { cents: sum = 0, count = 0 } = days[stream] ?? {}
      days[stream] = { cents: sum + cents, count: count + 1, last: id }
    }
    if (type === 'till.closed') delete days[stream]
    if (type === 'till.paid' || type === 'till.refunded') notes[id] = { id }
  }
  return { tills, payers, days, notes }
}

/** The rows of the table, by till. */
export async function dayRows(database: Database) {
  const found =
    'rows' in database
      ? (database as MemoryDatabase).rows(DAYS.name)
      : await database.raw('SELECT till, cents, count, last FROM days')
  // An engine may count in numbers of its own.
  return Object.fromEntries(
    found.map(({ till, cents, count, last }) => [till, { cents: Number(cents), count: Number(count), last }]),
  )
}

/** Everything that is stored is what a plain fold of all events gives: none is missing, none counts twice. */
export async function expectPlainFold(
  database: Database,
  {
    kinds = ['tills', 'payers', 'days', 'notes'],
  }: { kinds?: readonly ('tills' | 'payers' | 'days' | 'notes')[] } = {},
): Promise<void> {
  const expected = plainFold(await allEvents(database))
  for (const kind of kinds) {
    const seen = kind === 'days' ? await dayRows(database) : await documentsOf(database, kind)
    expect(seen, kind).toEqual(expected[kind])
  }
}
