import { deadLetterTopic } from '@millrace/bus'
import { Reading } from '../application.ts'
import type { Invariant } from '../invariant.ts'
import { type DiskContents, messagesOf } from '../oracle/disk-contents.ts'
import type { Oracle } from '../oracle/oracle.ts'
import { publicationIdIn } from '../oracle/reading-message.ts'

/** What a device was told is safe is in its topic, or among the dead letters if it fits none; whatever happened since. */
export function acknowledgedIsDurable({ acknowledged, publications }: Oracle): Invariant {
  return {
    name: 'AcknowledgedIsDurable',
    onDisk: (contents) => {
      const kept = idsOn(contents, Reading.type)
      const dead = idsOn(contents, deadLetterTopic(Reading.type))
      const lost = acknowledged.filter((id) => {
        return !(publications.get(id)?.kind === 'poison' ? dead : kept).has(id)
      })
      if (lost.length === 0) return undefined
      const total = acknowledged.length
      return `${contents.moment}, ${lost.length} of ${total} acknowledged readings are not on the disk: ${lost.slice(0, 5).join(', ')}`
    },
  }
}

function idsOn(contents: DiskContents, topic: string): Set<string | undefined> {
  return new Set(messagesOf(contents, topic).map(publicationIdIn))
}
