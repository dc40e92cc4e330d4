import type { Message } from '@millrace/bus'
import { decodeFrame } from './frame.ts'
import { fromWire } from './message-form.ts'
import { firstOffset } from './offsets.ts'
import type { PulledMessage } from './pull-reader.ts'
import type { TopicFacts } from './topic-streams.ts'

/** The messages in what was pulled: one, or those of a frame. */
export function messagesIn(
  facts: TopicFacts,
  partition: number,
  { sequence, timestampMs, msg }: PulledMessage,
): readonly Message[] {
  const offset = firstOffset(facts, sequence)
  const place = { topic: facts.name, partition, offset, timestampMs }
  if (!facts.exclusive) return [fromWire(place, msg.headers, msg.data)]
  return decodeFrame(place, msg.headers, msg.data).map(({ message }) => message)
}

/** What a message counts against a limit of bytes: its value, as the embedded bus counts it. */
export function bytesOf({ value }: Message): number {
  return value.length
}
