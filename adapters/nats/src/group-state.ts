import { assignPartitions } from '@millrace/bus'

/**
 * A group as its one entry in the bucket says, and as every member reads it. It changes by compare and swap only.
 * A partition has an owner, who reads and commits it, and a heir; if they differ, the owner lets go as soon as it sees
 * that, and the heir becomes the owner. So a partition has one member at a time, without a leader.
 */
export interface GroupState {
  /** In the order of joining. */
  readonly members: readonly GroupEntry[]
  readonly shares: readonly Share[]
}

export interface GroupEntry {
  readonly id: string
  /** The process that it lives in. */
  readonly session: string
  /** The number of partitions of each topic that it wants. */
  readonly topics: Readonly<Record<string, number>>
}

export interface Share {
  readonly topic: string
  readonly partition: number
  readonly owner: string
  readonly heir: string
}

export const EMPTY_GROUP: GroupState = { members: [], shares: [] }

export function withMember(state: GroupState, entry: GroupEntry): GroupState {
  const others = state.members.filter(({ id }) => id !== entry.id)
  return divided({ ...state, members: [...others, entry] })
}

export function withoutMembers(state: GroupState, ids: ReadonlySet<string>): GroupState {
  return divided({ ...state, members: state.members.filter(({ id }) => !ids.has(id)) })
}

/** What `id` has lets go of, the heirs own. */
export function released(state: GroupState, id: string): GroupState {
  const shares = state.shares.map((share) => (share.owner === id ? { ...share, owner: share.heir } : share))
  return { ...state, shares }
}

/** Names heirs anew; what nobody alive owns goes to its heir at once, and what nobody wants is left out. */
function divided(state: GroupState): GroupState {
  const members = state.members.map((entry) => ({ id: entry.id, topics: new Set(Object.keys(entry.topics)) }))
  const byId = new Map(members.map((member) => [member.id, member]))
  const parts = partitionsOf(state.members)
  const current = new Map<(typeof parts)[number], (typeof members)[number]>()
  const before = new Map(state.shares.map((share) => [placeOf(share.topic, share.partition), share]))
  for (const part of parts) {
    const heir = byId.get(before.get(placeOf(part.topic, part.index))?.heir ?? '')
    if (heir !== undefined) current.set(part, heir)
  }
  const heirs = assignPartitions(members, parts, current)
  const shares = [...heirs].map(([{ topic, index }, { id: heir }]): Share => {
    const owner = before.get(placeOf(topic, index))?.owner
    return { topic, partition: index, owner: owner !== undefined && byId.has(owner) ? owner : heir, heir }
  })
  return { ...state, shares }
}

function partitionsOf(members: readonly GroupEntry[]): { topic: string; index: number }[] {
  const counts = new Map<string, number>()
  for (const { topics } of members) {
    for (const [topic, count] of Object.entries(topics))
      counts.set(topic, Math.max(count, counts.get(topic) ?? 0))
  }
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([topic, count]) => Array.from({ length: count }, (_, index) => ({ topic, index })))
}

export function placeOf(topic: string, partition: number): string {
  return `${topic}/${partition}`
}
