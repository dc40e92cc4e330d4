import { type Bus, type Message, openLogBus } from '@millrace/bus'
import { manualRuntime } from '@millrace/kernel'
import type { MemoryFiles } from '@millrace/memory'

/** What a bus finds on a disk, message by message. */
export interface DiskContents {
  /** When it was looked at: `after a power cut`. */
  readonly moment: string
  /** Messages by topic, those of one partition in order. */
  readonly topics: ReadonlyMap<string, readonly (readonly Message[])[]>
  /** End offsets by topic and partition. */
  readonly endOffsets: ReadonlyMap<string, readonly number[]>
}

/**
 * Opens a bus of its own on `disk`, which must answer without a timer, and reads all of it. Rejects if the bus cannot
 * be opened or read.
 */
export async function readDisk(disk: MemoryFiles, moment: string): Promise<DiskContents> {
  const bus = await openLogBus({ files: disk, runtime: manualRuntime() })
  const topics = new Map<string, Message[][]>()
  const endOffsets = new Map<string, number[]>()
  for (const { name, partitions } of await bus.listTopics()) {
    const contents: Message[][] = []
    for (const { partition, startOffset } of partitions) {
      contents.push(await readPartition(bus, name, partition, startOffset))
    }
    topics.set(name, contents)
    endOffsets.set(
      name,
      partitions.map(({ endOffset }) => endOffset),
    )
  }
  return { moment, topics, endOffsets }
}

async function readPartition(bus: Bus, topic: string, partition: number, from: number): Promise<Message[]> {
  const messages: Message[] = []
  for (let offset = from; ; ) {
    const page = await bus.read({ topic, partition, offset })
    const last = page.at(-1)
    if (last === undefined) return messages
    messages.push(...page)
    offset = last.offset + 1
  }
}

/** All messages of a topic, partition by partition. */
export function messagesOf({ topics }: DiskContents, topic: string): readonly Message[] {
  return topics.get(topic)?.flat() ?? []
}
