import type { Message } from './bus.ts'
import type { DeadLetter } from './dead-letters.ts'

/** What the headers of a dead letter say beside those that the message had. */
export type Death = Pick<DeadLetter, 'topic' | 'cause' | 'diedAtMs' | 'origin'>

const PREFIX = 'mr_dead-'
/** Keeps a letter's own headers well within what a message may carry beyond its limit. */
const REASON_CHARACTERS_MAX = 2_000

/** The message's headers with the cause beside them; those of an earlier death make room. */
export function encodeLetter(
  headers: Message['headers'],
  { topic, cause, diedAtMs, origin }: Death,
): Record<string, string> {
  return {
    ...withoutDeath(headers),
    [`${PREFIX}topic`]: topic,
    [`${PREFIX}group`]: cause.group,
    [`${PREFIX}code`]: cause.code,
    [`${PREFIX}reason`]: cause.reason.slice(0, REASON_CHARACTERS_MAX),
    [`${PREFIX}attempts`]: String(cause.attempts),
    [`${PREFIX}at`]: String(diedAtMs),
    ...(origin === undefined
      ? {}
      : { [`${PREFIX}partition`]: String(origin.partition), [`${PREFIX}offset`]: String(origin.offset) }),
  }
}

/** Reads what {@link encodeLetter} wrote; what somebody else has put into the topic gets what can be known. */
export function decodeLetter({
  topic,
  headers,
  timestampMs,
}: Message): Death & { headers: Record<string, string> } {
  const text = (name: string) => headers[PREFIX + name]
  const partition = text('partition')
  const offset = text('offset')
  return {
    topic: text('topic') ?? topic.replace(/\.dead-letters$/, ''),
    cause: {
      group: text('group') ?? '',
      code: text('code') ?? '',
      reason: text('reason') ?? '',
      attempts: Number(text('attempts') ?? 0),
    },
    diedAtMs: Number(text('at') ?? timestampMs),
    ...(partition === undefined || offset === undefined
      ? {}
      : { origin: { partition: Number(partition), offset: Number(offset) } }),
    headers: withoutDeath(headers),
  }
}

function withoutDeath(headers: Message['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(PREFIX)))
}
