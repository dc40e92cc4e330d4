import { type Event, errorText, millraceError, type Schema } from '@millrace/kernel'

/**
 * How an event's data is laid out: its type, and either the `dataschema` attribute or the version that the extension
 * `dataversion` states. An event without that extension has version 1.
 */
export interface EventShape {
  readonly type: string
  /** Absent: only events without one. */
  readonly dataschema?: string
  /** Default: 1. */
  readonly version?: number
}

/** A shape of which the data's type is known; an `EventType` is one. */
export interface TypedShape<Data> extends EventShape {
  readonly schema?: Schema<Data>
}

/** Brings events of one shape to a newer one. */
export interface Upcaster {
  readonly kind: 'upcaster'
  readonly from: EventShape
  readonly to: EventShape
  /** The data of the new shape. Pure: it runs at every reading. */
  readonly change: (data: unknown, event: Event) => unknown
}

/**
 * Describes how events of an old shape become events of a newer one when they are read. What is stored stays as it is.
 * The function must be pure; what it is given must not be changed.
 *
 * @example
 * const Placed = event('order.placed', z.object({ cents: z.number() }), { version: 2 })
 * upcaster({ type: 'order.placed' }, Placed, (data: { euros: number }) => ({ cents: data.euros * 100 }))
 */
export function upcaster<From, To>(
  from: TypedShape<From>,
  to: TypedShape<To>,
  change: (data: From, event: Event<From>) => NoInfer<To>,
): Upcaster {
  return { kind: 'upcaster', from: shapeOf(from), to: shapeOf(to), change: change as Upcaster['change'] }
}

/** Chains of upcasters, applied in every path on which stored events are read. */
export interface Upcasters {
  /**
   * The event in its newest shape; the event itself if nothing has to be done. Id, source, subject, time and extensions
   * stay (but `dataversion`, which follows the shape).
   *
   * @throws EVENT_NOT_UPCAST
   */
  upcast(event: Event): Event
  /**
   * The types under which events are stored that are, or may become, of these types: what to ask the database for. Ask
   * an event for its type again when it has been read.
   */
  storedTypes(types: readonly string[]): readonly string[]
}

/**
 * Puts upcasters together; each goes on where another ends.
 *
 * @throws UPCASTER_INVALID for two from the same shape, and for a chain that comes back to where it was
 */
export function upcasters(list: readonly Upcaster[]): Upcasters {
  const byShape = new Map<string, Upcaster>()
  for (const each of list) {
    if (byShape.has(keyOf(each.from))) throw invalid(each, 'is the second one from there')
    byShape.set(keyOf(each.from), each)
  }
  for (const each of list) assertChainEnds(each, byShape)
  const oldTypes = new Set(list.map(({ from }) => from.type))
  return {
    upcast: (event) => {
      if (!oldTypes.has(event.type)) return event
      let current = event
      let step = byShape.get(keyOfEvent(current))
      while (step !== undefined) {
        current = applied(step, current)
        step = byShape.get(keyOf(step.to))
      }
      return current
    },
    storedTypes: (types) => sourcesOf(types, list),
  }
}

function assertChainEnds(first: Upcaster, byShape: ReadonlyMap<string, Upcaster>): void {
  const seen = new Set<Upcaster>()
  for (let step: Upcaster | undefined = first; step !== undefined; step = byShape.get(keyOf(step.to))) {
    if (seen.has(step)) throw invalid(first, 'is part of a chain that comes back to where it was')
    seen.add(step)
  }
}

function applied({ from, to, change }: Upcaster, event: Event): Event {
  const { dataschema: _, extensions, ...attributes } = event
  try {
    const data = change(event.data, event)
    const { dataversion: __, ...others } = extensions ?? {}
    const version = to.version === undefined ? {} : { dataversion: to.version }
    const links = { ...others, ...version }
    return {
      ...attributes,
      type: to.type,
      ...(to.dataschema === undefined ? {} : { dataschema: to.dataschema }),
      ...(Object.keys(links).length === 0 ? {} : { extensions: links }),
      data,
    }
  } catch (error) {
    const shapes = { from: describe(from), to: describe(to) }
    throw millraceError(
      'EVENT_NOT_UPCAST',
      { id: event.id, ...shapes, reason: errorText(error) },
      { cause: error },
    )
  }
}

function sourcesOf(types: readonly string[], list: readonly Upcaster[]): readonly string[] {
  const found = new Set(types)
  // A set that grows while it is gone through is gone through to its new end.
  for (const type of found) {
    for (const { from, to } of list) if (to.type === type) found.add(from.type)
  }
  return [...found]
}

function shapeOf({ type, dataschema, version }: EventShape): EventShape {
  return {
    type,
    ...(dataschema === undefined ? {} : { dataschema }),
    ...(version === undefined || version === 1 ? {} : { version }),
  }
}

/** Texts beside numbers: an extension that came over the bus is a text. */
function keyOf({ type, dataschema, version = 1 }: EventShape): string {
  return JSON.stringify([type, dataschema ?? '', String(version)])
}

function keyOfEvent({ type, dataschema, extensions }: Event): string {
  return JSON.stringify([type, dataschema ?? '', String(extensions?.dataversion ?? 1)])
}

function describe({ type, dataschema, version }: EventShape): string {
  const parts = [dataschema, version === undefined ? undefined : `version ${version}`]
  const known = parts.filter((part) => part !== undefined)
  return known.length === 0 ? `"${type}"` : `"${type}" (${known.join(', ')})`
}

function invalid({ from, to }: Upcaster, seen: string) {
  return millraceError('UPCASTER_INVALID', { from: describe(from), to: describe(to), seen })
}
