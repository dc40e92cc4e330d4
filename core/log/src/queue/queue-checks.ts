import { millraceError } from '@millrace/kernel'
import { encodeKey, type ItemDraft, itemBytes } from './item-codec.ts'
import type { SizedDraft } from './lane.ts'
import type { QueueOptions, TakeOptions } from './queue.ts'

const NAME = /^[a-z0-9][a-z0-9._-]{0,99}$/
const WHEN_FULL = ['block', 'reject', 'drop-oldest', 'drop-lowest-priority']
const LANES_MAX = 32
const MS_MAX = 2 ** 47
const KEY_BYTES_MAX = 1_024

const KIB = 1024
const MIB = 1024 * KIB

/** Every limit of a queue, with its default if it was not given. All numbers; infinite means without limit. */
export interface QueueLimits {
  readonly bytesMax: number
  readonly countMax: number
  readonly ageMsMax: number
  readonly itemBytesMax: number
  readonly segmentBytesMax: number
  readonly deliveriesMax: number
  readonly openItemsMax: number
  readonly waitingPutsMax: number
  readonly waitingTakesMax: number
  readonly consumersMax: number
  readonly deadLetterBytesMax: number
  readonly dropRecordBytesMax: number
  readonly reserveBytes: number
}

/** @throws QUEUE_OPTION_INVALID, QUEUE_NAME_INVALID */
export function limitsOf(options: QueueOptions): QueueLimits {
  const { quota = {} } = options
  checkLaneNames(options.lanes)
  if (quota.whenFull !== undefined && !WHEN_FULL.includes(quota.whenFull))
    throw invalid('quota.whenFull', quota.whenFull, `one of ${WHEN_FULL.join(', ')}`)
  const without = Number.POSITIVE_INFINITY
  const bytesMax = within('quota.bytesMax', quota.bytesMax, 4 * KIB, without)
  const itemBytesMax = within(
    'itemBytesMax',
    options.itemBytesMax,
    1,
    Math.floor(Math.min(MIB, bytesMax / 4)),
    16 * MIB,
  )
  const segmentBytesMin = Math.max(64 * KIB, 4 * (itemBytesMax + KIB))
  const share = Math.min(16 * MIB, bytesMax / 32)
  return {
    bytesMax,
    itemBytesMax,
    countMax: within('quota.countMax', quota.countMax, 1, without),
    ageMsMax: within('quota.ageMsMax', quota.ageMsMax, 1, without),
    segmentBytesMax: within(
      'segmentBytesMax',
      options.segmentBytesMax,
      Math.max(4 * KIB, itemBytesMax + 2 * KIB),
      Math.floor(Math.max(segmentBytesMin, share)),
      2 ** 31,
    ),
    deliveriesMax: within('deliveriesMax', options.deliveriesMax, 1, 10),
    openItemsMax: within('openItemsMax', options.openItemsMax, 1, 10_000),
    waitingPutsMax: within('waitingPutsMax', options.waitingPutsMax, 0, 1_000),
    waitingTakesMax: within('waitingTakesMax', options.waitingTakesMax, 1, 1_000),
    consumersMax: within('consumersMax', options.consumersMax, 1, 100),
    deadLetterBytesMax: within('deadLetterBytesMax', options.deadLetterBytesMax, KIB, 64 * MIB),
    dropRecordBytesMax: within('dropRecordBytesMax', options.dropRecordBytesMax, 128 * KIB, MIB),
    reserveBytes: within('reserveBytes', options.reserveBytes, 0, 256 * KIB, 64 * MIB),
  }
}

function checkLaneNames(lanes: readonly string[] | undefined): void {
  if (lanes === undefined) return
  const isFitting = lanes.length > 0 && lanes.length <= LANES_MAX && new Set(lanes).size === lanes.length
  if (!isFitting) throw invalid('lanes', lanes.join(', '), `1 to ${LANES_MAX} different names`)
  for (const lane of lanes) checkName('lane', lane)
}

export function isName(name: string): boolean {
  return NAME.test(name)
}

/** @throws QUEUE_NAME_INVALID */
export function checkName(what: 'lane' | 'consumer', name: string): void {
  if (!NAME.test(name)) throw millraceError('QUEUE_NAME_INVALID', { what, name })
}

/** @throws QUEUE_LANE_UNKNOWN */
export function checkLanes(seen: readonly string[] | undefined, lanes: readonly string[]): void {
  for (const lane of seen ?? [])
    if (!lanes.includes(lane)) throw millraceError('QUEUE_LANE_UNKNOWN', { lane, lanes: lanes.join(', ') })
}

/** @throws QUEUE_OPTION_INVALID */
export function checkTake(options: TakeOptions): void {
  within('countMax', options.countMax, 1, 1)
  within('bytesMax', options.bytesMax, 1, 1)
  if (options.leaseMs !== undefined) within('leaseMs', options.leaseMs, 1, 1, MS_MAX)
  checkMs('waitMsMax', options.waitMsMax)
}

/** @throws QUEUE_OPTION_INVALID */
export function checkMs(option: string, seen: number | undefined): void {
  within(option, seen, 0, 0, MS_MAX)
}

/** @throws QUEUE_ITEM_INVALID */
export function sizeItem(item: ItemDraft, itemBytesMax: number): SizedDraft {
  const key = encodeKey(item.key)
  if (key !== undefined && (!item.key?.isWellFormed() || key.length > KEY_BYTES_MAX))
    throw invalidItem('key', `${key.length} bytes`, `well-formed text of at most ${KEY_BYTES_MAX} bytes`)
  for (const part of ['expiresAtMs', 'notBeforeMs'] as const) {
    const seen = item[part]
    if (seen !== undefined && !(Number.isInteger(seen) && seen >= 0 && seen < MS_MAX))
      throw invalidItem(part, seen, 'whole milliseconds since 1970')
  }
  const seen = (key?.length ?? 0) + item.value.length
  if (seen > itemBytesMax) throw invalidItem('size', `${seen} bytes`, `at most ${itemBytesMax} bytes`)
  return { item, key, bytes: itemBytes(key?.length ?? 0, item.value.length) }
}

/** What a log adds to an item at most, beside what is counted anyway. */
const ITEM_EXTRA_BYTES = 32
const ONLY_EXTRA_BYTES = 192
const FRAME_BYTES = 256
const PENDING_BYTES = 16 * MIB

/** What one lane gets by one put must fit one append of its log. QUEUE_PUT_TOO_LARGE. */
export function checkPut(drafts: readonly SizedDraft[], segmentBytesMax: number): void {
  const seen = drafts.reduce(
    (sum, { bytes, item }) => sum + bytes + (item.only === undefined ? ITEM_EXTRA_BYTES : ONLY_EXTRA_BYTES),
    0,
  )
  const limit = Math.min(segmentBytesMax, PENDING_BYTES) - FRAME_BYTES
  if (seen > limit)
    throw millraceError('QUEUE_PUT_TOO_LARGE', {
      seen: `${drafts.length} items for one lane, up to ${seen} bytes`,
      limit: `${limit} bytes, by segmentBytesMax`,
    })
}

function invalidItem(part: string, seen: string | number, expected: string) {
  return millraceError('QUEUE_ITEM_INVALID', { part, seen, expected })
}

function within(
  option: string,
  seen: number | undefined,
  min: number,
  preset: number,
  max = Number.MAX_SAFE_INTEGER,
): number {
  if (seen === undefined) return preset
  if (Number.isInteger(seen) && seen >= min && seen <= max) return seen
  throw invalid(option, seen, `a whole number from ${min} to ${max}`)
}

function invalid(option: string, seen: string | number, expected: string) {
  return millraceError('QUEUE_OPTION_INVALID', { option, seen, expected })
}
