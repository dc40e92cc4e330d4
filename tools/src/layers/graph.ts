/** For each node the nodes it needs. */
export type Graph = ReadonlyMap<string, Iterable<string>>

/**
 * One cycle for each knot of nodes that need each other, as the shortest way round from its first node:
 * `['a', 'b', 'a']`. Empty when the graph has an order.
 */
export function findCycles(graph: Graph): string[][] {
  const cycles: string[][] = []
  const inKnownCycle = new Set<string>()
  for (const start of [...graph.keys()].sort()) {
    if (inKnownCycle.has(start)) continue
    const cycle = shortestWayRound(graph, start)
    if (!cycle) continue
    cycles.push(cycle)
    for (const node of cycle) inKnownCycle.add(node)
  }
  return cycles
}

function shortestWayRound(graph: Graph, start: string): string[] | undefined {
  const cameFrom = new Map<string, string>()
  const waiting = [start]
  for (const node of waiting) {
    for (const next of graph.get(node) ?? []) {
      if (next === start) return wayBack(cameFrom, node, start)
      if (cameFrom.has(next)) continue
      cameFrom.set(next, node)
      waiting.push(next)
    }
  }
  return undefined
}

function wayBack(cameFrom: ReadonlyMap<string, string>, last: string, start: string): string[] {
  const way = [start]
  for (let node: string | undefined = last; node !== undefined && node !== start; node = cameFrom.get(node)) {
    way.unshift(node)
  }
  return [start, ...way]
}
