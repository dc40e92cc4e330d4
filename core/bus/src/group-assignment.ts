/** A member of a group as the division of partitions sees it. */
export interface AssignableMember {
  readonly topics: ReadonlySet<string>
}

/** A partition to be assigned. */
export interface AssignablePartition {
  readonly topic: string
  readonly index: number
}

/**
 * Divides partitions among the members that want their topic: nobody has two more than somebody who could take one, and
 * a partition stays where it is unless that has to give. Deterministic for the order of `members`.
 */
export function assignPartitions<Member extends AssignableMember, Part extends AssignablePartition>(
  members: readonly Member[],
  partitions: readonly Part[],
  current: ReadonlyMap<Part, Member>,
): Map<Part, Member> {
  const owners = new Map<Part, Member>()
  const loads = new Map<Member, number>(members.map((member) => [member, 0]))
  const change = (member: Member, by: 1 | -1) => loads.set(member, loadOf(loads, member) + by)
  for (const part of partitions) {
    const owner = current.get(part)
    if (owner === undefined || !loads.has(owner) || !owner.topics.has(part.topic)) continue
    owners.set(part, owner)
    change(owner, 1)
  }
  for (const part of partitions) {
    const member = owners.has(part) ? undefined : leastLoaded(members, part, loads)
    if (member === undefined) continue
    owners.set(part, member)
    change(member, 1)
  }
  // Every move makes the sum of squared loads smaller, so this ends.
  for (let moved = true; moved; ) {
    moved = false
    for (const [part, owner] of owners) {
      const member = leastLoaded(members, part, loads)
      if (member === undefined || loadOf(loads, member) + 1 >= loadOf(loads, owner)) continue
      owners.set(part, member)
      change(owner, -1)
      change(member, 1)
      moved = true
    }
  }
  return owners
}

function leastLoaded<Member extends AssignableMember>(
  members: readonly Member[],
  part: AssignablePartition,
  loads: ReadonlyMap<Member, number>,
): Member | undefined {
  let best: Member | undefined
  for (const member of members) {
    if (!member.topics.has(part.topic)) continue
    if (best === undefined || loadOf(loads, member) < loadOf(loads, best)) best = member
  }
  return best
}

function loadOf<Member>(loads: ReadonlyMap<Member, number>, member: Member): number {
  return loads.get(member) ?? 0
}
