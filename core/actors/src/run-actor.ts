import { type Bus, type Message, messageToEvent } from '@millrace/bus'
import {
  type Event,
  type EventType,
  errorText,
  millraceError,
  type Runtime,
  throwIfAborted,
} from '@millrace/kernel'
import { describeMessage, type Processor, type StepContext, startProcessor } from '@millrace/processing'
import type { Actor, CommandOutlet } from './actor.ts'
import { outputsOf } from './actor-outputs.ts'
import { createTopicIfMissing, sendOutputs } from './outbox.ts'

/** What an actor needs from outside. */
export interface ActorEnvironment {
  readonly bus: Bus
  readonly runtime: Runtime
  readonly commands: CommandOutlet
  /** Event types of the application; outputs of these types must fit their schemas. The actor's own count too. */
  readonly eventTypes?: readonly EventType[]
  /** Aborting stops the actor as `stop` does. */
  readonly signal?: AbortSignal
}

/** A name goes into topics, sources and ids, so it is plain. */
const ACTOR_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

/**
 * Runs an actor as a processor of that name: its events come from the topics of their types, one subject in
 * order; what else travels there is none of its business. An event is done when everything its handler returned is durable; then the position moves on. If the process
 * dies in between, the event is handled again, and what was published is recognised by its id (on a bus that
 * supports idempotency) and not published twice.
 *
 * Dead letters: MESSAGE_UNREADABLE (no event), EVENT_SCHEMA_MISMATCH, HANDLER_OUTPUT_INVALID
 * at once; HANDLER_FAILED and HANDLER_TIMED_OUT after all tries.
 *
 * @throws CONFIGURATION_INVALID naming the setting
 */
export async function runActor(actor: Actor, environment: ActorEnvironment): Promise<Processor> {
  const { concurrency, retry, timeoutMs, from } = actor.options
  assertNames(actor)
  const types = new Map(actor.on.map((type) => [type.type, type]))
  const declared = new Map([...(environment.eventTypes ?? []), ...actor.on].map((type) => [type.type, type]))
  const topics = [...new Set(actor.on.map(({ topic }) => topic))]
  for (const topic of topics) await createTopicIfMissing(environment.bus, topic)
  const handle = (message: Message, context: StepContext) =>
    handleMessage({ actor, environment, types, declared }, message, context)
  return startProcessor(
    {
      name: actor.name,
      topics,
      step: { kind: 'message', ...(concurrency === undefined ? {} : { concurrency }), handle },
      ...(retry === undefined ? {} : { retry }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(from === undefined ? {} : { from }),
    },
    environment,
  )
}

interface RunningActor {
  readonly actor: Actor
  readonly environment: ActorEnvironment
  readonly types: ReadonlyMap<string, EventType>
  readonly declared: ReadonlyMap<string, EventType>
}

async function handleMessage(
  { actor, environment, types, declared }: RunningActor,
  message: Message,
  { signal, attempt }: StepContext,
): Promise<void> {
  const event = eventOf(message, types)
  if (event === undefined) return
  const nowMs = environment.runtime.clock.now()
  const result = await actor.handle(event, { signal, attempt, nowMs })
  // A try that was given up must have no effect any more: the next one may be under way.
  throwIfAborted(signal)
  const outputs = outputsOf(actor.name, result, declared)
  const cause = { actor: actor.name, event, acceptedAtMs: message.timestampMs }
  await sendOutputs(environment, cause, outputs, signal)
}

/** The event in the message with its data as its type declares it; undefined for one of a type that is not asked for. */
function eventOf(message: Message, types: ReadonlyMap<string, EventType>): Event | undefined {
  let event: Event
  try {
    event = messageToEvent(message)
  } catch (error) {
    throw unreadable(message, errorText(error))
  }
  return types.get(event.type)?.parse(event)
}

function unreadable(message: Message, reason: string) {
  return millraceError('MESSAGE_UNREADABLE', { message: describeMessage(message), reason })
}

function assertNames(actor: Actor): void {
  if (!ACTOR_NAME.test(actor.name)) {
    throw millraceError('CONFIGURATION_INVALID', {
      path: 'actors.name',
      seen: JSON.stringify(actor.name) ?? typeof actor.name,
      expected: '1 to 100 of a-z, A-Z, 0-9, ".", "_" and "-", starting with a letter or digit',
    })
  }
  if (actor.on.length === 0) {
    throw millraceError('CONFIGURATION_INVALID', {
      path: `${actor.name}.on`,
      seen: 'empty',
      expected: 'an event type',
    })
  }
}
