import { type Random, randomInteger } from '@millrace/kernel'
import type { Durability } from '@millrace/log'
import type { FaultCode, FileOperation } from '@millrace/memory'
import { chance, oneOf, seedStream } from '../seed-streams.ts'
import type { LogSettings } from './inspection.ts'
import type { RecordShape } from './record-book.ts'

/** Something that is done to a log, or happens to it. */
export type LogAction =
  /** Appends at once, not one after the other. */
  | { readonly kind: 'append'; readonly calls: readonly PlannedAppend[] }
  /** Reads from somewhere: 0 is the start, 1 the end. */
  | { readonly kind: 'read'; readonly share: number }
  | { readonly kind: 'retain' }
  /** Gives up what is before somewhere. */
  | { readonly kind: 'trim'; readonly share: number }
  | { readonly kind: 'sync' }
  | { readonly kind: 'compact' }
  | { readonly kind: 'wait'; readonly durationMs: number }
  | { readonly kind: 'jump'; readonly deltaMs: number }
  | { readonly kind: 'reopen' }
  | { readonly kind: 'fault'; readonly fault: PlannedFault }
  /** The disk has only so many bytes more. */
  | { readonly kind: 'fill'; readonly roomBytes: number }
  /** The disk has space again. */
  | { readonly kind: 'empty' }
  /** The power fails, or the process is killed, at a later moment of the disk. */
  | { readonly kind: 'crash'; readonly how: 'power' | 'kill'; readonly afterMoments: number }
  /** Several at once. */
  | { readonly kind: 'together'; readonly actions: readonly LogAction[] }

/** One call of `append`. */
export interface PlannedAppend {
  readonly shapes: readonly RecordShape[]
  /** Absent: what the log promises by itself. */
  readonly durability?: Durability
}

/** A call of the disk that will fail. */
export interface PlannedFault {
  readonly operation: FileOperation
  readonly code: FaultCode
  readonly path: string
  readonly after: number
  readonly takesBytes: number
}

/** Everything that a seed has chosen. */
export interface LogTrace {
  readonly seed: number
  readonly settings: LogSettings
  /** How many turns a call of the disk takes, at most: what happens meanwhile comes in between. */
  readonly turnsMax: number
  readonly hasFollower: boolean
  /** Another process reads what this one writes. */
  readonly hasReader: boolean
  readonly actions: readonly LogAction[]
}

const YEAR_MS = 365.25 * 86_400_000
const SYNC_INTERVAL_MS_MAX = 200
const ACTIONS_MIN = 6
const ACTIONS_MAX = 22
/** An append that is refused because it is too large proves nothing. */
const CALL_BYTES_MAX = 3600
const RECORD_OVERHEAD_BYTES = 64

/** What happens to the log of one seed. */
export function drawTrace(seed: number): LogTrace {
  const random = seedStream(seed, 'log trace')
  const weights = drawWeights(random)
  const settings = drawSettings(random)
  const count = randomInteger(random, ACTIONS_MIN, ACTIONS_MAX)
  const actions = Array.from({ length: count }, () => drawAction(random, weights, 0))
  return {
    seed,
    settings,
    turnsMax: oneOf(random, [0, 1, 3, 8]),
    hasFollower: chance(random, 0.4),
    hasReader: chance(random, 0.2),
    actions,
  }
}

function drawSettings(random: Random): LogSettings {
  const retention = oneOf(random, [
    undefined,
    undefined,
    { bytesMax: randomInteger(random, 9_000, 24_000) },
    { ageMsMax: oneOf(random, [10_000, 3_600_000, 5 * YEAR_MS]) },
  ])
  return {
    segmentBytesMax: oneOf(random, [4096, 4096, 6000, 16_384]),
    allocateAheadBytesMax: oneOf(random, [0, 0, 500, 2048, 65_536]),
    pendingBytesMax: oneOf(random, [4096, 1_048_576]),
    durability: oneOf(random, ['disk', 'disk', 'disk', 'interval', 'os'] as const),
    syncIntervalMsMax: SYNC_INTERVAL_MS_MAX,
    ...(retention === undefined ? {} : { retention }),
    ...(chance(random, 0.2) ? { compaction: { dirtyShareMin: 0.1, tombstoneMsMin: 0 } } : {}),
  }
}

type Weights = Readonly<Record<LogAction['kind'], number>>

/** Each kind is off in some runs, so that the others come closer together. */
function drawWeights(random: Random): Weights {
  const maybe = (weight: number, share: number) => (chance(random, share) ? weight : 0)
  return {
    append: 8,
    read: maybe(1, 0.5),
    retain: maybe(1, 0.7),
    trim: maybe(1, 0.5),
    sync: maybe(0.7, 0.4),
    compact: maybe(1.5, 0.3),
    wait: maybe(1.5, 0.8),
    jump: maybe(0.5, 0.3),
    reopen: maybe(1.5, 0.7),
    fault: maybe(2, 0.6),
    fill: maybe(0.7, 0.4),
    empty: 0.7,
    crash: maybe(1.5, 0.7),
    together: maybe(2, 0.6),
  }
}

function drawKind(random: Random, weights: Weights): LogAction['kind'] {
  const kinds = Object.entries(weights) as [LogAction['kind'], number][]
  let place = random.next() * kinds.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [kind, weight] of kinds) {
    place -= weight
    if (place < 0) return kind
  }
  return 'append'
}

function drawAction(random: Random, weights: Weights, depth: number): LogAction {
  const kind = drawKind(random, weights)
  // What is done together is what a program can do together.
  if (depth > 0 && !['append', 'read', 'retain', 'trim', 'sync', 'compact', 'wait'].includes(kind))
    return drawAppend(random, weights)
  switch (kind) {
    case 'append':
      return drawAppend(random, weights)
    case 'read':
    case 'trim':
      return { kind, share: random.next() }
    case 'retain':
    case 'sync':
    case 'compact':
    case 'reopen':
    case 'empty':
      return { kind }
    case 'wait':
      return { kind, durationMs: oneOf(random, [10, 1000, 2500, 70_000]) }
    case 'jump':
      return { kind, deltaMs: Math.round((random.next() * 2 - 1) * 10 * YEAR_MS) }
    case 'fault':
      return { kind, fault: drawFault(random) }
    case 'fill':
      return { kind, roomBytes: randomInteger(random, 0, 6000) }
    case 'crash':
      return {
        kind,
        how: oneOf(random, ['power', 'power', 'kill']),
        afterMoments: randomInteger(random, 0, 40),
      }
    case 'together': {
      const count = randomInteger(random, 2, 4)
      return { kind, actions: Array.from({ length: count }, () => drawAction(random, weights, depth + 1)) }
    }
  }
}

function drawAppend(random: Random, weights: Weights): LogAction {
  const calls = Array.from({ length: oneOf(random, [1, 1, 1, 2, 4]) }, () => {
    let left = CALL_BYTES_MAX
    const shapes = Array.from({ length: oneOf(random, [1, 1, 2, 5]) }, () => drawShape(random))
    const fitting = shapes.filter(({ bytes }) => {
      left -= bytes + RECORD_OVERHEAD_BYTES
      return left >= 0
    })
    // Where nobody asks for a sync, appends do not differ in durability.
    if (weights.sync === 0 || chance(random, 0.5)) return { shapes: fitting }
    return { shapes: fitting, durability: oneOf(random, ['disk', 'interval', 'os'] as const) }
  })
  return { kind: 'append', calls: calls.filter(({ shapes }) => shapes.length > 0) }
}

function drawShape(random: Random): RecordShape {
  const key = chance(random, 0.4) ? { key: randomInteger(random, 0, 4) } : {}
  if ('key' in key && chance(random, 0.15)) return { bytes: 0, ...key }
  return { bytes: oneOf(random, [5, 40, 300, 900, 1800, 3000]), ...key }
}

function drawFault(random: Random): PlannedFault {
  const operation = oneOf<FileOperation>(random, [
    'write',
    'write',
    'sync',
    'sync',
    'sync',
    'syncDirectory',
    'rename',
    'truncate',
    'open',
    'read',
    'remove',
    'list',
  ])
  return {
    operation,
    code: oneOf(random, ['EIO', 'EIO', 'ENOSPC']),
    path: oneOf(random, ['', '', '.seg', 'mark']),
    after: oneOf(random, [0, 0, 1, 3]),
    takesBytes: oneOf(random, [0, 100, 600, 2000]),
  }
}

/** True if there are appends that do not wait for the disk. */
export function isWeak({ settings, actions }: LogTrace): boolean {
  const isWeakAction = (action: LogAction): boolean => {
    if (action.kind === 'together') return action.actions.some(isWeakAction)
    return action.kind === 'append' && action.calls.some(({ durability = 'disk' }) => durability !== 'disk')
  }
  return (settings.durability ?? 'disk') !== 'disk' || actions.some(isWeakAction)
}

/** True if records that were replaced may go. */
export function isCompacted({ settings, actions }: LogTrace): boolean {
  const compacts = (action: LogAction): boolean =>
    action.kind === 'together' ? action.actions.some(compacts) : action.kind === 'compact'
  return settings.compaction !== undefined || actions.some(compacts)
}

/** One line about an action. */
export function describeAction(action: LogAction): string {
  switch (action.kind) {
    case 'append': {
      const calls = action.calls.map(({ shapes, durability }) => {
        const records = shapes.map(({ bytes, key }) =>
          key === undefined ? `${bytes}` : `${bytes}/key${key}`,
        )
        return `${records.join('+')}${durability === undefined ? '' : ` (${durability})`}`
      })
      return `append ${calls.join(' and ')}`
    }
    case 'together':
      return `together: ${action.actions.map(describeAction).join('; ')}`
    default: {
      const { kind, ...rest } = action
      const details = JSON.stringify(rest)
      return details === '{}' ? kind : `${kind} ${details}`
    }
  }
}
