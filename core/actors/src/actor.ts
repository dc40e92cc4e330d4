import type { CommandDraft, Event, EventDraft, EventType } from '@millrace/kernel'
import type { RetryPolicy } from '@millrace/processing'

/** What an actor may return: drafts; they get their ids from the cause, the actor's name and their place. */
export type ActorOutput = EventDraft | CommandDraft
// biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing is one that returns void
export type ActorResult = ActorOutput | readonly ActorOutput[] | undefined | void

/** What an actor may use beside the event. */
export interface ActorContext {
  /** Aborts when the time limit is reached or the actor stops. */
  readonly signal: AbortSignal
  /** 1 on the first try; above 1 the same event has been handled before, perhaps to its end. */
  readonly attempt: number
  /** Time of this try, milliseconds since 1970. */
  readonly nowMs: number
}

/** Which events an actor takes and how. */
export interface ActorOptions<Data> {
  readonly on: EventType<Data> | readonly EventType<Data>[]
  /** Subjects handled at the same time; events of one subject stay in order. Default: 128, since most of a try is waiting for the disk. */
  readonly concurrency?: number
  readonly retry?: RetryPolicy
  /** Longest time for one try, in milliseconds. Default: 30,000. */
  readonly timeoutMs?: number
  /** Where a new actor starts in topics that exist already. Default: 'start'. */
  readonly from?: 'start' | 'end'
}

/** Code that decides. It must be able to bear the same event twice. */
export type ActorHandle<Data> = (
  event: Event<Data>,
  context: ActorContext,
) => ActorResult | Promise<ActorResult>

/** A described actor; it does nothing until an application runs it. */
export interface Actor {
  readonly kind: 'actor'
  readonly name: string
  readonly on: readonly EventType[]
  readonly options: Omit<ActorOptions<unknown>, 'on'>
  readonly handle: ActorHandle<unknown>
}

/**
 * Describes an actor.
 *
 * @example
 * actor('too-hot', { on: Reading }, (reading) =>
 *   reading.data.celsius > 35 ? [OpenVent.to(String(reading.subject), { percent: 100 }, { cause: reading })] : [])
 */
export function actor<Data>(name: string, options: ActorOptions<Data>, handle: ActorHandle<Data>): Actor {
  const { on, ...rest } = options
  const types = (Array.isArray(on) ? on : [on]) as readonly EventType[]
  return { kind: 'actor', name, on: types, options: rest, handle: handle as ActorHandle<unknown> }
}

/** Where an actor's commands go; called by actors, implemented by the device tier. */
export interface CommandOutlet {
  /**
   * Takes commands over; durable on return. A command id that was taken before is taken once only, so a repeated
   * delivery does not repeat a command.
   */
  send(commands: readonly { readonly id: string; readonly draft: CommandDraft }[]): Promise<void>
}
