import type { Clock } from '@millrace/kernel'
import type { LaneProgress } from './lane-progress.ts'
import { OrderedSet } from './ordered-set.ts'

/**
 * States: blocked (another item with its key comes first) → delayed (until its time) → ready → taking (the delivery is
 * being recorded) → leased → settling (acknowledgement, rejection or drop is being recorded) → gone. From taking, leased
 * and settling it may go back to delayed or ready.
 */
export type OpenState = 'blocked' | 'delayed' | 'ready' | 'taking' | 'leased' | 'settling'

/** Why an item is open that can never be handed out; a `hole` was known, and recorded, when the queue was opened. */
export type Flaw = 'hole' | 'damaged' | 'undecodable'

/** An item of one consumer that was looked at and is not done. */
export interface OpenItem {
  readonly progress: LaneProgress
  readonly offset: number
  /** Behind it; more than one further for a hole that damage has left. */
  readonly to: number
  /** Bytes of the lane before it. */
  readonly at: number
  readonly bytes: number
  readonly key: string | undefined
  readonly putAtMs: number
  readonly expiresAtMs: number | undefined
  /** As it was put; see `notBeforeMs`. */
  readonly putNotBeforeMs: number | undefined
  readonly only: string | undefined
  readonly flaw: Flaw | undefined
  deliveries: number
  /** It has been out more than once when the process ended: one of those must have done it, so each goes alone. */
  isSuspect: boolean
  state: OpenState
  /** By the wall clock; 0 if it need not wait. */
  notBeforeMs: number
  /** The newest lease; 0 if nobody may settle it. */
  lease: number
  /** By the monotonic clock. */
  leaseEndsMs: number
  /** Only between being looked at and being handed out. */
  value: Uint8Array | undefined
  /** Dropped for everybody while it was out: it keeps its key until it comes back, and then it is gone. */
  isDropped: boolean
  /** The ones before and behind it with its key in its lane. */
  previous: OpenItem | undefined
  next: OpenItem | undefined
}

/** False if it has been dropped, or left behind by a seek, since it was opened. */
export function isThere(item: OpenItem): boolean {
  return item.progress.items.get(item.offset) === item
}

/** Items of which only one may be out at a time, and those that came while one was. */
interface Turn {
  holder: OpenItem | undefined
  readonly parked: Set<OpenItem>
}

/** The items with one key: a line in each lane, of which only the first may go, and of those only one at a time. */
interface KeyLine extends Turn {
  readonly last: Map<LaneProgress, OpenItem>
}

/** The open items of a consumer in all lanes, and which of them may be handed out. Every change costs at most a logarithm. */
export class OpenItems {
  readonly #clock: Clock
  readonly #lines = new Map<string, KeyLine>()
  readonly #suspects: Turn = { holder: undefined, parked: new Set() }
  /** By the monotonic clock. */
  readonly #leases = new OrderedSet<OpenItem>()
  /** By the wall clock. */
  readonly #delays = new OrderedSet<OpenItem>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds until something happens by itself; undefined if nothing will. */
  get nextInMs(): number | undefined {
    const lease = this.#leases.firstOrder ?? Number.POSITIVE_INFINITY
    const delay = this.#delays.firstOrder ?? Number.POSITIVE_INFINITY
    const ms = Math.min(lease - this.#clock.monotonic(), delay - this.#clock.now())
    return ms === Number.POSITIVE_INFINITY ? undefined : Math.max(0, ms)
  }

  /** Adds an item that was just looked at; in a lane in the order of offsets. */
  add(item: OpenItem): void {
    item.progress.items.set(item.offset, item)
    this.#line(item)
    // What cannot go now is read again when it can: only its place is kept.
    if (item.state !== 'ready') item.value = undefined
  }

  /** The first item of a lane that may be handed out now. */
  candidate(progress: LaneProgress): OpenItem | undefined {
    for (let item = progress.ready.first; item !== undefined; item = progress.ready.first) {
      const busy = this.#turnsOf(item).find(({ holder }) => holder !== undefined)
      if (busy === undefined) return item
      progress.ready.delete(item)
      item.state = 'blocked'
      busy.parked.add(item)
    }
    return undefined
  }

  /** Takes an item out of those that may be handed out; nobody else gets one with its key. */
  reserve(item: OpenItem, state: 'taking' | 'settling'): void {
    this.#unlist(item)
    for (const turn of this.#turnsOf(item)) {
      turn.holder ??= item
      turn.parked.delete(item)
    }
    item.state = state
  }

  lease(item: OpenItem, lease: number, leaseMs: number): void {
    item.state = 'leased'
    item.lease = lease
    item.leaseEndsMs = this.#clock.monotonic() + leaseMs
    item.value = undefined
    this.#leases.set(item, item.leaseEndsMs)
  }

  /** Back under the lease that it had, as far as that goes. */
  resume(item: OpenItem): void {
    this.lease(item, item.lease, Math.max(0, item.leaseEndsMs - this.#clock.monotonic()))
  }

  /** Gives an item back: it may be handed out again, from `notBeforeMs` on. */
  release(item: OpenItem, notBeforeMs: number): void {
    if (!isThere(item)) return
    if (item.isDropped) {
      this.remove(item)
      return
    }
    this.#unlist(item)
    item.value = undefined
    item.notBeforeMs = notBeforeMs
    this.#endTurns(item)
    this.#offer(item)
  }

  /** It was dropped for everybody. Whoever has it finishes with it before another one with its key goes. */
  drop(item: OpenItem): void {
    item.isDropped = true
    if (item.state !== 'taking' && item.state !== 'leased' && item.state !== 'settling') this.remove(item)
  }

  /** It is done. */
  remove(item: OpenItem): void {
    if (!isThere(item)) return
    item.progress.items.delete(item.offset)
    this.#unlist(item)
    item.lease = 0
    for (const { parked } of this.#turnsOf(item)) parked.delete(item)
    const line = this.#lineOf(item)
    this.#endTurns(item)
    if (line === undefined) return
    const { previous, next, progress } = item
    if (previous !== undefined) previous.next = next
    if (next !== undefined) next.previous = previous
    else if (previous !== undefined) line.last.set(progress, previous)
    else line.last.delete(progress)
    if (item.key !== undefined && line.last.size === 0) this.#lines.delete(item.key)
    if (previous === undefined && next !== undefined) this.#offer(next)
  }

  /** Moves items whose lease or delay has ended; answers those whose lease has. */
  wake(): readonly OpenItem[] {
    const ended: OpenItem[] = []
    const nowMs = this.#clock.monotonic()
    for (let item = this.#leases.takeUpTo(nowMs); item !== undefined; item = this.#leases.takeUpTo(nowMs)) {
      this.release(item, 0)
      ended.push(item)
    }
    const wallMs = this.#clock.now()
    for (let item = this.#delays.takeUpTo(wallMs); item !== undefined; item = this.#delays.takeUpTo(wallMs))
      this.#offer(item)
    return ended
  }

  #line(item: OpenItem): void {
    if (item.key === undefined) {
      this.#offer(item)
      return
    }
    let line = this.#lines.get(item.key)
    if (line === undefined) {
      line = { holder: undefined, parked: new Set(), last: new Map() }
      this.#lines.set(item.key, line)
    }
    const before = line.last.get(item.progress)
    line.last.set(item.progress, item)
    if (before === undefined) this.#offer(item)
    else before.next = item
    item.previous = before
  }

  #offer(item: OpenItem): void {
    if (item.notBeforeMs > this.#clock.now()) {
      item.state = 'delayed'
      this.#delays.set(item, item.notBeforeMs)
      return
    }
    item.state = 'ready'
    item.progress.ready.set(item, item.offset)
  }

  #unlist(item: OpenItem): void {
    this.#leases.delete(item)
    this.#delays.delete(item)
    item.progress.ready.delete(item)
  }

  #endTurns(item: OpenItem): void {
    for (const turn of this.#turnsOf(item)) {
      if (turn.holder !== item) continue
      turn.holder = undefined
      const parked = [...turn.parked]
      turn.parked.clear()
      for (const each of parked) this.#offer(each)
    }
  }

  /** What must be free for an item to go. */
  #turnsOf(item: OpenItem): readonly Turn[] {
    const line = this.#lineOf(item)
    const turns: Turn[] = line === undefined ? [] : [line]
    return item.isSuspect ? [...turns, this.#suspects] : turns
  }

  #lineOf({ key }: OpenItem): KeyLine | undefined {
    return key === undefined ? undefined : this.#lines.get(key)
  }
}
