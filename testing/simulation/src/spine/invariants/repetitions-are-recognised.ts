import type { Message } from '@millrace/bus'
import { COMMANDS_TOPIC } from '@millrace/devices'
import { Alarm, Reading } from '../application.ts'
import type { Invariant } from '../invariant.ts'
import { messagesOf } from '../oracle/disk-contents.ts'

/** An event that is published again under its id stands in its topic once: repeated readings, outputs and commands. */
export function repetitionsAreRecognised(): Invariant {
  return {
    name: 'RepetitionsAreRecognised',
    onDisk: (contents) => {
      for (const topic of [Reading.type, Alarm.type, COMMANDS_TOPIC]) {
        const twice = firstRepeated(messagesOf(contents, topic))
        if (twice !== undefined) return `${contents.moment}, ${topic} has ${twice} twice`
      }
      return undefined
    },
  }
}

function firstRepeated(messages: readonly Message[]): string | undefined {
  const known = new Set<string>()
  for (const { headers } of messages) {
    if (headers.ce_id === undefined) continue
    const identity = `${headers.ce_source} ${headers.ce_id}`
    if (known.has(identity)) return identity
    known.add(identity)
  }
  return undefined
}
