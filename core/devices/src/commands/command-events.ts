import { eventToMessage, type Message, messageToEvent, type NewMessage } from '@millrace/bus'
import { type Event, formatTime } from '@millrace/kernel'
import { COMMAND_REQUESTED, type Command, type CommandState, commandEventType } from '../command.ts'

/** Who says what happens to commands. */
const SOURCE = '/commands'

/** A record of the command topic, read. */
export type CommandRecord =
  | { readonly kind: 'request'; readonly command: Command }
  | {
      readonly kind: 'transition'
      readonly id: string
      readonly state: CommandState
      readonly atMs: number
      readonly outcome?: unknown
    }

/** What the data of a request holds beside what the event itself says. */
type RequestData = Pick<Command, 'id' | 'name' | 'data' | 'createdAtMs' | 'deadlineAtMs' | 'idempotencyKey'>

/** The event that asks for a command. Its id is the command's, so the bus recognises a repeated request. */
export function requestMessage(command: Command): NewMessage {
  const { id, device, name, data, createdAtMs, deadlineAtMs, idempotencyKey, causationId } = command
  const request: RequestData = {
    id,
    name,
    data,
    createdAtMs,
    deadlineAtMs,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  }
  return eventToMessage({
    id,
    type: COMMAND_REQUESTED,
    source: SOURCE,
    subject: device,
    time: formatTime(createdAtMs),
    ...(causationId === undefined ? {} : { extensions: { causationid: causationId } }),
    data: request,
  })
}

/** The event that a command has entered its state. Caused by the command; a repeated one has the same id. */
export function transitionMessage(command: Command): NewMessage {
  const { id, device, state, changedAtMs, outcome } = command
  return eventToMessage({
    id: `${id}.${state}`,
    type: commandEventType(state),
    source: SOURCE,
    subject: device,
    time: formatTime(changedAtMs),
    extensions: { causationid: id },
    data: { id, atMs: changedAtMs, ...(outcome === undefined ? {} : { outcome }) },
  })
}

const STATES: readonly CommandState[] = ['sent', 'acknowledged', 'done', 'failed', 'expired']
const STATE_OF_TYPE = new Map(STATES.map((state) => [commandEventType(state), state]))

/** Reads a record of the command topic; undefined for one that is none, which a fold passes over. */
export function readCommandRecord(message: Message): CommandRecord | undefined {
  let event: Event
  try {
    event = messageToEvent(message)
  } catch {
    return undefined
  }
  const data = event.data as Partial<RequestData & { atMs: number; outcome: unknown }> | undefined
  if (typeof data?.id !== 'string') return undefined
  if (event.type === COMMAND_REQUESTED) return readRequest(event, data)
  const state = STATE_OF_TYPE.get(event.type)
  if (state === undefined || typeof data.atMs !== 'number') return undefined
  const outcome = data.outcome === undefined ? {} : { outcome: data.outcome }
  return { kind: 'transition', id: data.id, state, atMs: data.atMs, ...outcome }
}

function readRequest(event: Event, data: Partial<RequestData>): CommandRecord | undefined {
  const { id, name, createdAtMs, deadlineAtMs, idempotencyKey } = data
  const cause = event.extensions?.causationid
  if (id === undefined || event.subject === undefined || typeof name !== 'string') return undefined
  if (typeof createdAtMs !== 'number' || typeof deadlineAtMs !== 'number') return undefined
  const command: Command = {
    id,
    device: event.subject,
    name,
    data: data.data,
    state: 'queued',
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    createdAtMs,
    deadlineAtMs,
    changedAtMs: createdAtMs,
    ...(cause === undefined ? {} : { causationId: String(cause) }),
  }
  return { kind: 'request', command }
}
