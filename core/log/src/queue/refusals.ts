import type { Clock } from '@millrace/kernel'
import type { DeadLetters, LetterDraft } from './dead-letters.ts'
import type { Drop, DropLog, DropReason } from './drop-log.ts'
import { decodeItem } from './item-codec.ts'
import type { OpenItem } from './open-items.ts'

/** Why an item is not handed out. `none`: there is nothing for this consumer, which needs no record of its own. */
export type Verdict = 'expired' | 'damaged' | 'dead-letter' | 'none'

/** An item that is not to be handed out. */
export interface Refusal {
  readonly item: OpenItem
  readonly verdict: Verdict
  /** For the dead letter. */
  readonly reason: string
}

/** What an item is judged by. */
export interface JudgeOptions {
  readonly consumer: string
  readonly deliveriesMax: number
  readonly letters: Pick<DeadLetters, 'has'>
  readonly clock: Clock
}

/** Says why an item must not be handed out; undefined if it may. */
export function judge(
  item: OpenItem,
  { consumer, deliveriesMax, letters, clock }: JudgeOptions,
): Refusal | undefined {
  const { flaw, only, expiresAtMs, deliveries, offset, putAtMs } = item
  const lane = item.progress.lane.name
  if (flaw === 'hole') return { item, verdict: 'none', reason: '' }
  if (flaw === 'damaged') return { item, verdict: 'damaged', reason: '' }
  if (flaw === 'undecodable')
    return {
      item,
      verdict: 'dead-letter',
      reason: 'not in the form of an item: another program or version wrote it',
    }
  if (only !== undefined && only !== consumer) return { item, verdict: 'none', reason: '' }
  if (expiresAtMs !== undefined && expiresAtMs <= clock.now()) return { item, verdict: 'expired', reason: '' }
  if (letters.has({ consumer, lane, offset, putAtMs })) return { item, verdict: 'dead-letter', reason: '' }
  if (deliveries < deliveriesMax) return undefined
  return { item, verdict: 'dead-letter', reason: `handed out ${deliveries} times and never acknowledged` }
}

/**
 * Writes letters and records of drops, in this order; durable on return. Only then may the items be done.
 *
 * @throws DISK_FULL, LOG_STORAGE_FAILED, errors of reading
 */
export async function recordRefusals(
  refusals: readonly Refusal[],
  consumer: string,
  drops: DropLog,
  letters: DeadLetters,
): Promise<readonly LetterDraft[]> {
  const dead = refusals.filter(({ verdict }) => verdict === 'dead-letter')
  const drafts: LetterDraft[] = []
  for (const refusal of dead) drafts.push(await letterOf(refusal, consumer))
  if (drafts.length > 0) await letters.add(drafts)
  const found = refusals.flatMap(({ item, verdict }) =>
    verdict === 'none' ? [] : [dropOf(item, verdict, consumer)],
  )
  if (found.length > 0) await drops.record(joined(found))
  return drafts
}

/** What cannot be decoded is kept as it is; of the rest, the letter holds what was put. */
async function letterOf({ item, reason }: Refusal, consumer: string): Promise<LetterDraft> {
  const { progress, offset, deliveries } = item
  const lane = progress.lane.name
  const record = await progress.recall(offset)
  const found = { lane, offset, consumer, deliveries, reason }
  // Damage that was found only now: the letter says at least what it was.
  if (record === undefined) return { ...found, key: undefined, value: new Uint8Array(0), putAtMs: 0 }
  const { key, value = record.value } = decodeItem(record) ?? {}
  return { ...found, key, value, putAtMs: record.timestampMs }
}

function dropOf({ progress, offset, to, bytes }: OpenItem, why: DropReason, consumer: string): Drop {
  const { lane } = progress
  return { why, lane: lane.name, consumer, from: offset, to, count: to - offset, bytes }
}

/** Drops next to each other are one record. */
function joined(drops: readonly Drop[]): readonly Drop[] {
  const runs: Drop[] = []
  for (const drop of drops) {
    const last = runs.at(-1)
    const isNext = last?.to === drop.from && last.why === drop.why && last.lane === drop.lane
    if (last === undefined || !isNext) runs.push(drop)
    else
      runs[runs.length - 1] = {
        ...last,
        to: drop.to,
        count: last.count + drop.count,
        bytes: last.bytes + drop.bytes,
      }
  }
  return runs
}
