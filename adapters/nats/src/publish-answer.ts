import type { Msg } from '@nats-io/nats-core'
import { isWrongSequence } from './nats-failure.ts'

/** What the server says about a publication. */
export type PublishAnswer =
  | { readonly kind: 'stored'; readonly sequence: number; readonly duplicate: boolean }
  /** Not now: no leader, no room, the same id is on its way. */
  | { readonly kind: 'later'; readonly reason: string }
  /** Somebody else has written to the subject since. */
  | { readonly kind: 'conflict' }
  | { readonly kind: 'refused'; readonly reason: string }

/** The same id is being stored for another publication right now. */
const DUPLICATE_UNDER_WAY = 10_158

interface Answer {
  readonly seq?: number
  readonly duplicate?: boolean
  readonly error?: { readonly code: number; readonly err_code: number; readonly description: string }
}

export function publishAnswerOf(msg: Msg): PublishAnswer {
  // Nobody listens to the subject: no stream, or its server is not ready.
  if (msg.headers?.code === 503) return { kind: 'later', reason: 'no stream answers' }
  let answer: Answer
  try {
    answer = msg.json<Answer>()
  } catch {
    return { kind: 'refused', reason: 'something answers that is no JetStream' }
  }
  const { error, seq, duplicate = false } = answer
  if (error === undefined && seq !== undefined) return { kind: 'stored', sequence: seq, duplicate }
  const reason = error?.description ?? 'an answer without a sequence'
  if (isWrongSequence(error?.err_code)) return { kind: 'conflict' }
  const isPassing = (error?.code ?? 0) >= 500 || error?.err_code === DUPLICATE_UNDER_WAY
  return isPassing ? { kind: 'later', reason } : { kind: 'refused', reason }
}
