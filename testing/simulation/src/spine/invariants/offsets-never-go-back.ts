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
  for (const sighting of sightings) {
    const found = messageAt(contents, sighting)
    const isFine =
      found !== undefined &&
      (sighting.isEcho ? found.headers.ce_id === sighting.eventId : isSame(found, sighting.content))
    if (isFine) continue
    const { topic, partition, offset, content } = sighting
    const now = found === undefined ? 'is empty' : `has ${describe(found)}`
    return `${contents.moment}, ${topic}/${partition} offset ${offset} ${now}, after it had shown ${describe(content)}`
  }
  return undefined
}

/** Offsets have few holes, so the message is at its offset's index or a little before. */
function messageAt({ topics }: DiskContents, { topic, partition, offset }: Sighting): Message | undefined {
  const messages = topics.get(topic)?.[partition] ?? []
  const start = messages[0]?.offset ?? 0
  for (let index = Math.min(offset - start, messages.length - 1); index >= 0; index -= 1) {
    const message = messages[index]
    if (message === undefined || message.offset <= offset)
      return message?.offset === offset ? message : undefined
  }
  return undefined
}
