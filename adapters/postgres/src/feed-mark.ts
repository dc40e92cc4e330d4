/** What was seen at one moment; see {@link FeedMark}. */
export interface FeedSight {
  /** The last position that had been given to anybody. */
  readonly given: number
  /** Transactions that wrote events, looked for after that. */
  readonly writers: readonly string[]
  /** Positions from the decided one on up to this one are there without a hole. */
  readonly contiguous: number
}

/** A position that is decided as soon as none of these transactions is under way any more. */
interface Pending {
  readonly position: number
  readonly writers: ReadonlySet<string>
}

const PENDING_MAX = 32
/** Virtual transactions of prepared ones begin so; they change their names when they are prepared. */
const PREPARED = '-1/'

/**
 * Up to which position the feed is complete: every number at or below it is visible to whoever looks from now on, or will
 * never be. It does not go by time, and not by the transactions' numbers either.
 *
 * **Why numbers alone do not do.** Positions come from a sequence, so they are given in order, but committed in any order,
 * and a transaction that is rolled back leaves a hole. Who reads up to the greatest position that is visible misses what a
 * slower transaction commits below it.
 *
 * **Why transaction ids do not do.** An event could say "whoever could have taken a smaller number than mine had an id
 * below H when I took mine", and be shown when all ids below H have ended. But the H that SQL shows, `pg_snapshot_xmax`, is
 * one more than the last id that has *ended*, not than the last that was given: a transaction that runs with a greater id
 * may hold a smaller number. And an id held back by anybody else in the whole server holds back the feed.
 *
 * **What does.** Numbers are only given by statements that insert into the table of events. Such a statement has the lock
 * of the table (ROW EXCLUSIVE) before it runs, and its transaction keeps it to its end; if a savepoint is rolled back
 * before that and gives it back, the rows with its numbers are gone with it. A lock is given back after the transaction has
 * become visible. So whoever
 *
 * 1. reads the last number that was given (P), then
 * 2. asks who holds the lock (W), then
 * 3. looks at the events with a new snapshot,
 *
 * knows of each number up to P: its transaction is in W, or has ended before (2), and is visible in (3) or was rolled back.
 * If W is empty, all up to P is decided. If it is not, P is decided as soon as none of W holds the lock: those that have
 * come since took greater numbers. Virtual transactions name them, since these are not used again while a server runs;
 * after a restart of it an old name may come again and delay the feed, but not let it pass something. A prepared
 * transaction changes its name, so that the feed waits for the end of any.
 *
 * The sequence gives one number at a time (CACHE 1): with a cache a session would give numbers later that it took before.
 * After a crash the sequence leaves out some numbers; nobody runs who could write them.
 */
export class FeedMark {
  #decided = 0
  #pending: Pending[] = []

  get decided(): number {
    return this.#decided
  }

  /** Takes in what was seen. Sights must come in the order in which they were seen. */
  see({ given, writers, contiguous }: FeedSight): void {
    const isQuiet = writers.length === 0
    if (isQuiet) {
      this.#decided = Math.max(this.#decided, given)
      this.#pending = []
      return
    }
    const hasPrepared = writers.some((writer) => writer.startsWith(PREPARED))
    const now = new Set(writers)
    const isDecided = (pending: Pending) =>
      !hasPrepared && ![...pending.writers].some((writer) => now.has(writer))
    const decided = this.#pending.filter(isDecided).map(({ position }) => position)
    this.#decided = Math.max(this.#decided, contiguous, ...decided)
    this.#pending = this.#pending.filter((each) => each.position > this.#decided && !isDecided(each))
    const last = this.#pending.at(-1)?.position ?? this.#decided
    if (given <= last) return
    // The oldest is decided first; of many, the newest can be taken again next time.
    if (this.#pending.length === PENDING_MAX) this.#pending.pop()
    this.#pending.push({ position: given, writers: now })
  }
}
