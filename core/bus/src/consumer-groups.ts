import { millraceError } from '@millrace/kernel'
import type { Table } from '@millrace/log'
import type { GroupInfo, Position } from './bus.ts'
import { assignPartitions } from './group-assignment.ts'
import type { GroupMember } from './group-member.ts'
import type { Partition } from './partition.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

interface StoredCommit extends Position {
  readonly group: string
}

/** A group: its members in the order in which they joined, who has which partition, and what is committed. */
interface Group {
  readonly name: string
  members: readonly GroupMember[]
  owners: ReadonlyMap<Partition, GroupMember>
  readonly committed: Map<string, Position>
}

/** Names a partition in maps. A topic's name has no slash. */
function placeOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}/${partition}`
}

/** The consumer groups of a bus: who is a member, who has which partition, and what is committed. */
export class ConsumerGroups {
  readonly #groups = new Map<string, Group>()
  readonly #table: Table
  readonly #limits: { readonly groupsMax: number; readonly membersPerGroupMax: number }

  constructor(table: Table, limits: { readonly groupsMax: number; readonly membersPerGroupMax: number }) {
    this.#table = table
    this.#limits = limits
  }

  /** Loads what was committed before the bus was opened. */
  async load(): Promise<void> {
    for await (const page of this.#table.load()) {
      for (const { value } of page) {
        const { group, topic, partition, offset } = JSON.parse(decoder.decode(value)) as StoredCommit
        this.#group(group).committed.set(placeOf({ topic, partition }), { topic, partition, offset })
      }
    }
  }

  /**
   * Brings positions back that are ahead of their partition, since its disk has lost what they were behind: otherwise
   * their groups would skip as many new messages as were lost. `endOffsetOf` answers undefined where nobody knows.
   * Durable on return, or the same would happen at the next start, when the partition has grown.
   */
  async fitTo(endOffsetOf: (topic: string, partition: number) => number | undefined): Promise<void> {
    for (const { name, committed } of this.#groups.values()) {
      const fitted = [...committed.values()].map((position) => {
        const end = endOffsetOf(position.topic, position.partition) ?? position.offset
        return { ...position, offset: Math.min(position.offset, end) }
      })
      await this.commit(
        name,
        fitted.filter((position) => position.offset < (committed.get(placeOf(position))?.offset ?? 0)),
      )
    }
  }

  committed(group: string, partition: Partition): number | undefined {
    return this.#groups.get(group)?.committed.get(`${partition.topic}/${partition.index}`)?.offset
  }

  /** Durable on return. */
  async commit(group: string, positions: readonly Position[]): Promise<void> {
    if (positions.length === 0) return
    const { committed } = this.#group(group)
    await this.#table.put(
      positions.map(({ topic, partition, offset }) => ({
        key: JSON.stringify([group, topic, partition]),
        value: encoder.encode(JSON.stringify({ group, topic, partition, offset } satisfies StoredCommit)),
      })),
    )
    for (const { topic, partition, offset } of positions) {
      committed.set(placeOf({ topic, partition }), { topic, partition, offset })
    }
  }

  /** Throws `BUS_LIMIT_REACHED` if the group or one more member would be too much. */
  assertRoom(group: string): void {
    const { groupsMax, membersPerGroupMax } = this.#limits
    const known = this.#groups.get(group)
    if (known === undefined && this.#groups.size >= groupsMax) {
      throw millraceError('BUS_LIMIT_REACHED', {
        what: `The group "${group}"`,
        limit: `${groupsMax} groups`,
        setting: 'groupsMax',
      })
    }
    if ((known?.members.length ?? 0) >= membersPerGroupMax) {
      const limit = `${membersPerGroupMax} members`
      throw millraceError('BUS_LIMIT_REACHED', {
        what: `A member of "${group}"`,
        limit,
        setting: 'membersPerGroupMax',
      })
    }
  }

  join(member: GroupMember): void {
    const group = this.#group(member.group)
    group.members = [...group.members, member]
    divide(group)
  }

  leave(member: GroupMember): void {
    const group = this.#groups.get(member.group)
    if (group === undefined || !group.members.includes(member)) return
    group.members = group.members.filter((other) => other !== member)
    divide(group)
    if (group.members.length === 0 && group.committed.size === 0) this.#groups.delete(group.name)
  }

  /** Closes every member. */
  async close(): Promise<void> {
    const members = [...this.#groups.values()].flatMap((group) => group.members)
    await Promise.all(members.map((member) => member.close()))
  }

  list(endOffsetOf: (topic: string, partition: number) => number): readonly GroupInfo[] {
    const groups = [...this.#groups.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
    return groups.map(({ name, members, committed }) => ({
      group: name,
      members: members.length,
      positions: [...committed.values()]
        .sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
        .map((position) => ({
          ...position,
          lag: Math.max(0, endOffsetOf(position.topic, position.partition) - position.offset),
        })),
    }))
  }

  #group(name: string): Group {
    let group = this.#groups.get(name)
    if (group === undefined) {
      group = { name, members: [], owners: new Map(), committed: new Map() }
      this.#groups.set(name, group)
    }
    return group
  }
}

/** Divides the partitions anew and tells every member what it has now. Takes first, then gives: one owner at a time. */
function divide(group: Group): void {
  const partitions = [...new Set(group.members.flatMap((member) => member.partitions))]
  const before = group.owners
  group.owners = assignPartitions(group.members, partitions, before)
  for (const [partition, member] of before) {
    if (group.owners.get(partition) !== member) member.revoke(partition)
  }
  for (const [partition, member] of group.owners) {
    if (before.get(partition) !== member) member.assign(partition)
  }
}
