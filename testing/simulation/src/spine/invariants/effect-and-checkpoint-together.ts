import { addToTotal, PROJECTION_NAME, Reading, type Total } from '../application.ts'
import type { Invariant } from '../invariant.ts'
import type { Oracle, TotalsCommit } from '../oracle/oracle.ts'
import { readingIn } from '../oracle/reading-message.ts'

/** After every commit of the projection its documents are the fold of the topic up to the position of that commit. */
export function effectAndCheckpointTogether(oracle: Oracle): Invariant {
  const { dead } = oracle
  const positions = new Map<string, { readonly partition: number; readonly offset: number }>()
  const expected = new Map<string, Total>()
  let next = 0

  /** Folds what lies between the old positions and those of `commit`; gives the documents that this changes. */
  const advance = ({ positions: moved }: TotalsCommit): Set<string> | string => {
    const changed = new Set<string>()
    for (const { topic, partition, offset } of moved) {
      const place = `${topic}/${partition}`
      const from = positions.get(place)?.offset ?? 0
      if (offset <= from) return `the position of ${place} went from ${from} to ${offset}`
      positions.set(place, { partition, offset })
      for (let at = from; at < offset; at += 1) {
        const content = oracle.topics.at(topic, partition, at)?.content
        const reading = content === undefined ? undefined : readingIn(content)
        if (reading === undefined || dead.has(PROJECTION_NAME, partition, at)) continue
        const key = String(reading.subject)
        expected.set(key, addToTotal(expected.get(key), reading))
        changed.add(key)
      }
    }
    return changed
  }

  const judge = (commit: TotalsCommit): string | undefined => {
    const changed = advance(commit)
    if (typeof changed === 'string') return changed
    for (const key of new Set([...changed, ...commit.documents.keys()])) {
      const wanted = JSON.stringify(expected.get(key))
      const seen = commit.documents.has(key) ? JSON.stringify(commit.documents.get(key)) : 'no change'
      const isFine = commit.documents.has(key) && sameTotal(commit.documents.get(key), expected.get(key))
      if (!isFine) return `a commit wrote ${seen} for ${key}; the topic up to its position makes ${wanted}`
    }
    return undefined
  }

  return {
    name: 'EffectAndCheckpointTogether',
    afterStep: () => {
      for (; next < oracle.commits.length; next += 1) {
        const wrong = judge(oracle.commits[next] as TotalsCommit)
        if (wrong !== undefined) return wrong
      }
      return undefined
    },
    onDisk: ({ endOffsets, moment }) => {
      for (const { partition, offset } of positions.values()) {
        const end = endOffsets.get(Reading.type)?.[partition] ?? 0
        if (offset > end)
          return `${moment}, the projection stands at ${offset} of partition ${partition}, which ends at ${end}`
      }
      return undefined
    },
  }
}

function sameTotal(seen: unknown, wanted: Total | undefined): boolean {
  const { id, count, chain } = (seen ?? {}) as Partial<Total>
  return id === wanted?.id && count === wanted?.count && chain === wanted?.chain
}
