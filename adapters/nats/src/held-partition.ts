import { millraceError } from '@millrace/kernel'
import type { GroupBucket } from './group-bucket.ts'
import type { PartitionFeed } from './partition-feed.ts'
import type { TopicFacts } from './topic-streams.ts'

/** A commit that waits for the one before it; later ones join it. */
interface WaitingCommit {
  offset: number
  readonly done: Promise<boolean>
}

/** A partition that a member has, with the revision by which it commits. */
export class HeldPartition {
  readonly facts: TopicFacts
  readonly partition: number
  readonly #bucket: GroupBucket
  readonly #group: string
  readonly #owner: string
  feed: PartitionFeed
  paused = false
  /** Up to where it has returned or been told; what is committed up to there needs no look at the server. */
  knownEnd: number
  #revision: number
  #waiting: WaitingCommit | undefined
  #turn: Promise<unknown> = Promise.resolve()

  constructor(
    place: { readonly facts: TopicFacts; readonly partition: number; readonly offset: number },
    claim: {
      readonly bucket: GroupBucket
      readonly group: string
      readonly owner: string
      readonly revision: number
    },
    feed: PartitionFeed,
  ) {
    this.facts = place.facts
    this.partition = place.partition
    this.knownEnd = place.offset
    this.#bucket = claim.bucket
    this.#group = claim.group
    this.#owner = claim.owner
    this.#revision = claim.revision
    this.feed = feed
  }

  /** True if it is durable; false if the partition belongs to somebody else by now. */
  commit(offset: number): Promise<boolean> {
    if (this.#waiting !== undefined) {
      this.#waiting.offset = offset
      return this.#waiting.done
    }
    const waiting: WaitingCommit = {
      offset,
      done: this.#turn.then(() => {
        this.#waiting = undefined
        return this.#write(waiting.offset)
      }),
    }
    this.#waiting = waiting
    this.#turn = waiting.done.catch(() => undefined)
    return waiting.done
  }

  async #write(offset: number): Promise<boolean> {
    const position = { topic: this.facts.name, partition: this.partition, offset }
    for (;;) {
      const revision = await this.#bucket.setClaim(this.#group, position, this.#owner, this.#revision)
      if (revision !== undefined) {
        this.#revision = revision
        return true
      }
      // The answer to an earlier try of ours may have been lost: then the newest revision is ours.
      const { value, revision: newest } = await this.#bucket.claim(
        this.#group,
        position.topic,
        this.partition,
      )
      if (value.owner !== this.#owner) return false
      this.#revision = newest
    }
  }
}

/** Throws `OFFSET_OUT_OF_RANGE` for what is no offset, or is outside. */
export function assertWithin(
  position: { readonly topic: string; readonly partition: number; readonly offset: number },
  { start, end }: { readonly start: number; readonly end: number },
): void {
  if (Number.isInteger(position.offset) && position.offset >= start && position.offset <= end) return
  throw millraceError('OFFSET_OUT_OF_RANGE', { ...pick(position), start, end })
}

function pick({ topic, partition, offset }: { topic: string; partition: number; offset: number }) {
  return { topic, partition, offset }
}
