import { type Bus, type Message, messageToEvent } from '@millrace/bus'
import type { Database } from '@millrace/documents'
import {
  type EventStore,
  openEventStore,
  type Relay,
  type RelayOptions,
  startRelay,
} from '@millrace/event-store'
import { type ManualRuntime, manualRuntime } from '@millrace/kernel'
import { memoryBus, memoryDatabase } from '@millrace/memory'

/** A store, a bus, and relays between them, under a manual clock. */
export interface RelayWorld {
  readonly runtime: ManualRuntime
  readonly database: Database
  readonly bus: Bus
  readonly events: EventStore
  start(options?: Partial<RelayOptions>): Relay
}

export async function openRelayWorld({
  idempotencyKeysMax = 10_000,
}: {
  readonly idempotencyKeysMax?: number
} = {}): Promise<RelayWorld> {
  const runtime = manualRuntime()
  const database = memoryDatabase(runtime)
  const bus = memoryBus({ runtime, idempotencyKeysMax })
  const events = await openEventStore({ database, runtime })
  return {
    ...{ runtime, database, bus, events },
    start: (options = {}) => startRelay({ database, bus, runtime, ...options }),
  }
}

/** Every message of a topic, partition by partition. */
export async function messagesOf(bus: Bus, topic: string): Promise<Message[]> {
  const info = (await bus.listTopics()).find(({ name }) => name === topic)
  const messages: Message[] = []
  for (const { partition, startOffset, endOffset } of info?.partitions ?? []) {
    for (let offset = startOffset; offset < endOffset; ) {
      const page = await bus.read({ topic, partition, offset })
      messages.push(...page)
      offset = (page.at(-1)?.offset ?? endOffset) + 1
    }
  }
  return messages
}

/** The ids of the events of a topic, in order. */
export async function idsOn(bus: Bus, topic: string): Promise<string[]> {
  return (await messagesOf(bus, topic)).map((message) => messageToEvent(message).id)
}
