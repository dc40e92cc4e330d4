import type { Event, EventType, Schema } from '@millrace/kernel'

/** An event as it is folded: the fact and its place in the stream, which are known before it is stored. */
export interface FoldedEvent<Data = unknown> extends Event<Data> {
  readonly stream: string
  /** Its place in the stream, from 1 on. */
  readonly version: number
}

/** What an event does to the state: the next state. Pure; the state that it is given stays as it is. */
export type Fold<State, Data> = (state: State, event: FoldedEvent<Data>) => State

/** One event type with what it does. */
export interface AggregateCase<State = unknown> {
  readonly type: EventType
  readonly fold: Fold<State, unknown>
}

/** How an aggregate begins, and whether its states are kept. */
export interface AggregateOptions<State> {
  /** The state of a stream without events. It is shared, and frozen. */
  readonly initial: State
  /**
   * Keep the state as a document after so many events, so that a long stream need not be folded from its beginning. The
   * state must be what JSON can hold. Default: never.
   */
  readonly snapshotEvery?: number
  /** Checks a state that was kept, and converts it back (dates, for example). Default: it is taken as it is. */
  readonly state?: Schema<State>
  /**
   * Snapshots made by other code are not read; code is told by the text of the functions and the versions of their event
   * types. Raise this when the same events lead to another state although those are the same: because of what the
   * functions call, or of an upcaster. Default: 1.
   */
  readonly foldVersion?: number
}

/** A described aggregate: what a stream's events add up to. Immutable; `on` gives a new one. */
export interface Aggregate<State = unknown> {
  readonly kind: 'aggregate'
  readonly name: string
  readonly options: AggregateOptions<State>
  readonly cases: readonly AggregateCase<State>[]
  /** Adds what events of `type` do. Events of other types do nothing. */
  on<Data>(type: EventType<Data>, fold: Fold<State, Data>): Aggregate<State>
}

/**
 * Describes an aggregate.
 *
 * @example
 * const Order = aggregate('order', { initial: { cents: 0, isPaid: false }, snapshotEvery: 100 })
 *   .on(Placed, (order, { data }) => ({ ...order, cents: data.cents }))
 *   .on(Paid, (order) => ({ ...order, isPaid: true }))
 */
export function aggregate<State>(name: string, options: AggregateOptions<State>): Aggregate<State> {
  return withCases(name, { ...options, initial: Object.freeze(options.initial) }, [])
}

function withCases<State>(
  name: string,
  options: AggregateOptions<State>,
  cases: readonly AggregateCase<State>[],
): Aggregate<State> {
  return {
    kind: 'aggregate',
    name,
    options,
    cases,
    on: (type, fold) =>
      withCases(name, options, [
        ...cases,
        { type: type as EventType, fold: fold as AggregateCase<State>['fold'] },
      ]),
  }
}
