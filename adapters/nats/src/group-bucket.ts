import type { GroupInfo, Position } from '@millrace/bus'
import { type KV, Kvm } from '@nats-io/kv'
import { EMPTY_GROUP, type GroupState } from './group-state.ts'
import { isWrongSequence, jetStreamCode } from './nats-failure.ts'
import type { NatsLink } from './nats-link.ts'
import type { NatsNames } from './nats-names.ts'
import { listOf, mapBounded } from './topic-streams.ts'

/** The entry of a partition in a group: what is committed, and whose commits count. */
export interface Claim {
  /** -1 while nothing is committed. */
  readonly offset: number
  /** The member that owns the partition; '' for nobody. */
  readonly owner: string
}

/** A value with the revision by which it may be replaced. */
export interface Revised<Value> {
  readonly value: Value
  readonly revision: number
}

const encoder = new TextEncoder()

/**
 * Groups and committed positions in a key-value bucket. A revision is a fencing token: whoever writes with one that is
 * no longer the newest is refused by the server.
 */
export class GroupBucket {
  readonly #kv: KV
  readonly #link: NatsLink
  readonly #names: NatsNames

  private constructor(kv: KV, link: NatsLink, names: NatsNames) {
    this.#kv = kv
    this.#link = link
    this.#names = names
  }

  static async open(link: NatsLink, names: NatsNames): Promise<GroupBucket> {
    const options = { history: 1, replicas: link.settings.replicas, allow_direct: false }
    const kv = await link.ask(() => new Kvm(link.connection).create(names.groupBucket, options))
    return new GroupBucket(kv, link, names)
  }

  /** Replaces the state of a group by what `change` makes of it, however often others are quicker. */
  async change(group: string, change: (state: GroupState) => GroupState): Promise<GroupState> {
    for (;;) {
      const { value, revision } = await this.state(group)
      const changed = change(value)
      if (changed === value) return value
      if ((await this.#swap(this.#names.groupKey(group), changed, revision)) !== undefined) return changed
    }
  }

  async state(group: string): Promise<Revised<GroupState>> {
    return this.#get(this.#names.groupKey(group), EMPTY_GROUP)
  }

  async claim(group: string, topic: string, partition: number): Promise<Revised<Claim>> {
    return this.#get<Claim>(this.#names.positionKey(group, topic, partition), { offset: -1, owner: '' })
  }

  /** The new revision; undefined if `revision` is no longer the newest: somebody else has written. */
  async setClaim(
    group: string,
    position: Position,
    owner: string,
    revision: number,
  ): Promise<number | undefined> {
    const { topic, partition, offset } = position
    const claim: Claim = { offset, owner }
    return this.#swap(this.#names.positionKey(group, topic, partition), claim, revision)
  }

  /** Every group with its committed positions; `lagOf` tells what is behind one. */
  async list(lagOf: (position: Position) => Promise<number>): Promise<readonly GroupInfo[]> {
    const keys = await this.#link.ask(async () => listOf(await this.#kv.keys()))
    const groups = new Map<string, { members: number; positions: (Position & { lag: number })[] }>()
    const of = (group: string) => {
      const known = groups.get(group) ?? { members: 0, positions: [] }
      groups.set(group, known)
      return known
    }
    // A key that changes while they are listed comes twice.
    await mapBounded([...new Set(keys)], async (key) => {
      const group = this.#names.groupOfKey(key)
      if (group !== undefined) of(group).members = (await this.state(group)).value.members.length
      const place = this.#names.positionOf(key)
      if (place === undefined) return
      const { offset } = (await this.claim(place.group, place.topic, place.partition)).value
      if (offset < 0) return
      const position = { topic: place.topic, partition: place.partition, offset }
      of(place.group).positions.push({ ...position, lag: await lagOf(position) })
    })
    return [...groups]
      .filter(([, { members, positions }]) => members > 0 || positions.length > 0)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([group, { members, positions }]) => ({ group, members, positions: positions.sort(byPlace) }))
  }

  async #get<Value>(key: string, absent: Value): Promise<Revised<Value>> {
    const entry = await this.#link.ask(() => this.#kv.get(key))
    if (entry === null) return { value: absent, revision: 0 }
    return { value: entry.operation === 'PUT' ? entry.json<Value>() : absent, revision: entry.revision }
  }

  async #swap(key: string, value: unknown, revision: number): Promise<number | undefined> {
    const bytes = encoder.encode(JSON.stringify(value))
    try {
      return await this.#link.ask(() => this.#kv.put(key, bytes, { previousSeq: revision }))
    } catch (error) {
      if (isWrongSequence(jetStreamCode(error))) return undefined
      throw error
    }
  }
}

function byPlace(a: Position, b: Position): number {
  if (a.topic === b.topic) return a.partition - b.partition
  return a.topic < b.topic ? -1 : 1
}
