import { type Cancel, crc32c, type Scheduler } from '@millrace/kernel'
import { MARK_FILE } from './directory-layout.ts'
import type { Files, OpenFile } from './files.ts'
import { getInteger64, putInteger64, viewOf } from './integers.ts'
import { createWholeFile } from './whole-file.ts'

/** "MRMK" in memory order. */
const MAGIC = 0x4b4d524d
export const SLOT_BYTES = 56
const CHECKED_BYTES = 52
/** Slots are a sector and more apart, so that no torn write can hurt both. */
export const SLOT_DISTANCE_BYTES = 4096
export const FILE_BYTES = 2 * SLOT_DISTANCE_BYTES
const DELAY_MS = 1000
/** Offsets that are reserved at once: what a crash skips at most, and how often a weak append waits for a sync. */
const RESERVE_OFFSETS = 1 << 16

/** A boundary between two frames in a file, and what tells the file from every other. */
export interface MarkedPlace {
  /** The first offset of the segment, and its salt. */
  readonly baseOffset: number
  readonly salt: number
  readonly position: number
}

/** Everything before `offset` is durable. */
export interface DurableEnd {
  readonly offset: number
  /** Where the record with `offset` will stand; undefined if that is not known. */
  readonly place: MarkedPlace | undefined
}

/**
 * A lower bound of what is durable, in a file of its own: it tells a torn tail that nobody was promised from
 * acknowledged records that the disk has lost, keeps offsets from being used again, and tells where in the last segment
 * it stands, so that opening need not read what is below. Written lazily, so it may lag behind the truth, but is never
 * ahead of it. Two slots are written in turn.
 *
 * Beside it stands which offsets may have been given to records that are not durable: that is written, and durable,
 * before the first of them is acknowledged.
 */
export class DurableMark {
  readonly #files: Files
  readonly #directory: string
  readonly #scheduler: Scheduler
  #generation: number
  #written: DurableEnd
  #wanted: DurableEnd
  /** Durably reserved; and what the newest slot says. */
  #reserved: number
  #slotReserved: number
  /** What was written is on the disk; what an earlier process wrote may be in the system's memory only. */
  #isDurable: boolean
  #cancel: Cancel | undefined
  #writing: Promise<void> = Promise.resolve()

  private constructor(files: Files, directory: string, scheduler: Scheduler, slot: Slot) {
    this.#files = files
    this.#directory = directory
    this.#scheduler = scheduler
    this.#generation = slot.generation
    this.#written = { offset: slot.offset, place: slot.place }
    this.#wanted = this.#written
    this.#reserved = slot.reserved
    this.#slotReserved = slot.reserved
    this.#isDurable = slot.generation === 0
  }

  /** Reads the newest intact slot; without one the mark is 0. */
  static async open(
    files: Files,
    directory: string,
    names: readonly string[],
    scheduler: Scheduler,
  ): Promise<DurableMark> {
    const slot = names.includes(MARK_FILE)
      ? await readNewestSlot(files, `${directory}/${MARK_FILE}`)
      : undefined
    return new DurableMark(files, directory, scheduler, slot ?? NO_SLOT)
  }

  /** What was written last. */
  get durableEnd(): DurableEnd {
    return this.#written
  }

  /** No offset below this may be given to a record that was not there when the log was opened. */
  get reserved(): number {
    return this.#reserved
  }

  /** Resolves when every offset below `offset` is durably reserved. Mostly at once: the next ones are asked for early. */
  async reserve(offset: number): Promise<void> {
    if (offset <= this.#reserved - RESERVE_OFFSETS / 2) return
    const writing = this.#writing.then(() => this.#reserveNow(offset))
    this.#writing = writing.catch(() => {})
    if (offset > this.#reserved) await writing
  }

  /** Notes how far everything is durable; it is written within a second or so. */
  advance(end: DurableEnd): void {
    const isAhead = end.offset > this.#wanted.offset
    if (isAhead || (end.offset === this.#wanted.offset && end.place !== undefined)) this.#wanted = end
    if (isSame(this.#wanted, this.#written)) return
    this.#cancel ??= this.#scheduler.after(DELAY_MS, () => {
      this.#cancel = undefined
      void this.#write(false)
    })
  }

  /** Writes and syncs what has not been written yet; what was reserved and not used is given back. */
  async close(endOffset: number): Promise<void> {
    this.#cancel?.()
    if (this.#slotReserved > endOffset) this.#slotReserved = endOffset
    await this.#write(true)
  }

  /** The mark is a help, not a promise: what keeps it from being written keeps nobody from working. */
  #write(sync: boolean): Promise<void> {
    this.#writing = this.#writing.then(() => this.#writeNow(sync)).catch(() => {})
    return this.#writing
  }

  async #writeNow(sync: boolean): Promise<void> {
    const isNew = !isSame(this.#wanted, this.#written) || this.#slotReserved !== this.#reserved
    if (!isNew && (this.#isDurable || !sync)) return
    await this.#put(this.#slotReserved, sync)
  }

  async #reserveNow(offset: number): Promise<void> {
    if (offset <= this.#reserved - RESERVE_OFFSETS / 2) return
    const reserved = offset + RESERVE_OFFSETS
    await this.#put(reserved, true)
    this.#reserved = reserved
    this.#slotReserved = reserved
  }

  async #put(reserved: number, sync: boolean): Promise<void> {
    const generation = this.#generation + 1
    const wanted = this.#wanted
    const bytes = [encodeSlot({ generation, ...wanted, reserved })]
    const position = (generation % 2) * SLOT_DISTANCE_BYTES
    await using file = await this.#open()
    await (sync ? file.writeDurable(bytes, position) : file.write(bytes, position))
    this.#generation = generation
    this.#written = wanted
    this.#isDurable = sync
  }

  async #open(): Promise<OpenFile> {
    if (this.#generation > 0) return this.#files.open(`${this.#directory}/${MARK_FILE}`, 'write')
    return createWholeFile(this.#files, this.#directory, MARK_FILE, [new Uint8Array(FILE_BYTES)])
  }
}

/** One of the two places of the mark. */
export interface Slot extends DurableEnd {
  readonly generation: number
  readonly reserved: number
}

const NO_SLOT: Slot = { generation: 0, offset: 0, reserved: 0, place: undefined }

function isSame(left: DurableEnd, right: DurableEnd): boolean {
  return (
    left.offset === right.offset &&
    left.place?.baseOffset === right.place?.baseOffset &&
    left.place?.salt === right.place?.salt &&
    left.place?.position === right.place?.position
  )
}

async function readNewestSlot(files: Files, path: string): Promise<Slot | undefined> {
  await using file = await files.open(path, 'read')
  const bytes = new Uint8Array(FILE_BYTES)
  await file.read(bytes, 0)
  const slots = [0, SLOT_DISTANCE_BYTES].map((position) =>
    decodeSlot(bytes.subarray(position, position + SLOT_BYTES)),
  )
  return slots.reduce(
    (newest, slot) => ((slot?.generation ?? 0) > (newest?.generation ?? 0) ? slot : newest),
    undefined,
  )
}

/** The bytes of a slot. */
export function encodeSlot(slot: Slot): Uint8Array {
  const bytes = new Uint8Array(SLOT_BYTES)
  const view = viewOf(bytes)
  view.setUint32(0, MAGIC, true)
  putInteger64(view, 8, slot.generation)
  putInteger64(view, 16, slot.offset)
  putInteger64(view, 24, slot.reserved)
  if (slot.place !== undefined) {
    putInteger64(view, 32, slot.place.baseOffset)
    view.setUint32(40, slot.place.salt, true)
    view.setUint32(44, slot.place.position, true)
  }
  view.setUint32(CHECKED_BYTES, crc32c(bytes.subarray(0, CHECKED_BYTES)), true)
  return bytes
}

/** What a slot holds; undefined if it is not intact. */
export function decodeSlot(bytes: Uint8Array): Slot | undefined {
  const view = viewOf(bytes)
  if (view.getUint32(0, true) !== MAGIC) return undefined
  if (view.getUint32(CHECKED_BYTES, true) !== crc32c(bytes.subarray(0, CHECKED_BYTES))) return undefined
  const position = view.getUint32(44, true)
  return {
    generation: getInteger64(view, 8),
    offset: getInteger64(view, 16),
    reserved: getInteger64(view, 24),
    place:
      position === 0
        ? undefined
        : { baseOffset: getInteger64(view, 32), salt: view.getUint32(40, true), position },
  }
}
