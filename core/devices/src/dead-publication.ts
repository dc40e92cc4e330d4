import { type Bus, deadLetter, type NewMessage } from '@millrace/bus'

/** Publications that belong to no declared topic are dead letters of this one. */
export const REFUSED_TOPIC = 'millrace.refused'

/** Who gave up, in the dead letter. */
const INTAKE_GROUP = 'devices'
const REASON_LENGTH_MAX = 1_000

/** Keeps a refused publication; durable on return. */
export async function deadLetterRefused(
  bus: Bus,
  topic: string,
  message: NewMessage,
  cause: { readonly code: string; readonly reason: string },
  nowMs: number,
): Promise<void> {
  const reason = cause.reason.slice(0, REASON_LENGTH_MAX)
  await deadLetter(
    bus,
    topic,
    message,
    { group: INTAKE_GROUP, code: cause.code, reason, attempts: 1 },
    { nowMs },
  )
}
