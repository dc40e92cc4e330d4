import { type Random, randomInteger } from '@millrace/kernel'
import type { FileOperation } from '@millrace/memory'
import { chance, oneOf, seedStream } from '../seed-streams.ts'

/** Something that is done with a bus, or happens to it. */
export type BusAction =
  /** Publications at once; `delayMs` above 0 for messages that are to appear later. */
  | { readonly kind: 'publish'; readonly counts: readonly number[]; readonly delayMs: number }
  /** Publishes an earlier message again, under its key: 0 is the first one, 1 the last. */
  | { readonly kind: 'repeat'; readonly share: number }
  /** Members of a group take what there is; some messages are put aside; positions are committed. */
  | {
      readonly kind: 'consume'
      readonly group: string
      readonly members: number
      readonly poisonShare: number
    }
  /** A new writer of the exclusive topic, whose predecessor tries to go on. */
  | { readonly kind: 'write'; readonly count: number }
  | { readonly kind: 'replay' }
  | { readonly kind: 'wait'; readonly durationMs: number }
  | { readonly kind: 'reopen' }
  | {
      readonly kind: 'fault'
      readonly operation: FileOperation
      readonly code: 'EIO' | 'ENOSPC'
      readonly after: number
    }
  | { readonly kind: 'crash'; readonly how: 'power' | 'kill'; readonly afterMoments: number }

/** Everything that a seed has chosen. */
export interface BusTrace {
  readonly seed: number
  readonly partitions: number
  /** Bytes below which the tables are not written anew. */
  readonly tableBytesMin: number
  readonly allocateAheadBytesMax: number
  /** What a partition keeps at least, in bytes; undefined: everything. */
  readonly retentionBytesMax: number | undefined
  /** How many turns a call of the disk takes, at most. */
  readonly turnsMax: number
  readonly actions: readonly BusAction[]
}

/** What happens to the bus of one seed. */
export function drawBusTrace(seed: number): BusTrace {
  const random = seedStream(seed, 'bus trace')
  const weights = {
    publish: 6,
    repeat: 1,
    consume: chance(random, 0.8) ? 3 : 0,
    write: chance(random, 0.6) ? 1.5 : 0,
    replay: chance(random, 0.5) ? 1 : 0,
    wait: 2,
    reopen: chance(random, 0.5) ? 0.7 : 0,
    fault: chance(random, 0.4) ? 1.5 : 0,
    crash: chance(random, 0.7) ? 1.5 : 0,
  }
  const count = randomInteger(random, 5, 14)
  return {
    seed,
    partitions: randomInteger(random, 1, 4),
    tableBytesMin: oneOf(random, [1, 2000, 65_536]),
    allocateAheadBytesMax: oneOf(random, [0, 0, 1024]),
    retentionBytesMax: chance(random, 0.25) ? randomInteger(random, 9000, 14_000) : undefined,
    turnsMax: oneOf(random, [0, 1, 3]),
    actions: Array.from({ length: count }, () => drawAction(random, weights)),
  }
}

function drawAction(random: Random, weights: Readonly<Record<BusAction['kind'], number>>): BusAction {
  const kinds = Object.entries(weights) as [BusAction['kind'], number][]
  let place = random.next() * kinds.reduce((sum, [, weight]) => sum + weight, 0)
  let kind: BusAction['kind'] = 'publish'
  for (const [candidate, weight] of kinds) {
    if (place >= 0 && place < weight) kind = candidate
    place -= weight
  }
  switch (kind) {
    case 'publish': {
      const counts = Array.from({ length: oneOf(random, [1, 1, 2, 3]) }, () => randomInteger(random, 1, 5))
      return { kind, counts, delayMs: oneOf(random, [0, 0, 0, 20, 500, 90_000]) }
    }
    case 'repeat':
      return { kind, share: random.next() }
    case 'consume':
      return {
        kind,
        group: oneOf(random, ['g', 'h']),
        members: randomInteger(random, 1, 4),
        poisonShare: oneOf(random, [0, 0.3]),
      }
    case 'write':
      return { kind, count: randomInteger(random, 1, 4) }
    case 'replay':
    case 'reopen':
      return { kind }
    case 'wait':
      return { kind, durationMs: oneOf(random, [1, 50, 1500, 100_000]) }
    case 'fault':
      return {
        kind,
        operation: oneOf(random, ['write', 'sync', 'sync', 'rename', 'syncDirectory', 'open']),
        code: oneOf(random, ['EIO', 'EIO', 'ENOSPC']),
        after: oneOf(random, [0, 1, 4]),
      }
    case 'crash':
      return {
        kind,
        how: oneOf(random, ['power', 'power', 'kill']),
        afterMoments: randomInteger(random, 0, 60),
      }
  }
}
