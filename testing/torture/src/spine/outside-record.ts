/** A reading as its device numbered it. */
export interface NumberedReading {
  readonly device: string
  /** Consecutive for each device, from 0. */
  readonly number: number
  readonly id: string
}

/** A reading that the server has acknowledged. */
export interface AcknowledgedReading extends NumberedReading {
  readonly atMs: number
}

/** A command that a device has executed. */
export interface ExecutedCommand {
  readonly device: string
  readonly id: string
}

/** What somebody saw at a place of a topic, to be found there again. */
export interface Sighting {
  readonly offset: number
  readonly id: string
}

/** What the world outside the server knows. It is kept by the torture, which is never killed. */
export class OutsideRecord {
  readonly published = new Map<string, number>()
  readonly acknowledged: AcknowledgedReading[] = []
  readonly executed: ExecutedCommand[] = []
  /** Readings that the server refused for good; there should be none. */
  readonly refused: string[] = []
  readonly killsAtMs: number[] = []
  /** Newest messages of the reading topic, as they were read between kills. */
  readonly sightings: Sighting[] = []
  /** The highest end of each partition that was ever read, by `topic/partition`. */
  readonly ends = new Map<string, number>()
  /** Ends that were lower than before. */
  readonly shrunk: string[] = []

  /** Notes how far partitions go; a lower end than before is kept as a finding. */
  noteEnds(
    topics: readonly {
      readonly name: string
      readonly partitions: readonly { readonly partition: number; readonly endOffset: number }[]
    }[],
  ): void {
    const seen = new Map<string, number>(
      topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partition, endOffset }) => [`${name}/${partition}`, endOffset] as const),
      ),
    )
    for (const [place, before] of this.ends) {
      const now = seen.get(place) ?? 0
      if (now < before) this.shrunk.push(`${place} ended at ${before}, and later at ${now}`)
    }
    for (const [place, end] of seen) this.ends.set(place, Math.max(end, this.ends.get(place) ?? 0))
  }
}
