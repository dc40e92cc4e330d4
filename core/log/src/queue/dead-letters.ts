import { viewOf } from '../integers.ts'
import type { ReadLimits } from '../log.ts'
import type { CursorWriter } from './cursor-writer.ts'
import type { DropLog } from './drop-log.ts'
import { type ItemDraft, itemBytes, type LaneItem } from './item-codec.ts'
import type { Lane } from './lane.ts'
import type { LaneCursor } from './lane-cursor.ts'
import type { ItemPlace } from './queue.ts'
import type { SpaceReserve } from './space-reserve.ts'

/** Why an item was given up, and what it was. */
export interface LetterDraft extends ItemPlace {
  readonly consumer: string
  readonly key: string | undefined
  readonly value: Uint8Array
  readonly putAtMs: number
  readonly deliveries: number
  readonly reason: string
}

/** A dead letter as operators see it. */
export interface DeadLetter extends LetterDraft {
  /** Its number among the dead letters, by which it is replayed and removed. */
  readonly letter: number
  readonly diedAtMs: number
}

type LetterHead = Omit<LetterDraft, 'key' | 'value'>

/** Which item a letter is about. */
export type LetterOrigin = Pick<LetterDraft, 'consumer' | 'lane' | 'offset' | 'putAtMs'>

const REASON_LENGTH_MAX = 2_000
const PAGE = { countMax: 500, bytesMax: 1024 * 1024 }
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** What the letters need of their queue. */
export interface DeadLetterOptions {
  /** Opened when it is needed: most queues never have a letter. */
  readonly openLane: () => Promise<Lane>
  readonly cursor: LaneCursor
  readonly writer: CursorWriter
  readonly drops: DropLog
  readonly reserve: SpaceReserve
  readonly bytesMax: number
  /** Puts an item for one consumer at the end of its lane. */
  readonly put: (items: readonly ItemDraft[]) => Promise<unknown>
}

/** Items that were given up, until somebody replays or removes them. */
export class DeadLetters {
  readonly #options: DeadLetterOptions
  #lane: Lane | undefined
  #opening: Promise<Lane> | undefined
  /** Letters whose item may not be done yet, so that a crash or a full disk in between makes no second one. */
  readonly #origins = new Map<string, number>()
  #adding: Promise<unknown> = Promise.resolve()

  constructor(options: DeadLetterOptions) {
    this.#options = options
  }

  /** Letters that nobody has replayed or removed. */
  get count(): number {
    const { cursor } = this.#options
    const lane = this.#lane
    return lane === undefined
      ? 0
      : lane.countBetween(cursor.doneBefore, lane.log.endOffset) - cursor.done.total
  }

  get bytes(): number {
    return this.#lane?.bytes ?? 0
  }

  /** A page of letters, from number `from` (default: the oldest) on, without those that were replayed or removed; empty at the end. */
  async read(from = 0, limits: ReadLimits = PAGE): Promise<readonly DeadLetter[]> {
    const { cursor } = this.#options
    const lane = this.#lane
    if (lane === undefined) return []
    for await (const page of lane.pages(Math.max(from, cursor.doneBefore), limits)) {
      const letters = page.filter(({ offset }) => !cursor.isDone(offset)).map(toLetter)
      if (letters.length > 0) return letters
    }
    return []
  }

  /**
   * Puts letters back, in order, at the end of the lanes that they came from, for the consumer that gave up on them only:
   * all, or those with these numbers. Durable on return; a crash in between may replay up to 500 of them twice.
   *
   * @throws what `put` throws: a full queue takes no replays
   */
  async replay(letters?: readonly number[]): Promise<number> {
    // One put a letter, in order: whatever they weigh, each fits, and they share their writes.
    return this.#eachPage(letters, ({ key, value, lane, consumer }) =>
      this.#options.put([{ ...keyOf(key), value, lane, only: consumer }]),
    )
  }

  /** Removes letters for good: all, or those with these numbers. Durable on return. */
  async remove(letters?: readonly number[]): Promise<number> {
    return this.#eachPage(letters, async () => undefined)
  }

  /** Whether this item has a letter already, of which a crash or a full disk has kept its cursor from knowing. */
  has(origin: LetterOrigin): boolean {
    const letter = this.#origins.get(originOf(origin))
    return letter !== undefined && !this.#options.cursor.isDone(letter)
  }

  /** Opens the letters that are on the disk. `isDone` knows whether an item is done for a consumer. */
  async load(isDone: (consumer: string, place: ItemPlace) => boolean): Promise<void> {
    const lane = await this.#open()
    const tail = Math.max(lane.log.startOffset, lane.log.endOffset - PAGE.countMax)
    for await (const page of lane.pages(tail, PAGE))
      for (const letter of page.map(toLetter))
        if (!isDone(letter.consumer, letter)) this.#origins.set(originOf(letter), letter.letter)
    lane.head = await lane.markAt(this.#options.cursor.doneBefore)
  }

  /** The items of these letters are done: whatever dies in their place is another one. */
  settled(drafts: readonly LetterDraft[]): void {
    for (const draft of drafts) this.#origins.delete(originOf(draft))
  }

  /** Durable on return. The oldest go if there are too many. */
  add(drafts: readonly LetterDraft[]): Promise<void> {
    const run = this.#adding.then(() => this.#add(drafts))
    this.#adding = run.catch(() => undefined)
    return run
  }

  async close(): Promise<void> {
    await this.#adding
    await this.#lane?.close()
  }

  async #add(drafts: readonly LetterDraft[]): Promise<void> {
    const lane = await this.#open()
    for (const draft of drafts) {
      if (this.has(draft)) continue
      const sized = encodeLetter(draft)
      if (lane.bytes + sized.bytes > this.#options.bytesMax) await this.#makeRoom(lane, sized.bytes)
      // One at a time fits the segment, whatever a letter weighs.
      this.#origins.set(originOf(draft), await this.#options.reserve.write(() => lane.append([sized])))
    }
  }

  async #makeRoom(lane: Lane, bytes: number): Promise<void> {
    const { cursor, drops, bytesMax } = this.#options
    const target = Math.max(0, bytesMax - bytes)
    let [count, dropped, to] = [0, 0, cursor.doneBefore]
    const from = to
    for await (const page of lane.pages(from, PAGE)) {
      for (const item of page) {
        if (lane.bytes - (item.at - lane.head.at) <= target) break
        to = item.offset + 1
        if (cursor.isDone(item.offset)) continue
        count += 1
        dropped += item.bytes
      }
      if (to <= (page.at(-1)?.offset ?? 0)) break
    }
    if (to === from) return
    await drops.record([{ why: 'dead-letters-full', lane: lane.name, from, to, count, bytes: dropped }])
    await this.#done([{ from, to }])
  }

  /** What succeeded counts, also if something else failed. */
  async #eachPage(
    wanted: readonly number[] | undefined,
    act: (letter: DeadLetter) => Promise<unknown>,
  ): Promise<number> {
    const chosen = wanted === undefined ? undefined : new Set(wanted)
    let count = 0
    for (let next = 0; ; ) {
      const page = await this.read(next)
      const last = page.at(-1)
      if (last === undefined) return count
      const letters = page.filter(({ letter }) => chosen?.has(letter) !== false)
      const outcomes = await Promise.allSettled(letters.map(act))
      const acted = letters.filter((_, index) => outcomes[index]?.status === 'fulfilled')
      await this.#done(acted.map(({ letter }) => ({ from: letter, to: letter + 1 })))
      const failed = outcomes.find((outcome) => outcome.status === 'rejected')
      if (failed !== undefined) throw failed.reason
      count += acted.length
      next = last.letter + 1
    }
  }

  async #done(ranges: readonly { readonly from: number; readonly to: number }[]): Promise<void> {
    const { cursor, writer } = this.#options
    if (ranges.length === 0) return
    await writer.write((change) => {
      for (const range of ranges) change.done(cursor, range)
    })
    const lane = await this.#open()
    lane.head = await lane.markAt(cursor.doneBefore)
    await lane.trim()
  }

  #open(): Promise<Lane> {
    this.#opening ??= this.#options.openLane().then(
      (lane) => {
        this.#lane = lane
        return lane
      },
      (error: unknown) => {
        this.#opening = undefined
        throw error
      },
    )
    return this.#opening
  }
}

function keyOf(key: string | undefined): { readonly key?: string } {
  return key === undefined ? {} : { key }
}

function originOf({ consumer, lane, offset, putAtMs }: LetterOrigin): string {
  return `${consumer}/${lane}/${offset}/${putAtMs}`
}

/** A letter is an item whose value is the length of a head, the head in JSON, and the value of the item that died. */
function encodeLetter({ key, value, reason, ...rest }: LetterDraft) {
  const head: LetterHead = { ...rest, reason: reason.slice(0, REASON_LENGTH_MAX) }
  const text = encoder.encode(JSON.stringify(head))
  const bytes = new Uint8Array(4 + text.length + value.length)
  viewOf(bytes).setUint32(0, text.length, true)
  bytes.set(text, 4)
  bytes.set(value, 4 + text.length)
  const encodedKey = key === undefined ? undefined : encoder.encode(key)
  return {
    item: { value: bytes },
    key: encodedKey,
    bytes: itemBytes(encodedKey?.length ?? 0, bytes.length),
  }
}

function toLetter({ offset: letter, putAtMs: diedAtMs, key, value }: LaneItem): DeadLetter {
  const length = viewOf(value).getUint32(0, true)
  const head = JSON.parse(decoder.decode(value.subarray(4, 4 + length))) as LetterHead
  return { ...head, letter, diedAtMs, key, value: value.subarray(4 + length) }
}
