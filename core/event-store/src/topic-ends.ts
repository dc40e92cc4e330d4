import type { TopicInfo } from '@millrace/bus'

/** Topics remembered beside those of the batch at hand. */
const TOPICS_MAX = 100
/** How old a note may be when a batch is published, in milliseconds: it bounds what has to be looked through later. */
const AGE_MS_MAX = 10_000

/** From which offset of each partition on to look for events that may have been published. */
export interface TopicEnd {
  readonly ends: readonly number[]
  readonly notedAtMs: number
}

/**
 * Where topics ended before the relay published what is not confirmed yet. Invariant: whatever a relay has published and
 * not confirmed lies in a topic that the stored note names, at or behind the offsets that it says.
 */
export class TopicEnds {
  readonly #ends: Map<string, TopicEnd>

  constructor(stored: Readonly<Record<string, TopicEnd>> = {}) {
    this.#ends = new Map(Object.entries(stored))
  }

  get(topic: string): TopicEnd | undefined {
    return this.#ends.get(topic)
  }

  /** Which of these topics must be noted anew before more is published there. */
  stale(topics: readonly string[], nowMs: number): readonly string[] {
    return topics.filter((topic) => {
      const end = this.#ends.get(topic)
      return end === undefined || Math.abs(nowMs - end.notedAtMs) > AGE_MS_MAX
    })
  }

  /** Which of these topics are not noted at all. */
  missing(topics: readonly string[]): readonly string[] {
    return topics.filter((topic) => !this.#ends.has(topic))
  }

  /** Notes where a topic ends now; everything that was published there is confirmed, or nothing was. */
  set({ name, partitions }: TopicInfo, notedAtMs: number): void {
    this.#ends.delete(name)
    this.#ends.set(name, { ends: partitions.map(({ endOffset }) => endOffset), notedAtMs })
  }

  /** Forgets the topics that were noted longest ago, if there are too many, but not these. */
  trim(needed: readonly string[]): void {
    const kept = new Set(needed)
    for (const topic of this.#ends.keys()) {
      if (this.#ends.size <= TOPICS_MAX) return
      if (!kept.has(topic)) this.#ends.delete(topic)
    }
  }

  toJSON(): Readonly<Record<string, TopicEnd>> {
    return Object.fromEntries(this.#ends)
  }
}
