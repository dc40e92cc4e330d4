import type { Message } from '@millrace/bus'
import type { Invariant } from '../invariant.ts'
import type { DiskContents } from '../oracle/disk-contents.ts'
import type { Oracle } from '../oracle/oracle.ts'
import { describe, isSame, type Sighting } from '../oracle/topic-view.ts'

/** A place that has shown a message shows that message for ever, and a topic never ends before what it has shown. */
export function offsetsNeverGoBack({ topics }: Oracle): Invariant {
  return {
    name: 'OffsetsNeverGoBack',
    afterStep: () => topics.conflicts[0],
    onDisk: (contents) => {
      for (const { topic, partition, end } of topics.ends()) {
        const seen = contents.endOffsets.get(topic)?.[partition] ?? 0
        if (seen < end)
          return `${contents.moment}, ${topic}/${partition} ends at ${seen}, after it had shown ${end - 1}`
      }
      return firstChange(contents, topics.sightings)
    },
  }
}

function firstChange(contents: DiskContents, sightings: readonly Sighting[]): string | undefined {
  const kept = new Map<string, Message>()
  for (const partitions of contents.topics.values()) {
    for (const message of partitions.flat()) kept.set(placeOf(message), message)
  }
  for (const sighting of sightings) {
    const found = kept.get(placeOf(sighting))
    const wasShown = `${placeOf(sighting)} had shown ${describe(sighting.content)}`
    if (found === undefined) return `${contents.moment}, ${wasShown}, and is empty`
    const isFine = sighting.isEcho
      ? found.headers.ce_id === sighting.eventId
      : isSame(found, sighting.content)
    if (!isFine) return `${contents.moment}, ${wasShown}, and now has ${describe(found)}`
  }
  return undefined
}

function placeOf({ topic, partition, offset }: Pick<Message, 'topic' | 'partition' | 'offset'>): string {
  return `${topic}/${partition} offset ${offset}`
}
