import {
  type CommitOptions,
  type Database,
  type EventInput,
  type Links,
  linksTo,
  type NewEvent,
  newEvent,
  stamped,
  topicOf,
  type WriteOperation,
} from '@millrace/documents'
import type { Event, Runtime } from '@millrace/kernel'
import type { Upcasters } from './upcasters.ts'

/** Who writes, and with what. */
export interface Writing {
  readonly database: Database
  readonly runtime: Runtime
  /** The `source` of drafts. */
  readonly source: string
  readonly upcasters?: Upcasters | undefined
}

/** What a unit of events says about itself. */
export interface UnitOptions extends Links {
  readonly tenant?: string
  /**
   * The event that led to it: its id becomes the causation id, and its correlation id (or its id) the correlation id, of
   * the unit and of drafts; unless they are given.
   */
  readonly cause?: Event
}

/** How events are appended. */
export interface AppendOptions extends UnitOptions {
  /** What the stream has to be: at this version, not there (`none`, the same as 0), or whatever. Default: 'any'. */
  readonly expectedVersion?: number | 'any' | 'none'
  /** What kind of entity it is; counts when the stream begins. */
  readonly streamType?: string
  /** The relay also publishes the events, each on its own topic. Default: false. */
  readonly publish?: boolean
}

/** What was appended. */
export interface Appended {
  /** The stream's version behind the last event. */
  readonly version: number
  /** The position of the last event. */
  readonly position: number
  readonly events: readonly Event[]
}

/** Events on their way into the store, and their unit. */
export interface PreparedUnit {
  readonly events: readonly Event[]
  readonly stored: readonly NewEvent[]
  readonly options: CommitOptions
}

/** The events as they will be stored. @throws EVENT_INVALID */
export function prepareUnit(
  { runtime, source }: Writing,
  inputs: readonly EventInput[],
  unit: UnitOptions & { readonly publish: boolean },
): PreparedUnit {
  const { tenant, cause, correlationId, causationId } = unit
  const links: Links = {
    ...(cause === undefined ? {} : linksTo(cause)),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(causationId === undefined ? {} : { causationId }),
  }
  const events = inputs.map((input) => stamped(input, { runtime, source, links }))
  const stored = events.map((event, index) => {
    const input = inputs[index]
    return newEvent(event, unit.publish && input !== undefined ? topicOf(input) : undefined)
  })
  return { events, stored, options: { ...links, ...(tenant === undefined ? {} : { tenant }) } }
}

/** The operation that appends `stored` to a stream. */
export function appendOperation(
  stream: string,
  stored: readonly NewEvent[],
  { expectedVersion = 'any', streamType }: AppendOptions,
): WriteOperation {
  const version = expectedVersion === 'none' ? 0 : expectedVersion
  return {
    kind: 'append',
    stream,
    events: stored,
    ...(version === 'any' ? {} : { expectedVersion: version }),
    ...(streamType === undefined ? {} : { streamType }),
  }
}

/** Appends events in a unit of their own. @throws as `EventStore.append` */
export async function append(
  writing: Writing,
  stream: string,
  inputs: readonly EventInput[],
  options: AppendOptions,
): Promise<Appended> {
  const { events, stored, options: unit } = prepareUnit(writing, inputs, { publish: false, ...options })
  const { results } = await writing.database.commit([appendOperation(stream, stored, options)], unit)
  const { version = 0, position = 0 } = results[0] ?? {}
  return { version, position, events }
}
