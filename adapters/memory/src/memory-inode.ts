import { type Random, randomInteger } from '@millrace/kernel'

/** What a disk writes as a whole or not at all. */
const SECTOR_BYTES = 512

type Change =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly size: number }

/** The contents of one file: as programs see them, and as they are on the disk. */
export class MemoryInode {
  readonly #cached = new GrowingBytes()
  readonly #durable = new GrowingBytes()
  /** Made since the last sync, in order. */
  #changes: Change[] = []

  get size(): number {
    return this.#cached.size
  }

  read(target: Uint8Array, position: number): number {
    const bytes = this.#cached.bytes.subarray(position, position + target.length)
    target.set(bytes)
    return bytes.length
  }

  /** Copies what it is given. */
  write(position: number, bytes: Uint8Array): void {
    this.#change({ kind: 'write', position, bytes: bytes.slice() })
  }

  truncate(size: number): void {
    this.#change({ kind: 'truncate', size })
  }

  /** A sync begins: what was changed until now is what the returned function makes durable. */
  beginSync(): () => void {
    const last = this.#changes.at(-1)
    return () => {
      const count = last === undefined ? 0 : this.#changes.lastIndexOf(last) + 1
      for (const change of this.#changes.splice(0, count)) apply(this.#durable, change)
    }
  }

  /**
   * What Linux does after a failed sync: the pages count as written, programs go on seeing them, and no later
   * sync writes them.
   */
  failSync(): void {
    this.#changes = []
  }

  /** Inverts bits on the disk and in memory, as a failing medium does. */
  flip(position: number, mask: number): void {
    for (const { bytes } of [this.#cached, this.#durable]) {
      if (position < bytes.length) bytes[position] = (bytes[position] ?? 0) ^ mask
    }
  }

  /** The file after a power cut: only what was synced, or, with `random`, any sectors of the rest as well. */
  afterCrash(random: Random | undefined): MemoryInode {
    const survivor = new MemoryInode()
    survivor.#durable.write(0, this.#durable.bytes)
    if (random !== undefined && this.#changes.length > 0) this.#surviveInPart(survivor.#durable, random)
    survivor.#cached.write(0, survivor.#durable.bytes)
    return survivor
  }

  #surviveInPart(target: GrowingBytes, random: Random): void {
    const sizes = [this.#durable.size, this.#cached.size]
    for (const change of this.#changes) sizes.push(endOf(change))
    const size = sizes[randomInteger(random, 0, sizes.length)] ?? 0
    for (const sector of this.#touchedSectors()) {
      if (random.next() < 0.5) continue
      const position = sector * SECTOR_BYTES
      const end = Math.min(position + SECTOR_BYTES, this.#cached.size)
      if (position < end) target.write(position, this.#cached.bytes.subarray(position, end))
    }
    target.resize(size)
  }

  #touchedSectors(): Set<number> {
    const sectors = new Set<number>()
    for (const change of this.#changes) {
      if (change.kind !== 'write') continue
      const last = Math.ceil(endOf(change) / SECTOR_BYTES)
      for (let sector = Math.floor(change.position / SECTOR_BYTES); sector < last; sector += 1)
        sectors.add(sector)
    }
    return sectors
  }

  #change(change: Change): void {
    this.#changes.push(change)
    apply(this.#cached, change)
  }
}

function endOf(change: Change): number {
  return change.kind === 'write' ? change.position + change.bytes.length : change.size
}

function apply(target: GrowingBytes, change: Change): void {
  if (change.kind === 'write') target.write(change.position, change.bytes)
  else target.resize(change.size)
}

/** Bytes with room to grow; what is behind the size is always zero. */
class GrowingBytes {
  #buffer = new Uint8Array(256)
  #size = 0

  get size(): number {
    return this.#size
  }

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#size)
  }

  write(position: number, bytes: Uint8Array): void {
    this.resize(Math.max(this.#size, position + bytes.length))
    this.#buffer.set(bytes, position)
  }

  resize(size: number): void {
    if (size > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(size, this.#buffer.length * 2))
      larger.set(this.#buffer)
      this.#buffer = larger
    }
    if (size < this.#size) this.#buffer.fill(0, size, this.#size)
    this.#size = size
  }
}
