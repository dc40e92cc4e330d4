import type { Database, StoredEvent, WriteOperation } from '@millrace/documents'
import { type ErrorCode, isMillraceError, type MillraceError } from '@millrace/kernel'

/** The collection of what the bus does not take. It belongs to no tenant. */
export const REFUSALS = 'millrace-refusals'

/** Digits of a position in an id, so that the order of ids is the order of positions. */
const POSITION_DIGITS = 16

/** What says that this event will never be published as it is, whatever state the bus is in. */
const REFUSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'EVENT_INVALID',
  'MESSAGE_INVALID',
  'MESSAGE_TOO_LARGE',
  'NOT_SUPPORTED',
  'TOPIC_EXCLUSIVE',
  'TOPIC_NAME_INVALID',
])

/** An event that the bus does not take: noted, and left in the store. */
export interface Refusal {
  readonly id: string
  readonly relay: string
  readonly position: number
  readonly topic: string
  readonly eventId: string
  readonly type: string
  readonly tenant: string
  readonly code: string
  readonly reason: string
  readonly refusedAtMs: number
}

/** True for an error that is about the event, and not about the state of the bus. */
export function isRefusal(error: unknown): error is MillraceError {
  return isMillraceError(error) && REFUSING.has(error.code)
}

/** Notes that an event was refused. */
export function noteRefusal(
  relay: string,
  stored: StoredEvent,
  { code, message }: MillraceError,
  refusedAtMs: number,
): WriteOperation {
  const { position, topic = stored.type, id: eventId, type, tenant } = stored
  const id = refusalId(relay, position)
  const refusal: Refusal = {
    ...{ id, relay, position, topic, eventId, type, tenant },
    ...{ code, reason: message, refusedAtMs },
  }
  return { kind: 'store', collection: REFUSALS, tenant: '', id, text: JSON.stringify(refusal) }
}

export function refusalId(relay: string, position: number): string {
  return `${relay}/${String(position).padStart(POSITION_DIGITS, '0')}`
}

/** What a relay could not publish, oldest first, behind a position; at most 1,000. */
export async function listRefusals(
  database: Database,
  relay: string,
  { after = 0, limit = 1_000 }: { readonly after?: number; readonly limit?: number } = {},
): Promise<readonly Refusal[]> {
  const id = (operator: 'gt' | 'lt', position: number) =>
    ({ kind: 'id', operator, value: refusalId(relay, position) }) as const
  const filters = [id('gt', after), id('lt', 10 ** POSITION_DIGITS - 1)]
  const [{ documents }] = await database.read([
    { kind: 'query', collection: REFUSALS, where: { kind: 'and', filters }, limit },
  ])
  return documents.map(({ text }) => JSON.parse(text) as Refusal)
}
