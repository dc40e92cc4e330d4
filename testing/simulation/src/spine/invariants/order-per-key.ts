import { ACTOR_NAME, Reading } from '../application.ts'
import type { Invariant } from '../invariant.ts'
import { messagesOf } from '../oracle/disk-contents.ts'
import type { Handling, Oracle } from '../oracle/oracle.ts'
import { publicationIdIn, readingIn } from '../oracle/reading-message.ts'

/**
 * What a device publishes stands in its topic in the order in which it was published (first occurrences; a repetition
 * may come late), and a process handles it in the order of the topic without leaving anything out.
 */
export function orderPerKey(oracle: Oracle): Invariant {
  /** By process and key: the offset that was handled last. */
  const last = new Map<string, number>()
  const firsts = new FirstPlaces(oracle)
  let nextHandling = 0
  return {
    name: 'OrderPerKey',
    afterStep: () => {
      const disorder = firsts.update()
      if (disorder !== undefined) return disorder
      for (; nextHandling < oracle.handlings.length; nextHandling += 1) {
        const handling = oracle.handlings[nextHandling] as Handling
        const wrong = judgeHandling(oracle, last, handling)
        if (wrong !== undefined) return wrong
      }
      return undefined
    },
    onDisk: (contents) => {
      const highest = new Map<string, number>()
      const known = new Set<string>()
      for (const message of messagesOf(contents, Reading.type)) {
        const id = publicationIdIn(message)
        const publication = id === undefined ? undefined : oracle.publications.get(id)
        if (publication === undefined || known.has(publication.id)) continue
        known.add(publication.id)
        const { device, seq } = publication
        const before = highest.get(device) ?? 0
        if (before > seq)
          return `${contents.moment}, ${device}'s reading ${seq} stands behind its reading ${before}`
        highest.set(device, seq)
      }
      return undefined
    },
  }
}

/** Where each publication was first seen in its topic; says which two are the wrong way round. */
class FirstPlaces {
  readonly #oracle: Oracle
  readonly #byDevice = new Map<string, (number | undefined)[]>()
  #next = 0

  constructor(oracle: Oracle) {
    this.#oracle = oracle
  }

  update(): string | undefined {
    const { topics, publications } = this.#oracle
    for (; this.#next < topics.sightings.length; this.#next += 1) {
      const sighting = topics.sightings[this.#next]
      if (sighting?.topic !== Reading.type) continue
      const publication = publications.get(publicationIdIn(sighting.content) ?? '')
      if (publication === undefined) continue
      const disorder = this.#place(publication.device, publication.seq, sighting.offset)
      if (disorder !== undefined) return disorder
    }
    return undefined
  }

  #place(device: string, seq: number, offset: number): string | undefined {
    const places = this.#byDevice.get(device) ?? []
    this.#byDevice.set(device, places)
    if ((places[seq] ?? Number.POSITIVE_INFINITY) <= offset) return undefined
    places[seq] = offset
    const before = places.findLastIndex((place, index) => index < seq && place !== undefined)
    const after = places.findIndex((place, index) => index > seq && place !== undefined)
    if (before >= 0 && (places[before] ?? 0) > offset) return wrongWay(device, before, seq)
    if (after >= 0 && (places[after] ?? 0) < offset) return wrongWay(device, seq, after)
    return undefined
  }
}

function wrongWay(device: string, first: number, second: number): string {
  return `${device} published reading ${first} before ${second}, but they stand the other way round in the topic`
}

function judgeHandling(
  { topics, handled, dead }: Oracle,
  last: Map<string, number>,
  { process, key, eventId, partition, offset, attempt }: Handling,
): string | undefined {
  if (partition === undefined || offset === undefined)
    return `${eventId} was handled before anybody saw it in its topic`
  const lane = `${process} ${key}`
  const before = last.get(lane)
  last.set(lane, offset)
  if (before === offset && attempt > 1) return undefined
  const what = `process ${process} handled ${key}'s event at offset ${offset} of partition ${partition}`
  if (before !== undefined && before >= offset) return `${what} after the one at ${before}`
  for (let between = before === undefined ? 0 : before + 1; between < offset; between += 1) {
    const skipped = topics.at(Reading.type, partition, between)
    if (skipped === undefined || skipped.content.key !== key) continue
    const reading = readingIn(skipped.content)
    if (reading === undefined || handled.has(`${reading.source} ${reading.id}`)) continue
    if (!dead.has(ACTOR_NAME, partition, between))
      return `${what}, but nobody has finished the one at ${between}`
  }
  return undefined
}
