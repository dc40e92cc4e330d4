import { eventToMessage, type Message, messageToEvent, type NewMessage } from '@millrace/bus'
import { decodeBase64, encodeBase64, formatTime, newId, type Runtime } from '@millrace/kernel'
import type { PlainMessage } from './plain-message.ts'
import type { Grant, Session } from './session.ts'

/** The topic of what must outlive the server: persistent subscriptions and retained messages, keyed by device. */
export const SESSIONS_TOPIC = 'millrace.sessions'

const SESSION_KEPT = 'millrace.session.kept'
const SESSION_ENDED = 'millrace.session.ended'
const RETAINED_KEPT = 'millrace.retained.kept'

/** A record of the session topic, read. Each replaces the one before it with the same device and topic. */
export type SessionRecord =
  | {
      readonly kind: 'kept'
      readonly device: string
      /** Infinity: for ever. */
      readonly expirySeconds: number
      readonly subscriptions: readonly (readonly [string, Grant])[]
    }
  | { readonly kind: 'ended'; readonly device: string }
  | { readonly kind: 'retained'; readonly device: string; readonly message: PlainMessage }

interface KeptData {
  /** null: for ever. */
  readonly expirySeconds: number | null
  readonly subscriptions: readonly (Grant & { readonly filter: string })[]
}

interface RetainedData extends Omit<PlainMessage, 'payload' | 'properties' | 'expiresAtMs' | 'retain'> {
  readonly payload: string
  readonly properties: Omit<PlainMessage['properties'], 'correlationData'> & {
    readonly correlationData?: string
  }
  readonly expiresAtMs: number | null
}

/** The record that a session goes on after its connection. */
export function keptMessage({ device, expirySeconds, subscriptions }: Session, runtime: Runtime): NewMessage {
  const data: KeptData = {
    expirySeconds: finite(expirySeconds),
    subscriptions: [...subscriptions].map(([filter, grant]) => ({ filter, ...grant })),
  }
  return messageOf(SESSION_KEPT, device, data, runtime)
}

/** The record that a session is over. */
export function endedMessage(device: string, runtime: Runtime): NewMessage {
  return messageOf(SESSION_ENDED, device, {}, runtime)
}

/** The record of a retained message; an empty payload says that there is none. */
export function retainedMessage(device: string, message: PlainMessage, runtime: Runtime): NewMessage {
  const { topic, qos, payload, properties, expiresAtMs } = message
  const { correlationData, ...plain } = properties
  const data: RetainedData = {
    topic,
    qos,
    payload: encodeBase64(payload),
    properties: {
      ...plain,
      ...(correlationData === undefined ? {} : { correlationData: encodeBase64(correlationData) }),
    },
    expiresAtMs: finite(expiresAtMs),
  }
  return messageOf(RETAINED_KEPT, device, data, runtime)
}

/** Reads a record of the session topic; undefined for one that is none, which a fold passes over. */
export function readSessionRecord(message: Message): SessionRecord | undefined {
  try {
    const { type, subject: device, data } = messageToEvent(message)
    if (device === undefined) return undefined
    if (type === SESSION_ENDED) return { kind: 'ended', device }
    if (type === SESSION_KEPT) return { kind: 'kept', device, ...kept(data as KeptData) }
    if (type === RETAINED_KEPT) return { kind: 'retained', device, message: retained(data as RetainedData) }
    return undefined
  } catch {
    return undefined
  }
}

function kept({ expirySeconds, subscriptions }: KeptData) {
  return {
    expirySeconds: expirySeconds ?? Number.POSITIVE_INFINITY,
    subscriptions: subscriptions.map(({ filter, ...grant }) => [filter, grant] as const),
  }
}

function retained({ topic, qos, payload, properties, expiresAtMs }: RetainedData): PlainMessage {
  const { correlationData, ...plain } = properties
  const correlation = correlationData === undefined ? undefined : decodeBase64(correlationData)
  return {
    topic,
    qos,
    retain: true,
    payload: decodeBase64(payload) ?? new Uint8Array(0),
    properties: { ...plain, ...(correlation === undefined ? {} : { correlationData: correlation }) },
    expiresAtMs: expiresAtMs ?? Number.POSITIVE_INFINITY,
  }
}

/** JSON has no infinity. */
function finite(value: number): number | null {
  return value === Number.POSITIVE_INFINITY ? null : value
}

function messageOf(type: string, device: string, data: unknown, runtime: Runtime): NewMessage {
  const time = formatTime(runtime.clock.now())
  return eventToMessage({ id: newId(runtime), type, source: '/sessions', subject: device, time, data })
}
