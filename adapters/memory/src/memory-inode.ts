import { Contents } from './memory-contents.ts'
import { FileMoment } from './memory-moment.ts'
import { type Change, SECTOR_BYTES } from './sector-choices.ts'

/** What becomes of what a sync was to write. */
export interface SyncOutcome {
  /** It is durable. */
  readonly finish: () => void
  /**
   * What Linux does after a failed sync: the pages count as written, programs go on seeing them, and no later
   * sync writes them. Whether they are on the disk nobody knows.
   */
  readonly fail: () => void
}

/** The contents of one file: as programs see them, and as they are on the disk. */
export class MemoryInode {
  #cached: Contents
  #durable: Contents
  /** Made since the last sync, in order, and what a failed sync has left in doubt. */
  #changes: Change[]
  #sequence = 0
  /** What a crash can leave now; made on demand, and until the next change. */
  #moment: FileMoment | undefined

  constructor(contents: Contents = new Contents()) {
    this.#durable = contents
    this.#cached = contents.copy()
    this.#changes = []
  }

  get size(): number {
    return this.#cached.size
  }

  /** What a crash can leave of the file now. */
  get moment(): FileMoment {
    this.#moment ??= new FileMoment(this.#durable.copy(), [...this.#changes])
    return this.#moment
  }

  /** The same file on another disk, with everything that is not synced. */
  copy(): MemoryInode {
    const copy = new MemoryInode(this.#durable.copy())
    copy.#cached = this.#cached.copy()
    copy.#changes = this.#changes.map((change) => ({ ...change, gone: new Set(change.gone) }))
    copy.#sequence = this.#sequence
    return copy
  }

  read(target: Uint8Array, position: number): number {
    return this.#cached.read(target, position)
  }

  /** Copies what it is given. */
  write(position: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#cached.write(position, bytes)
    const start = position - (position % SECTOR_BYTES)
    const end = Math.ceil((position + bytes.length) / SECTOR_BYTES) * SECTOR_BYTES
    this.#change({
      firstSector: start / SECTOR_BYTES,
      bytes: this.#cached.slice(start, end - start),
      isShrink: false,
    })
  }

  truncate(size: number): void {
    if (size === this.#cached.size) return
    const isShrink = size < this.#cached.size
    this.#cached.resize(size)
    const firstSector = Math.floor(size / SECTOR_BYTES)
    const isWithinSector = isShrink && size % SECTOR_BYTES > 0
    const bytes = this.#cached.slice(firstSector * SECTOR_BYTES, isWithinSector ? SECTOR_BYTES : 0)
    this.#change({ firstSector, bytes, isShrink })
  }

  /** A sync begins: only what was changed until now depends on it. */
  beginSync(): SyncOutcome {
    const last = this.#sequence
    return { finish: () => this.#settle(last), fail: () => this.#drop(last) }
  }

  /** Inverts bits on the disk and in memory, as a failing medium does. */
  flip(position: number, mask: number): void {
    for (const contents of [this.#cached, this.#durable]) {
      if (position >= contents.size) continue
      const bytes = contents.slice(position, 1)
      contents.write(position, bytes.fill((bytes[0] ?? 0) ^ mask))
    }
    this.#moment = undefined
  }

  /** Gives the file another size on the disk and in memory, as a damaged file system does. */
  damageSize(size: number): void {
    for (const contents of [this.#cached, this.#durable]) contents.resize(size)
    this.#changes = []
    this.#moment = undefined
  }

  #change(change: Pick<Change, 'firstSector' | 'bytes' | 'isShrink'>): void {
    this.#sequence += 1
    const { size } = this.#cached
    this.#changes.push({
      ...change,
      sequence: this.#sequence,
      size,
      isSizePossible: true,
      isDropped: false,
      gone: NOTHING,
    })
    this.#moment = undefined
  }

  #settle(last: number): void {
    const settled = this.#changes.filter(({ sequence, isDropped }) => sequence <= last && !isDropped)
    if (settled.length === 0) return
    for (const change of settled) applyChange(this.#durable, change)
    const end = settled.at(-1)?.sequence ?? 0
    this.#changes = this.#changes
      .filter((change) => !settled.includes(change))
      .map((change) => (change.sequence < end ? withoutOverwritten(change, settled) : change))
    this.#moment = undefined
  }

  #drop(last: number): void {
    this.#changes = this.#changes.map((change) =>
      change.sequence <= last ? { ...change, isDropped: true } : change,
    )
    this.#moment = undefined
  }
}

const NOTHING: ReadonlySet<number> = new Set()

function applyChange(target: Contents, { firstSector, bytes, size }: Change): void {
  const position = firstSector * SECTOR_BYTES
  if (bytes.length > 0) target.write(position, bytes.subarray(0, size - position))
  target.resize(size)
}

/** A change in doubt, without the sectors that later ones have made durable: the whole of a sector is written. */
function withoutOverwritten(change: Change, settled: readonly Change[]): Change {
  const gone = new Set(change.gone)
  for (const later of settled) {
    if (later.sequence < change.sequence) continue
    const sectors = later.isShrink ? Number.POSITIVE_INFINITY : later.bytes.length / SECTOR_BYTES
    const count = change.bytes.length / SECTOR_BYTES
    for (let index = 0; index < count; index += 1) {
      const sector = change.firstSector + index
      if (sector >= later.firstSector && sector < later.firstSector + sectors) gone.add(sector)
    }
  }
  return { ...change, gone, isSizePossible: false, isShrink: false }
}
