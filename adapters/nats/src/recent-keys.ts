import { decodeFrame } from './frame.ts'
import type { NatsLink } from './nats-link.ts'
import { firstOffset } from './offsets.ts'
import { PullReader } from './pull-reader.ts'
import type { TopicFacts } from './topic-streams.ts'

/** Keys that a writer remembers at most; they are as old as the server's window allows. */
const KEYS_MAX = 65_536
const PULL_COUNT = 1_000

/** The idempotency keys of a partition that has one writer, who therefore knows them all. */
export class RecentKeys {
  readonly #offsets = new Map<string, number>()

  has(key: string): boolean {
    return this.#offsets.has(key)
  }

  offsetOf(key: string): number | undefined {
    return this.#offsets.get(key)
  }

  add(key: string, offset: number): void {
    this.#offsets.set(key, offset)
    if (this.#offsets.size <= KEYS_MAX) return
    const [oldest] = this.#offsets.keys()
    if (oldest !== undefined) this.#offsets.delete(oldest)
  }
}

/** The keys of what was written within the server's window of duplicates. */
export async function readRecentKeys(
  link: NatsLink,
  place: { readonly facts: TopicFacts; readonly partition: number; readonly subject: string },
): Promise<RecentKeys> {
  const { facts, partition, subject } = place
  const keys = new RecentKeys()
  let from: { sequence: number } | { timeMs: number } = {
    timeMs: Date.now() - link.settings.limits.duplicateWindowMs,
  }
  for (let isMore = true; isMore; ) {
    const reader = await PullReader.open(link, { stream: facts.stream, subject, from })
    isMore = reader.pendingAtStart > 0
    const limits = { countMax: PULL_COUNT, bytesMax: 2 * link.info.max_payload, waitMs: 0 }
    await reader.pull(limits, ({ sequence, timestampMs, pending, msg }) => {
      from = { sequence: sequence + 1 }
      isMore = pending > 0
      const offset = firstOffset(facts, sequence)
      const framed = decodeFrame({ topic: facts.name, partition, offset, timestampMs }, msg.headers, msg.data)
      for (const { message, idempotencyKey } of framed) {
        if (idempotencyKey !== undefined) keys.add(idempotencyKey, message.offset)
      }
    })
    reader.close()
  }
  return keys
}
