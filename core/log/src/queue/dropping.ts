import type { Clock } from '@millrace/kernel'
import type { DropReason } from './drop-log.ts'
import type { LaneItem } from './item-codec.ts'
import type { Lane, LaneMark } from './lane.ts'
import type { RoomMade, Usage } from './put-line.ts'
import type { WhenFull } from './queue.ts'

/** Items at the head of a lane that are to go, for every consumer. */
export interface HeadDrop {
  readonly lane: Lane
  readonly why: DropReason
  /** The lane's new floor. */
  readonly to: LaneMark
  /** Of those that somebody still needed. */
  readonly count: number
  readonly bytes: number
}

export interface DroppingOptions {
  readonly clock: Clock
  readonly ageMsMax: number
  readonly whenFull: WhenFull
  /** The listed lanes, the most urgent first. */
  readonly lanes: readonly Lane[]
  /** True if no consumer needs the item any more. */
  readonly isDone: (lane: Lane, offset: number) => boolean
  /** True if somebody has it under lease. */
  readonly isLeased: (lane: Lane, offset: number) => boolean
  /** Records the drop, then makes it so. */
  readonly drop: (drop: HeadDrop) => Promise<void>
}

const NEVER = Number.POSITIVE_INFINITY

/** Items of one drop: bounds how long it takes to find them. */
const DROP_COUNT_MAX = 1_000
const PAGE = { countMax: 256, bytesMax: 1024 * 1024 }

/** What is known of the oldest item of a lane. */
interface Head {
  readonly offset: number
  /** By the wall clock; infinite if it does not expire. */
  readonly expiresAtMs: number
  readonly putAtMs: number
}

/**
 * Drops from the heads of lanes: what has expired or is too old, and what must make room. One drop at a time, so that none
 * is recorded twice.
 */
export class Dropping {
  readonly #options: DroppingOptions
  readonly #heads = new Map<Lane, Head>()
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: DroppingOptions) {
    this.#options = options
  }

  /** Drops what has expired or is too old at the heads of the lanes, and answers whether there was something. */
  sweep(): Promise<boolean> {
    return this.#inTurn(async () => {
      let found = false
      for (const lane of this.#options.lanes) if (await this.#sweepLane(lane)) found = true
      return found
    })
  }

  /** Drops at least so much, if there is so much, by the policy of the quota. */
  makeRoom(needed: Usage, lowest: Lane): Promise<RoomMade> {
    return this.#inTurn(async () => {
      const { lanes, whenFull } = this.#options
      const allowed = whenFull === 'drop-oldest' ? lanes : lanes.slice(lanes.indexOf(lowest))
      const filled = allowed.filter((lane) => lane.head.offset < lane.log.endOffset)
      const { lane, nextPutAtMs } =
        whenFull === 'drop-oldest' ? await this.#oldest(filled) : { lane: filled.at(-1), nextPutAtMs: NEVER }
      if (lane === undefined) return allowed.some(({ inFlightCount }) => inFlightCount > 0) ? 'later' : 'none'
      const drop = await this.#find(
        lane,
        'quota',
        ({ putAtMs }, found) => putAtMs <= nextPutAtMs && isLess(found, needed),
      )
      if (drop === undefined) return 'none'
      await this.#options.drop(drop)
      return 'made'
    })
  }

  /** Resolves when nothing is being dropped. */
  async settle(): Promise<void> {
    await this.#last
  }

  async #sweepLane(lane: Lane): Promise<boolean> {
    if (lane.head.offset >= lane.log.endOffset) return false
    const head = await this.#headOf(lane)
    const why = this.#whyToSweep(lane, head)
    if (why === undefined) return false
    const drop = await this.#find(lane, why, (item) => {
      const isToGo = this.#whyToSweep(lane, headOf(item)) === why || this.#options.isDone(lane, item.offset)
      return isToGo && !this.#options.isLeased(lane, item.offset)
    })
    if (drop === undefined) return false
    await this.#options.drop(drop)
    return true
  }

  #whyToSweep(lane: Lane, head: Head): DropReason | undefined {
    const { clock, ageMsMax } = this.#options
    if (head.expiresAtMs <= clock.now()) return 'expired'
    const hasAge = ageMsMax !== NEVER && head.putAtMs !== NEVER
    return hasAge && lane.times.ageMs(head.offset, head.putAtMs) > ageMsMax ? 'age' : undefined
  }

  /** Items from the head on, as long as `goesOn` says so of the next one and of what was found before it. */
  async #find(
    lane: Lane,
    why: DropReason,
    goesOn: (item: LaneItem, found: Usage) => boolean,
  ): Promise<HeadDrop | undefined> {
    const { head } = lane
    let [count, bytes, to] = [0, 0, head]
    scan: for await (const page of lane.pages(head.offset, PAGE)) {
      for (const item of page) {
        if (count >= DROP_COUNT_MAX || !goesOn(item, { count, bytes: item.at - head.at })) break scan
        if (!this.#options.isDone(lane, item.offset)) count += 1
        bytes = item.at + item.bytes - head.at
        to = { offset: item.offset + 1, at: item.at + item.bytes }
      }
    }
    return to === head ? undefined : { lane, why, to, count, bytes }
  }

  /** The lane with the oldest item, and how old the oldest one of the others is. */
  async #oldest(
    lanes: readonly Lane[],
  ): Promise<{ readonly lane: Lane | undefined; readonly nextPutAtMs: number }> {
    const heads: { readonly lane: Lane; readonly putAtMs: number }[] = []
    for (const lane of lanes) heads.push({ lane, putAtMs: (await this.#headOf(lane)).putAtMs })
    const [first, second] = heads.sort((left, right) => left.putAtMs - right.putAtMs)
    return { lane: first?.lane, nextPutAtMs: second?.putAtMs ?? NEVER }
  }

  /** Read once for each head. */
  async #headOf(lane: Lane): Promise<Head> {
    const known = this.#heads.get(lane)
    if (known?.offset === lane.head.offset) return known
    let head: Head = {
      ...lane.head,
      expiresAtMs: Number.POSITIVE_INFINITY,
      putAtMs: Number.POSITIVE_INFINITY,
    }
    for await (const [item] of lane.pages(lane.head.offset, { countMax: 1 })) {
      if (item === undefined) continue
      head = { ...headOf(item), offset: lane.head.offset }
      break
    }
    this.#heads.set(lane, head)
    return head
  }

  #inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const run = this.#last.then(act)
    this.#last = run.catch(() => undefined)
    return run
  }
}

function headOf({ offset, putAtMs, expiresAtMs = NEVER }: LaneItem): Head {
  return { offset, putAtMs, expiresAtMs }
}

function isLess(found: Usage, needed: Usage): boolean {
  return found.count < needed.count || found.bytes < needed.bytes
}
