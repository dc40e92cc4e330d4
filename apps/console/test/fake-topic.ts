import type { MessageBody, MessageListBody, TopicBody } from '@millrace/server/api-shapes'

/** Messages that a partition keeps; older ones are gone, as after retention. */
const MESSAGES_MAX = 2_000

type Partition = { startOffset: number; messages: MessageBody[] }
export type FakeContent = Omit<MessageBody, 'topic' | 'partition' | 'offset' | 'acceptedAt'>

/** A topic in memory. */
export class FakeTopic {
  readonly name: string
  readonly #partitions: Partition[]
  readonly #watchers = new Set<(message: MessageBody) => void>()

  constructor(name: string, partitions: number) {
    this.name = name
    this.#partitions = Array.from({ length: partitions }, () => ({ startOffset: 0, messages: [] }))
  }

  append(content: FakeContent, timeMs: number): MessageBody {
    const number = spread(content.key ?? '') % this.#partitions.length
    const partition = this.#partitions[number]!
    const offset = partition.startOffset + partition.messages.length
    const acceptedAt = new Date(timeMs).toISOString()
    const message = { topic: this.name, partition: number, offset, acceptedAt, ...content }
    partition.messages.push(message)
    if (partition.messages.length > MESSAGES_MAX) {
      partition.messages.shift()
      partition.startOffset += 1
    }
    for (const watcher of this.#watchers) watcher(message)
    return message
  }

  watch(watcher: (message: MessageBody) => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  /** As `GET /api/topics/{topic}/messages`. Undefined if there is no such partition. */
  read(partition: number, from: number, limit: number): MessageListBody | undefined {
    const held = this.#partitions[partition]
    if (!held) return undefined
    const { startOffset } = held
    const endOffset = startOffset + held.messages.length
    const wanted = from < 0 ? endOffset + from : from
    const offset = Math.min(endOffset, Math.max(startOffset, wanted))
    const messages = held.messages.slice(offset - startOffset, offset - startOffset + limit)
    return { messages, startOffset, endOffset, next: offset + messages.length }
  }

  body(): TopicBody {
    const partitions = this.#partitions.map(({ startOffset, messages }, partition) => ({
      partition,
      startOffset,
      endOffset: startOffset + messages.length,
      bytes: messages.length * 214,
    }))
    const { name } = this
    return {
      name,
      exclusive: false,
      messages: partitions.reduce((sum, each) => sum + each.endOffset - each.startOffset, 0),
      bytes: partitions.reduce((sum, each) => sum + each.bytes, 0),
      partitions,
      system: name.startsWith('millrace.') || name.endsWith('.dead-letters'),
    }
  }
}

function spread(key: string): number {
  let hash = 7
  for (const letter of key) hash = (hash * 31 + letter.charCodeAt(0)) >>> 0
  return hash
}
