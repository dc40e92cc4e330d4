import type { TopicPartition } from '@millrace/bus'
import { millraceError } from '@millrace/kernel'
import { nuid, type Subscription } from '@nats-io/nats-core'
import { type GroupState, placeOf, released, type Share, withMember, withoutMembers } from './group-state.ts'
import type { NatsEngine } from './nats-engine.ts'
import { reasonOf } from './nats-failure.ts'
import { pause } from './nats-link.ts'
import type { TopicFacts } from './topic-streams.ts'

/** The right to a partition, as the group has given it. */
export interface Grant {
  /** What is committed; -1 for nothing. */
  readonly offset: number
  readonly owner: string
  readonly revision: number
}

/** What a member does with partitions that come and go. */
export interface PartitionTaker {
  claimed(place: TopicPartition, grant: Grant): Promise<void>
  revoked(place: TopicPartition): void
  holds(place: TopicPartition): boolean
}

/** How long a new member waits for partitions that living members are about to give it. */
const SETTLE_MS_MAX = 1_000
const SETTLE_POLL_MS = 10
const LEAVE_MS_MAX = 5_000

/**
 * A member's part in the division of its group. States of a partition, as the member sees them:
 * - not ours: somebody else owns it;
 * - given: the state says that we own it; a write with the newest revision to its position makes it ours, and every
 *   commit of an earlier owner refused;
 * - held: it is read and committed;
 * - owed: we own it, another is its heir; it is let go of at once, and the state says so.
 * It looks at the state when it hears news of the group, every `groupCheckMs`, and when the connection is there again.
 */
export class GroupMembership {
  readonly #engine: NatsEngine
  readonly #group: string
  readonly #facts: ReadonlyMap<string, TopicFacts>
  readonly #taker: PartitionTaker
  readonly #id = nuid.next()
  readonly #news: Subscription
  readonly #stopRestored: () => void
  #timer: NodeJS.Timeout
  #looking: Promise<void> | undefined
  #lookAgain = false
  #left = false

  constructor(
    engine: NatsEngine,
    group: string,
    facts: ReadonlyMap<string, TopicFacts>,
    taker: PartitionTaker,
  ) {
    this.#engine = engine
    this.#group = group
    this.#facts = facts
    this.#taker = taker
    const { link, names } = engine
    this.#news = link.connection.subscribe(names.groupNews(group), { callback: () => this.look() })
    this.#stopRestored = link.onRestored(() => this.look())
    this.#timer = setInterval(() => void this.#check(), link.settings.limits.groupCheckMs)
    this.#timer.unref()
  }

  /** Becomes a member, and waits a little for its partitions. */
  async join(): Promise<void> {
    await this.#engine.bucket.change(this.#group, (before) => {
      this.#assertRoom(before)
      return withMember(before, this.#entry())
    })
    this.#tell()
    const startMs = performance.now()
    for (;;) {
      this.look()
      await this.#looking
      if (this.#isSettled(await this.#state()) || performance.now() - startMs > SETTLE_MS_MAX) return
      await pause(SETTLE_POLL_MS)
    }
  }

  /** Looks at the group's state soon. */
  look(): void {
    this.#lookAgain = true
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
  }

  async leave(): Promise<void> {
    if (this.#left) return
    this.#left = true
    clearInterval(this.#timer)
    this.#stopRestored()
    this.#news.unsubscribe()
    // Without a server the others find out by themselves.
    await Promise.race([this.#signOff().catch(() => undefined), pause(LEAVE_MS_MAX)])
  }

  async #signOff(): Promise<void> {
    await this.#looking
    if (this.#engine.link.closed) return
    await this.#engine.bucket.change(this.#group, (state) => withoutMembers(state, new Set([this.#id])))
    this.#tell()
  }

  #entry() {
    const topics = Object.fromEntries([...this.#facts].map(([topic, { partitions }]) => [topic, partitions]))
    return { id: this.#id, session: this.#engine.sessions.id, topics }
  }

  #assertRoom({ members }: GroupState): void {
    const { membersPerGroupMax } = this.#engine.link.settings.limits
    if (members.length < membersPerGroupMax) return
    throw millraceError('BUS_LIMIT_REACHED', {
      what: `A member of "${this.#group}"`,
      limit: `${membersPerGroupMax} members`,
      setting: 'limits.membersPerGroupMax',
    })
  }

  async #state(): Promise<GroupState> {
    return (await this.#engine.bucket.state(this.#group)).value
  }

  #isSettled({ shares }: GroupState): boolean {
    return shares.every((share) => {
      const isOurs = share.owner === this.#id && share.heir === this.#id
      return share.heir !== this.#id ? share.owner !== this.#id : isOurs && this.#taker.holds(share)
    })
  }

  async #look(): Promise<void> {
    while (this.#lookAgain && !this.#left) {
      this.#lookAgain = false
      try {
        await this.#apply(await this.#state())
      } catch (error) {
        if (this.#left || this.#engine.link.closed) return
        // Looked at again by the timer.
        this.#engine.link.settings.report(
          `the group "${this.#group}" cannot be looked at: ${reasonOf(error)}`,
        )
      }
    }
  }

  async #apply(state: GroupState): Promise<void> {
    if (this.#left) return
    if (!state.members.some(({ id }) => id === this.#id)) return this.#rejoin(state)
    const isOwed = this.#letGo(state)
    if (isOwed && !this.#left) {
      await this.#engine.bucket.change(this.#group, (newest) => released(newest, this.#id))
      this.#tell()
      this.#lookAgain = true
    }
    for (const share of state.shares) {
      if (share.owner !== this.#id || share.heir !== this.#id || this.#taker.holds(share)) continue
      await this.#claim(share)
    }
  }

  /** Stops what is no longer ours, or not for long; true if others wait for it. */
  #letGo({ shares }: GroupState): boolean {
    let isOwed = false
    const ours = new Set<string>()
    for (const share of shares) {
      if (share.owner !== this.#id) continue
      if (share.heir === this.#id) ours.add(placeOf(share.topic, share.partition))
      else isOwed = true
    }
    for (const [topic, { partitions }] of this.#facts) {
      for (let partition = 0; partition < partitions; partition += 1) {
        if (!ours.has(placeOf(topic, partition))) this.#taker.revoked({ topic, partition })
      }
    }
    return isOwed
  }

  /** The position's entry gets our name: from then on the server refuses commits of whoever had it before. */
  async #claim({ topic, partition }: Share): Promise<void> {
    const { bucket } = this.#engine
    for (;;) {
      const { value, revision } = await bucket.claim(this.#group, topic, partition)
      const position = { topic, partition, offset: value.offset }
      const claimed = await bucket.setClaim(this.#group, position, this.#id, revision)
      if (claimed === undefined) continue
      if (this.#left) return
      await this.#taker.claimed(position, { offset: value.offset, owner: this.#id, revision: claimed })
      return
    }
  }

  /** The others gave us up: what we held is theirs, and we begin anew. */
  async #rejoin(state: GroupState): Promise<void> {
    this.#letGo({ ...state, shares: [] })
    this.#engine.link.settings.report(`the group "${this.#group}" had given this member up; it joins again`)
    await this.#engine.bucket.change(this.#group, (before) => withMember(before, this.#entry()))
    this.#tell()
    this.#lookAgain = true
  }

  /**
   * Looks whether others live. The first member looks after all, and the others after the first, so that it costs two
   * questions a member.
   */
  async #check(): Promise<void> {
    try {
      const { members } = await this.#state()
      const [first] = members
      const watched = first?.id === this.#id ? members : members.slice(0, 1)
      const givenUp = await this.#engine.sessions.givenUp(new Set(watched.map(({ session }) => session)))
      const dead = new Set(members.filter(({ session }) => givenUp.has(session)).map(({ id }) => id))
      if (dead.size > 0 && !this.#left) {
        this.#engine.link.settings.report(
          `the group "${this.#group}" gives up ${dead.size} members that do not answer`,
        )
        await this.#engine.bucket.change(this.#group, (state) => withoutMembers(state, dead))
        this.#tell()
      }
    } catch {
      // No answer: the next look is soon.
    }
    if (!this.#left) this.look()
  }

  #tell(): void {
    if (!this.#engine.link.closed)
      this.#engine.link.connection.publish(this.#engine.names.groupNews(this.#group))
  }
}

/** @throws BUS_UNREACHABLE */
export async function joinGroup(
  engine: NatsEngine,
  group: string,
  facts: ReadonlyMap<string, TopicFacts>,
  taker: PartitionTaker,
): Promise<GroupMembership> {
  const membership = new GroupMembership(engine, group, facts, taker)
  try {
    await membership.join()
    return membership
  } catch (error) {
    await membership.leave()
    throw error
  }
}
