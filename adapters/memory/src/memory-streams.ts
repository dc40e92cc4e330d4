import type {
  CheckedFeed,
  CheckedStream,
  FeedAnswer,
  OperationResult,
  PreparedEvent,
  PreparedStreamOperation,
  StoredEvent,
  StreamInfo,
} from '@millrace/documents'
import { millraceError, unreachable } from '@millrace/kernel'
import { type MemoryUnit, marksOf, tenantKey } from './memory-unit.ts'

type OfTenant<Operation> = { readonly tenant: string } & Operation
type Append = OfTenant<Extract<PreparedStreamOperation, { kind: 'append' }>>

/** A stream; `positions` are those of its events, by version - 1. */
interface Stream {
  readonly info: StreamInfo
  readonly positions: number[]
}

/** All streams and all events. */
export class MemoryStreams {
  readonly #streams = new Map<string, Stream>()
  /** By position - 1; undefined where an event was erased or forgotten. */
  readonly #events: (StoredEvent | undefined)[] = []
  /** Events without a stream that are not forgotten yet, the first ones first. */
  #published: number[] = []

  /** The position of the last event. */
  get end(): number {
    return this.#events.length
  }

  apply(operation: OfTenant<PreparedStreamOperation>, unit: MemoryUnit): OperationResult {
    switch (operation.kind) {
      case 'append':
        return this.#append(operation, unit)
      case 'publish':
        return this.#publish(operation, unit)
      case 'archive':
        return this.#end(operation, 'archived', unit)
      case 'tombstone':
        return this.#end(operation, 'tombstoned', unit)
      case 'forget-published':
        return this.#forget(operation.before, unit)
      default:
        return unreachable(operation)
    }
  }

  /** @throws STREAM_ENDED for a tombstoned stream */
  read({ stream, tenant, direction, versionMin, versionMax, atMs, limit }: CheckedStream): StoredEvent[] {
    const known = this.#streams.get(tenantKey(tenant, stream))
    if (known === undefined) return []
    if (known.info.state === 'tombstoned') throw ended(known.info)
    const meant = this.#eventsOf(known).filter(
      ({ version, recordedAtMs }) =>
        version >= versionMin && version <= versionMax && (atMs === undefined || recordedAtMs <= atMs),
    )
    return (direction === 'forwards' ? meant : meant.reverse()).slice(0, limit)
  }

  infos(streams: readonly string[], tenant: string): StreamInfo[] {
    return streams.flatMap((stream) => this.#streams.get(tenantKey(tenant, stream))?.info ?? [])
  }

  feed(read: CheckedFeed): FeedAnswer {
    const { after, limit } = read
    const events: StoredEvent[] = []
    let through = Math.max(after, this.end)
    for (let position = after + 1; position <= this.end; position += 1) {
      if (events.length === limit) break
      const event = this.#events[position - 1]
      if (event === undefined || !this.#isMeant(event, read)) continue
      events.push(event)
      if (events.length === limit) through = position
    }
    return { events, through: limit === 0 ? after : through }
  }

  #isMeant(event: StoredEvent, { types, streamTypes, tenant, stream, withTopicOnly }: CheckedFeed): boolean {
    if (types !== undefined && !types.includes(event.type)) return false
    if (streamTypes !== undefined && !streamTypes.includes(event.streamType ?? '')) return false
    if (tenant !== undefined && event.tenant !== tenant) return false
    if (stream !== undefined && event.stream !== stream) return false
    // What an archived stream had to publish is published, though nobody else sees it any more.
    if (withTopicOnly) return event.topic !== undefined
    if (event.stream === undefined) return true
    return this.#streams.get(tenantKey(event.tenant, event.stream))?.info.state === 'open'
  }

  #append(
    { tenant, stream, streamType, expectedVersion, events }: Append,
    unit: MemoryUnit,
  ): OperationResult {
    const key = tenantKey(tenant, stream)
    const known = this.#streams.get(key)
    const seen = known?.info.version ?? 0
    if (known !== undefined && known.info.state !== 'open') throw ended(known.info)
    if (expectedVersion !== undefined && expectedVersion !== seen) {
      throw millraceError('STREAM_CONFLICT', { stream, seen, expected: expectedVersion })
    }
    const { atMs: changedAtMs } = unit
    const began = { stream, createdAtMs: changedAtMs, ...(streamType === undefined ? {} : { streamType }) }
    const { createdAtMs, ...names } = known?.info ?? began
    const version = seen + events.length
    const info = { ...names, createdAtMs, state: 'open', version, changedAtMs } as const
    const positions = known?.positions ?? []
    for (const [index, event] of events.entries()) {
      const { stream: _, streamType: type } = info
      const place = { stream, ...(type === undefined ? {} : { streamType: type }), version: seen + index + 1 }
      push(positions, this.#add({ tenant, event, place }, unit), unit)
    }
    unit.changes.put(this.#streams, key, { info, positions })
    return { version, position: this.end }
  }

  #publish(
    { tenant, events }: OfTenant<Extract<PreparedStreamOperation, { kind: 'publish' }>>,
    unit: MemoryUnit,
  ): OperationResult {
    for (const event of events) {
      push(this.#published, this.#add({ tenant, event, place: { version: 0 } }, unit), unit)
    }
    return { position: this.end }
  }

  #add(
    { tenant, event, place }: { tenant: string; event: PreparedEvent; place: Pick<StoredEvent, 'version'> },
    unit: MemoryUnit,
  ): number {
    const position = this.end + 1
    const { id, type, text, topic } = event
    const stored = {
      id,
      type,
      text,
      ...(topic === undefined ? {} : { topic }),
      position,
      ...place,
      tenant,
      recordedAtMs: unit.atMs,
      ...marksOf(unit),
    }
    push(this.#events, stored, unit)
    return position
  }

  #end(
    { tenant, stream }: { readonly tenant: string; readonly stream: string },
    state: 'archived' | 'tombstoned',
    unit: MemoryUnit,
  ): OperationResult {
    const key = tenantKey(tenant, stream)
    const known = this.#streams.get(key)
    if (known === undefined || known.info.state === state) return {}
    if (known.info.state === 'tombstoned') throw ended(known.info)
    const info = { ...known.info, state, changedAtMs: unit.atMs }
    if (state === 'tombstoned') for (const position of known.positions) this.#erase(position, unit)
    unit.changes.put(this.#streams, key, { info, positions: known.positions })
    return {}
  }

  #forget(before: number, unit: MemoryUnit): OperationResult {
    const published = this.#published
    unit.changes.note(() => {
      this.#published = published
    })
    for (const position of published) if (position < before) this.#erase(position, unit)
    this.#published = published.filter((position) => position >= before)
    return {}
  }

  #erase(position: number, unit: MemoryUnit): void {
    const event = this.#events[position - 1]
    unit.changes.note(() => {
      this.#events[position - 1] = event
    })
    this.#events[position - 1] = undefined
  }

  #eventsOf({ positions }: Stream): StoredEvent[] {
    return positions.flatMap((position) => this.#events[position - 1] ?? [])
  }
}

function push<Item>(items: Item[], item: Item, { changes }: MemoryUnit): void {
  const { length } = items
  changes.note(() => {
    items.length = length
  })
  items.push(item)
}

function ended({ stream, state }: StreamInfo) {
  return millraceError('STREAM_ENDED', { stream, state })
}
