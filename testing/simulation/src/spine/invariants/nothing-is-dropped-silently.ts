import { deadLetterTopic, derivedId, idempotencyKeyOf, type Message } from '@millrace/bus'
import { COMMANDS_TOPIC } from '@millrace/devices'
import { ACTOR_NAME, Alarm, HOT_CELSIUS, PROJECTION_NAME, Reading } from '../application.ts'
import type { Invariant } from '../invariant.ts'
import { type DiskContents, messagesOf } from '../oracle/disk-contents.ts'
import type { Oracle } from '../oracle/oracle.ts'
import { publicationIdIn, readingIn } from '../oracle/reading-message.ts'
import { deathOf } from '../oracle/topic-view.ts'

/** Who puts aside what devices publish and no schema takes. */
const INTAKE_GROUP = 'devices'

/** In the end every message has been handled with all its effects, or lies among the dead letters of who gave it up. */
export function nothingIsDroppedSilently(oracle: Oracle): Invariant {
  return {
    name: 'NothingIsDroppedSilently',
    atEnd: (contents) => {
      const dead = deathsOn(contents)
      for (const message of messagesOf(contents, Reading.type)) {
        const loss = lossOf(message, oracle, contents, dead)
        if (loss !== undefined)
          return `the message at offset ${message.offset} of partition ${message.partition} ${loss}`
      }
      return refusalsWithoutTrace(oracle, dead)
    },
  }
}

type Deaths = ReadonlySet<string>

function deathsOn(contents: DiskContents): Deaths {
  const deaths = new Set<string>()
  for (const letter of messagesOf(contents, deadLetterTopic(Reading.type))) {
    const { group, partition, offset } = deathOf(letter)
    deaths.add(`${group} ${partition}/${offset}`)
    deaths.add(`${group} ${publicationIdIn(letter)}`)
  }
  return deaths
}

function lossOf(message: Message, oracle: Oracle, contents: DiskContents, dead: Deaths): string | undefined {
  const place = `${message.partition}/${message.offset}`
  const isDead = (group: string) => dead.has(`${group} ${place}`)
  const reading = readingIn(message)
  if (reading === undefined) {
    const silent = [ACTOR_NAME, PROJECTION_NAME].find((group) => !isDead(group))
    return silent === undefined ? undefined : `is no reading, and ${silent} has no dead letter of it`
  }
  if (isDead(ACTOR_NAME)) return undefined
  if (!oracle.handled.has(`${reading.source} ${reading.id}`)) return 'was neither handled nor given up'
  if (reading.data.celsius <= HOT_CELSIUS) return undefined
  const outputs: readonly [string, number][] = [
    [Alarm.type, 0],
    [COMMANDS_TOPIC, 1],
  ]
  for (const [topic, index] of outputs) {
    const id = derivedId(idempotencyKeyOf(reading), ACTOR_NAME, index)
    if (!idsOn(contents, topic).has(id)) return `was handled, but its output ${id} is not on ${topic}`
  }
  return undefined
}

const idsByContents = new WeakMap<DiskContents, Map<string, Set<string | undefined>>>()

function idsOn(contents: DiskContents, topic: string): Set<string | undefined> {
  const byTopic = idsByContents.get(contents) ?? new Map<string, Set<string | undefined>>()
  idsByContents.set(contents, byTopic)
  const ids = byTopic.get(topic) ?? new Set(messagesOf(contents, topic).map(({ headers }) => headers.ce_id))
  byTopic.set(topic, ids)
  return ids
}

function refusalsWithoutTrace({ publications }: Oracle, dead: Deaths): string | undefined {
  for (const { id, kind, state } of publications.values()) {
    if (kind === 'reading' && state === 'refused') return `${id} fits its schema and was refused`
    if (kind !== 'poison' || state === 'sent') continue
    if (!dead.has(`${INTAKE_GROUP} ${id}`))
      return `${id} was ${state}, fits no schema, and left no dead letter`
  }
  return undefined
}
