/** A message as the bus takes it and gives it back. */
export interface Content {
  readonly key?: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly value: Uint8Array
}

/** A message where it was first seen. */
export interface Sighting {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly content: Content
  /** Of the event that it carries, if it carries one. */
  readonly eventId: string | undefined
  /** True if only a repetition was placed there: the same message by its id, but perhaps not by its content. */
  readonly isEcho: boolean
}

/** Where a message of a topic was put aside, and by whom. */
export interface Death {
  readonly topic: string
  readonly group: string
  readonly partition: number | undefined
  readonly offset: number | undefined
}

/** What was ever seen on the topics: placed by a publication, or read. Facts only; others judge them. */
export class TopicView {
  /** Every place once, in the order of sighting; a second time when more than an echo is known of it. */
  readonly sightings: Sighting[] = []
  /** Places that showed two messages. */
  readonly conflicts: string[] = []
  readonly #places = new Map<string, Map<number, Sighting>>()
  readonly #byEvent = new Map<string, Sighting>()

  /** Notes what stands at a place; `isEcho` if the bus said that the message is known and stands there. */
  see(topic: string, partition: number, offset: number, content: Content, isEcho = false): void {
    const places = this.#placesOf(topic, partition)
    const known = places.get(offset)
    if (known !== undefined) {
      const isFine =
        isEcho || known.isEcho ? known.eventId === content.headers.ce_id : isSame(known.content, content)
      if (!isFine) this.#conflict(known, content)
      if (!isFine || isEcho || !known.isEcho) return
    }
    const sighting = { topic, partition, offset, content, eventId: content.headers.ce_id, isEcho }
    places.set(offset, sighting)
    this.sightings.push(sighting)
    const key = eventKey(topic, content)
    const first = this.#byEvent.get(key)
    if (first === undefined || (first.partition === partition && first.offset > offset))
      this.#byEvent.set(key, sighting)
  }

  at(topic: string, partition: number, offset: number): Sighting | undefined {
    return this.#places.get(`${topic}/${partition}`)?.get(offset)
  }

  /** Where the event with this source and id stands first, as far as it is known. */
  find(topic: string, source: string, id: string): Sighting | undefined {
    return this.#byEvent.get(`${topic} ${source} ${id}`)
  }

  /** Behind the highest place that was ever seen, by topic and partition. */
  *ends(): Generator<{ readonly topic: string; readonly partition: number; readonly end: number }> {
    for (const [place, offsets] of this.#places) {
      const slash = place.lastIndexOf('/')
      const end = Math.max(...offsets.keys()) + 1
      yield { topic: place.slice(0, slash), partition: Number(place.slice(slash + 1)), end }
    }
  }

  #placesOf(topic: string, partition: number): Map<number, Sighting> {
    const place = `${topic}/${partition}`
    const known = this.#places.get(place) ?? new Map<number, Sighting>()
    this.#places.set(place, known)
    return known
  }

  #conflict(known: Sighting, seen: Content): void {
    const { topic, partition, offset, content } = known
    this.conflicts.push(
      `${topic}/${partition} offset ${offset} showed ${describe(content)}, and later ${describe(seen)}`,
    )
  }
}

/** True if two contents are one message. */
export function isSame(one: Content, other: Content): boolean {
  return one.headers.ce_id === other.headers.ce_id && Buffer.compare(one.value, other.value) === 0
}

/** Who put a message aside, read from its dead letter. */
export function deathOf({ headers }: Content): Death {
  const number = (text: string | undefined) => (text === undefined ? undefined : Number(text))
  return {
    topic: headers['mr_dead-topic'] ?? '',
    group: headers['mr_dead-group'] ?? '',
    partition: number(headers['mr_dead-partition']),
    offset: number(headers['mr_dead-offset']),
  }
}

/** A few words for people. */
export function describe({ headers, key, value }: Content): string {
  const id = headers.ce_id ?? `${value.length} bytes without id`
  return `${headers.ce_type ?? 'no event'} ${id}${key === undefined ? '' : ` of ${key}`}`
}

function eventKey(topic: string, { headers }: Content): string {
  return `${topic} ${headers.ce_source} ${headers.ce_id}`
}
