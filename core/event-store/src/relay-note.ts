import type { Database, WriteOperation } from '@millrace/documents'
import { type TopicEnd, TopicEnds } from './topic-ends.ts'

/** The collection of what relays note. It belongs to no tenant. */
export const RELAYS = 'millrace-relays'
/** The topic of a position in the whole store. */
const STORE_TOPIC = 'millrace.store'

/** Where a relay stands, as the one before has left it. */
export interface RelayNote {
  /** The next position to look at; 0 if nothing was ever noted. */
  readonly offset: number
  readonly ends: TopicEnds
  /** How many events the one before may have published without noting it. */
  readonly batchEventsMax: number
}

interface Contents {
  readonly id: string
  readonly batchEventsMax: number
  readonly ends: Readonly<Record<string, TopicEnd>>
}

export async function loadNote(database: Database, relay: string): Promise<RelayNote> {
  const [positions, [stored]] = await database.read([
    { kind: 'positions', processor: processorOf(relay) },
    { kind: 'load', collection: RELAYS, ids: [relay] },
  ])
  const offset = positions.find(({ topic }) => topic === STORE_TOPIC)?.offset ?? 0
  if (stored === undefined) return { offset, ends: new TopicEnds(), batchEventsMax: 0 }
  const { ends, batchEventsMax } = JSON.parse(stored.text) as Contents
  return { offset, ends: new TopicEnds(ends), batchEventsMax }
}

/** Notes where topics end. The lease sees to it that only one relay writes. */
export function noteEnds(relay: string, ends: TopicEnds, batchEventsMax: number): WriteOperation {
  const contents: Contents = { id: relay, batchEventsMax, ends: ends.toJSON() }
  return { kind: 'store', collection: RELAYS, tenant: '', id: relay, text: JSON.stringify(contents) }
}

/** Moves the position, on condition that it is still where it was. */
export function movePosition(relay: string, expectedOffset: number, offset: number): WriteOperation {
  const position = { topic: STORE_TOPIC, partition: 0, offset }
  return { kind: 'position', processor: processorOf(relay), position, expectedOffset }
}

function processorOf(relay: string): string {
  return `millrace-relay ${relay}`
}
