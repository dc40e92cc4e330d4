import { type ActiveSegment, type SegmentLimits, totalBytes } from './active-segment.ts'
import { GROUP_BYTES_WORTH_ZEROS_MAX, zeros } from './allocation.ts'
import { SPARE_FILE } from './directory-layout.ts'
import type { Files, OpenFile } from './files.ts'
import { createWholeFile } from './whole-file.ts'

const SLICE_BYTES = 256 * 1024
/** A small segment is filled in smaller slices, so that it is ready in time. */
const SLICES_MIN = 8
/** Zeros that wait for a sync at most: a larger heap of them would keep the appends of that moment waiting, too. */
const UNSYNCED_BYTES_MAX = 4 * 1024 * 1024

/** What the spare is made from. */
export interface SpareOptions {
  readonly files: Files
  readonly directory: string
  readonly limits: SegmentLimits
}

/** A file that has become a segment. */
export interface BegunFile {
  readonly file: OpenFile
  readonly fileBytes: number
  /** Behind the header there may be anything that stood in another segment, not just zeros. */
  readonly isRecycled: boolean
}

interface Spare {
  readonly file: OpenFile
  readonly isRecycled: boolean
  bytes: number
  unsyncedBytes: number
}

/**
 * The file of the next segment, made ready while the present one is filled, so that a write into it changes neither its
 * size nor its extents, and no sync waits for the file system's journal.
 *
 * It is a segment that retention has given up, if there is one: that costs no write at all. Otherwise it is filled with
 * zeros, two bytes for each that is appended to the second half of the present segment, so that an idle log does
 * nothing, and only where appends are small: where they are large the zeros cost more than they save.
 */
export class SpareSegment {
  readonly #options: SpareOptions
  #spare: Spare | undefined
  #credit = 0
  #work: Promise<void> | undefined
  /** The spare is about to be used: until that is done its name belongs to it, and to no other. */
  #isBecoming = false
  #isClosed = false

  constructor(options: SpareOptions) {
    this.#options = options
  }

  /** True if the next segment needs no space that is not there yet. */
  get isReady(): boolean {
    return this.#spare !== undefined
  }

  /** Goes on in the background for `bytes` that are about to be appended to `active`. */
  prepareFor({ segment }: ActiveSegment, bytes: number): void {
    const { segmentBytesMax, aheadBytesMax } = this.#options.limits
    if (bytes > GROUP_BYTES_WORTH_ZEROS_MAX || segment.dataBytes * 2 < segmentBytesMax) return
    const wanted = Math.min(segmentBytesMax, aheadBytesMax)
    const lacking = wanted - (this.#spare?.bytes ?? 0)
    this.#credit += bytes * 2
    const slice = Math.min(SLICE_BYTES, Math.ceil(wanted / SLICES_MIN), lacking)
    if (slice <= 0 || this.#credit < slice || this.#spare?.isRecycled === true) return
    this.#credit = 0
    this.#inBackground(() => this.#fill(slice, slice === lacking))
  }

  /** Takes a file that is not needed any more, and that has no name anybody looks for; false if it is of no use. */
  async recycle(path: string): Promise<boolean> {
    await this.#work
    if (this.#isClosed || this.#isBecoming || this.#spare !== undefined) return false
    let isTaken = false
    this.#inBackground(async () => {
      isTaken = await this.#take(path)
    })
    await this.#work
    return isTaken
  }

  /**
   * Makes the spare, or a new file, the one called `name`; its header, `contents` and name are durable on return, and
   * nobody sees the name before the rest is.
   */
  async become(
    name: string,
    header: (isRecycled: boolean) => Uint8Array,
    contents: readonly Uint8Array[],
  ): Promise<BegunFile> {
    this.#isBecoming = true
    try {
      await this.#work
      const spare = this.#spare
      this.#spare = undefined
      return await (spare === undefined
        ? this.#create(name, [header(false), ...contents])
        : this.#use(spare, name, [header(spare.isRecycled), ...contents]))
    } finally {
      this.#isBecoming = false
    }
  }

  async #create(name: string, contents: readonly Uint8Array[]): Promise<BegunFile> {
    const { files, directory } = this.#options
    const file = await createWholeFile(files, directory, name, contents)
    return { file, fileBytes: totalBytes(contents), isRecycled: false }
  }

  async #use(spare: Spare, name: string, contents: readonly Uint8Array[]): Promise<BegunFile> {
    const { files, directory } = this.#options
    const { file, isRecycled } = spare
    try {
      await file.writeDurable(contents, 0)
      await files.rename(this.#path, `${directory}/${name}`)
      await files.syncDirectory(directory)
      return { file, fileBytes: Math.max(spare.bytes, totalBytes(contents)), isRecycled }
    } catch (error) {
      await file.close().catch(() => {})
      await files.remove(this.#path).catch(() => {})
      throw error
    }
  }

  /** Gives the spare up. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#work
    await this.#drop()
  }

  get #path(): string {
    return `${this.#options.directory}/${SPARE_FILE}`
  }

  /** One thing at a time. A spare is a help: what keeps it from being made ready keeps nobody from working. */
  #inBackground(act: () => Promise<void>): void {
    if (this.#work !== undefined || this.#isBecoming || this.#isClosed) return
    this.#work = act()
      .catch(() => this.#drop())
      .finally(() => {
        this.#work = undefined
      })
  }

  async #take(path: string): Promise<boolean> {
    const { files, limits } = this.#options
    const file = await files.open(path, 'write')
    try {
      const bytes = await file.size()
      if (bytes * 2 < limits.segmentBytesMax || bytes > limits.segmentBytesMax) return false
      await files.rename(path, this.#path)
      this.#spare = { file, isRecycled: true, bytes, unsyncedBytes: 0 }
      return true
    } finally {
      if (this.#spare?.file !== file) await file.close()
    }
  }

  async #fill(bytes: number, isLast: boolean): Promise<void> {
    this.#spare ??= await this.#begin()
    const spare = this.#spare
    await spare.file.write(zeros(bytes), spare.bytes)
    spare.bytes += bytes
    spare.unsyncedBytes += bytes
    if (!isLast && spare.unsyncedBytes < UNSYNCED_BYTES_MAX) return
    await spare.file.sync()
    spare.unsyncedBytes = 0
  }

  async #begin(): Promise<Spare> {
    await this.#options.files.remove(this.#path)
    const file = await this.#options.files.open(this.#path, 'create')
    return { file, isRecycled: false, bytes: 0, unsyncedBytes: 0 }
  }

  async #drop(): Promise<void> {
    const spare = this.#spare
    this.#spare = undefined
    if (spare === undefined) return
    await spare.file.close().catch(() => {})
    await this.#options.files.remove(this.#path).catch(() => {})
  }
}
