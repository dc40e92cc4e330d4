/** A message that was handed to the bus. */
export interface SentMessage {
  readonly number: number
  readonly key: string
  /** It must not appear before this time; 0 if it need not wait. */
  readonly dueMs: number
}

/** Something that was learnt from outside of the bus. */
export type BusFact =
  | {
      readonly kind: 'published'
      readonly number: number
      readonly partition: number
      readonly offset: number
    }
  /** Durable, and to appear later. */
  | { readonly kind: 'delayed'; readonly number: number }
  /** Handed over again: its place among others is not known any more. */
  | { readonly kind: 'repeated'; readonly number: number }
  | { readonly kind: 'seen'; readonly number: number; readonly partition: number; readonly offset: number }
  | { readonly kind: 'asked'; readonly group: string; readonly partition: number; readonly offset: number }
  | {
      readonly kind: 'committed'
      readonly group: string
      readonly partition: number
      readonly offset: number
    }
  | { readonly kind: 'dead'; readonly partition: number; readonly offset: number; readonly group: string }
  /** Every letter that was known then has been published again. */
  | { readonly kind: 'replayed' }
  | { readonly kind: 'opened'; readonly epoch: number }
  | { readonly kind: 'written'; readonly number: number }
  /** Handed to a writer that had been fenced off: must not be there, ever. */
  | { readonly kind: 'fenced'; readonly number: number }
  | { readonly kind: 'created'; readonly topic: string }

/** What is known at one moment about what must, may and must not stand on the bus. */
export class BusKnowledge {
  readonly sent: readonly SentMessage[]
  readonly topics = new Set<string>()
  /** Acknowledged messages by number. */
  readonly published = new Set<number>()
  readonly delayed = new Set<number>()
  readonly repeated = new Set<number>()
  /** `partition/offset` to number: what was given or shown there. */
  readonly places = new Map<string, number>()
  /** `group/partition` to position. */
  readonly committed = new Map<string, number>()
  readonly asked = new Map<string, Set<number>>()
  /** `partition/offset group` of every letter that was acknowledged; true if it has been replayed. */
  readonly dead = new Map<string, boolean>()
  readonly written: number[] = []
  readonly fenced = new Set<number>()
  epoch = 0

  constructor(sent: readonly SentMessage[]) {
    this.sent = sent
  }

  /** Takes in a fact; answers what is wrong with it in the light of what was known. */
  learn(fact: BusFact): string | undefined {
    switch (fact.kind) {
      case 'published':
        this.published.add(fact.number)
        return this.#place(fact.partition, fact.offset, fact.number)
      case 'seen':
        return this.#place(fact.partition, fact.offset, fact.number)
      case 'delayed':
        this.delayed.add(fact.number)
        return undefined
      case 'repeated':
        this.repeated.add(fact.number)
        return undefined
      case 'asked':
        this.#askedOf(fact.group, fact.partition).add(fact.offset)
        return undefined
      case 'committed':
        this.committed.set(`${fact.group}/${fact.partition}`, fact.offset)
        return undefined
      case 'dead': {
        const letter = `${fact.partition}/${fact.offset} ${fact.group}`
        this.dead.set(letter, this.dead.get(letter) ?? false)
        return undefined
      }
      case 'replayed':
        for (const letter of this.dead.keys()) this.dead.set(letter, true)
        return undefined
      case 'opened':
        this.epoch = Math.max(this.epoch, fact.epoch)
        return undefined
      case 'written':
        this.written.push(fact.number)
        return undefined
      case 'fenced':
        this.fenced.add(fact.number)
        return undefined
      case 'created':
        this.topics.add(fact.topic)
        return undefined
    }
  }

  #askedOf(group: string, partition: number): Set<number> {
    const name = `${group}/${partition}`
    const asked = this.asked.get(name) ?? new Set<number>()
    this.asked.set(name, asked)
    return asked
  }

  #place(partition: number, offset: number, number: number): string | undefined {
    const place = `${partition}/${offset}`
    const known = this.places.get(place)
    this.places.set(place, number)
    return known === undefined || known === number
      ? undefined
      : `${place} shows message ${number}, and has shown message ${known} before`
  }
}
