import { abortReason, millraceError } from '@millrace/kernel'
import type { Durability } from '../log.ts'
import type { Lane, SizedDraft } from './lane.ts'
import type { ItemPlace, WhenFull } from './queue.ts'

/** The items of one put, checked. */
export interface PutDraft {
  readonly drafts: readonly { readonly lane: Lane; readonly draft: SizedDraft }[]
  readonly bytes: number
  /** The least urgent lane of it. */
  readonly lowest: Lane
  readonly durability: Durability
}

/** Items and bytes. */
export interface Usage {
  readonly count: number
  readonly bytes: number
}

/** What making room has come to: `later` when what is being written must be there first. */
export type RoomMade = 'made' | 'later' | 'none'

export interface PutLineOptions {
  readonly directory: string
  readonly whenFull: WhenFull
  readonly countMax: number
  readonly bytesMax: number
  readonly waitingPutsMax: number
  readonly usage: () => Usage
  readonly store: (put: PutDraft) => Promise<readonly ItemPlace[]>
  /** False while what is left of the disk is kept for what makes room. */
  readonly isReady: () => boolean
  /** Tries to change that. */
  readonly makeReady: () => Promise<void>
  /** Drops what has expired or is too old; true if something was. */
  readonly sweep: () => Promise<boolean>
  /** Drops so much, from lanes that are no more urgent than `lowest` if that is the policy. */
  readonly makeRoom: (needed: Usage, lowest: Lane) => Promise<RoomMade>
}

interface WaitingPut {
  readonly put: PutDraft
  readonly done: PromiseWithResolvers<readonly ItemPlace[]>
}

/** Puts that share one record of what they drop. */
const TOGETHER_PART = 4

/** The puts of a queue, in the order of the calls: what finds room is stored at once, the rest waits in line. */
export class PutLine {
  readonly #options: PutLineOptions
  readonly #line = new Set<WaitingPut>()
  #running: Promise<void> | undefined
  #again = false
  #closed: Error | undefined

  constructor(options: PutLineOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#line.size
  }

  put(put: PutDraft, signal: AbortSignal | undefined): Promise<readonly ItemPlace[]> {
    this.#check(put)
    if (this.#line.size === 0 && this.#options.isReady() && this.#fits(put)) return this.#options.store(put)
    const { waitingPutsMax: limit } = this.#options
    if (this.#options.whenFull === 'block' && this.#line.size >= limit)
      throw millraceError('QUEUE_WAITERS_TOO_MANY', { what: 'puts', limit, setting: 'waitingPutsMax' })
    return this.#wait(put, signal)
  }

  /** There may be room. */
  wake(): void {
    if (this.#line.size === 0 || this.#closed !== undefined) return
    this.#again = true
    this.#running ??= this.#run()
  }

  /** Ends the waits. */
  async close(error: Error): Promise<void> {
    this.#closed = error
    for (const { done } of this.#line) done.reject(error)
    this.#line.clear()
    await this.#running
  }

  #wait(put: PutDraft, signal: AbortSignal | undefined): Promise<readonly ItemPlace[]> {
    if (signal?.aborted) return Promise.reject(abortReason(signal))
    const waiting: WaitingPut = { put, done: Promise.withResolvers() }
    const onAbort = () => {
      if (this.#line.delete(waiting)) waiting.done.reject(abortReason(signal))
      this.wake()
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#line.add(waiting)
    this.wake()
    return waiting.done.promise.finally(() => signal?.removeEventListener('abort', onAbort))
  }

  async #run(): Promise<void> {
    await undefined
    while (this.#again && this.#closed === undefined) {
      this.#again = false
      for (let first = this.#first(); first !== undefined; first = this.#first()) {
        if (!(await this.#isReadyFor(first))) continue
        if (this.#fits(first.put)) this.#store(first)
        else if (!(await this.#roomFor(first))) break
      }
    }
    this.#running = undefined
  }

  /** Refuses the first in the line if the disk is full. */
  async #isReadyFor(first: WaitingPut): Promise<boolean> {
    const { directory, isReady, makeReady } = this.#options
    if (isReady()) return true
    try {
      await makeReady()
      if (isReady()) return true
      this.#refuse(first, millraceError('DISK_FULL', { path: directory }))
    } catch (error) {
      this.#refuse(first, error)
    }
    return false
  }

  /** Makes room for the first in the line, or refuses it; false if it must wait. */
  async #roomFor(first: WaitingPut): Promise<boolean> {
    const { whenFull, sweep, makeRoom } = this.#options
    try {
      if (await sweep()) return true
      if (whenFull === 'block') return false
      const made =
        whenFull === 'reject' ? 'none' : await makeRoom(this.#needed(first.put.lowest), first.put.lowest)
      if (made === 'none') this.#refuse(first, this.#fullError())
      return made !== 'later'
    } catch (error) {
      this.#refuse(first, error)
      return true
    }
  }

  /** What the first puts of the line need together, so that they share one record; but not more than a part of the quota. */
  #needed(lowest: Lane): Usage {
    const { usage, countMax, bytesMax } = this.#options
    const used = usage()
    let [count, bytes, puts] = [0, 0, 0]
    for (const { put } of this.#line) {
      const isTooMuch =
        put.lowest !== lowest ||
        count + put.drafts.length > countMax / TOGETHER_PART ||
        bytes + put.bytes > bytesMax / TOGETHER_PART
      if (puts > 0 && isTooMuch) break
      puts += 1
      count += put.drafts.length
      bytes += put.bytes
    }
    return { count: used.count + count - countMax, bytes: used.bytes + bytes - bytesMax }
  }

  #first(): WaitingPut | undefined {
    return this.#closed === undefined ? this.#line.values().next().value : undefined
  }

  #store(waiting: WaitingPut): void {
    this.#line.delete(waiting)
    this.#options.store(waiting.put).then(waiting.done.resolve, waiting.done.reject)
  }

  #refuse(waiting: WaitingPut, error: unknown): void {
    this.#line.delete(waiting)
    waiting.done.reject(error)
  }

  #fits(put: PutDraft): boolean {
    const { usage, countMax, bytesMax } = this.#options
    const { count, bytes } = usage()
    return count + put.drafts.length <= countMax && bytes + put.bytes <= bytesMax
  }

  /** What never fits must not wait. */
  #check(put: PutDraft): void {
    const { countMax, bytesMax } = this.#options
    if (put.drafts.length <= countMax && put.bytes <= bytesMax) return
    const seen = `${put.drafts.length} items, ${put.bytes} bytes`
    throw millraceError('QUEUE_PUT_TOO_LARGE', {
      seen,
      limit: `the quota of ${countMax} items and ${bytesMax} bytes`,
    })
  }

  #fullError() {
    const { directory, usage, countMax, bytesMax } = this.#options
    const { count, bytes } = usage()
    const limit = `${countMax} items and ${bytesMax} bytes`
    return millraceError('QUEUE_QUOTA_EXCEEDED', { directory, seen: `${count} items, ${bytes} bytes`, limit })
  }
}
