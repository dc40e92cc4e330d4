import type { Bus, IdempotencyWindowSize, Message, TopicInfo } from '@millrace/bus'
import { type Runtime, unreachable } from '@millrace/kernel'
import { identityOf, type OutgoingMessage } from './outgoing-message.ts'
import type { TopicEnd, TopicEnds } from './topic-ends.ts'

/** Share of the bus's memory that is relied on: its bounds are those of the bus, not ours. */
const WINDOW_SHARE = 0.5

/**
 * Which of these messages are in their topics already, for a relay that does not know what the one before has done.
 *
 * The bus recognises what it remembers. What it may have forgotten (or never remembers) is looked for in the topics, from
 * the offsets on that were noted before it was published. Messages that wait for their time are not in their topic yet:
 * those are recognised by the bus or not at all.
 *
 * @throws what reading the bus throws
 */
export async function publishedBefore(
  { bus, runtime }: { readonly bus: Bus; readonly runtime: Runtime },
  ends: TopicEnds,
  messages: readonly OutgoingMessage[],
): Promise<ReadonlySet<OutgoingMessage>> {
  const found = new Set<OutgoingMessage>()
  const infos = new Map((await bus.listTopics()).map((info) => [info.name, info]))
  for (const [topic, candidates] of Map.groupBy(messages, (each) => each.topic)) {
    const info = infos.get(topic)
    const end = ends.get(topic)
    if (info === undefined || end === undefined) continue
    if (remembersSince(bus.supports.idempotencyWindow, info, end, runtime.clock.now())) continue
    const byIdentity = new Map(candidates.map((each) => [each.identity, each]))
    for await (const page of pagesSince(bus, info, end)) {
      for (const message of page) {
        const candidate = byIdentity.get(identityOf(message))
        if (candidate !== undefined) found.add(candidate)
      }
    }
  }
  return found
}

function remembersSince(
  window: IdempotencyWindowSize,
  { partitions }: TopicInfo,
  { ends, notedAtMs }: TopicEnd,
  nowMs: number,
): boolean {
  switch (window.kind) {
    case 'none':
      return false
    case 'time':
      return Math.abs(nowMs - notedAtMs) <= window.ms * WINDOW_SHARE
    case 'messages': {
      const since = partitions.reduce(
        (sum, { endOffset, partition }) => sum + endOffset - (ends[partition] ?? 0),
        0,
      )
      return since <= window.count * WINDOW_SHARE
    }
    default:
      return unreachable(window)
  }
}

async function* pagesSince(
  bus: Bus,
  { name, partitions }: TopicInfo,
  { ends }: TopicEnd,
): AsyncGenerator<readonly Message[], undefined> {
  for (const { partition, startOffset, endOffset } of partitions) {
    let offset = Math.max(startOffset, ends[partition] ?? 0)
    while (offset < endOffset) {
      const page = await bus.read({ topic: name, partition, offset })
      yield page
      const last = page.at(-1)
      if (last === undefined) break
      offset = last.offset + 1
    }
  }
}
