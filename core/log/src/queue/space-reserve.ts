import { isMillraceError } from '@millrace/kernel'
import type { Files } from '../files.ts'
import { createWholeFile } from '../whole-file.ts'

const NAME = 'reserve'

/**
 * A file of zeros that is given up when the disk is full, so that what makes room (acknowledgements, records of drops)
 * can be written. It comes back when there is space again.
 */
export class SpaceReserve {
  readonly #files: Files
  readonly #directory: string
  readonly #bytes: number
  #isThere = false
  #isDiskFull = false
  /** Giving up and restoring, one after another. */
  #last: Promise<void> = Promise.resolve()

  constructor(files: Files, directory: string, bytes: number) {
    this.#files = files
    this.#directory = directory
    this.#bytes = bytes
  }

  /** It was given up, or never found room: what is left of the disk is for what makes room. */
  get isMissing(): boolean {
    return !this.#isThere && this.#bytes > 0
  }

  /** There is no reserve, or the last write did not find space. */
  get isDiskFull(): boolean {
    return this.#isDiskFull || this.isMissing
  }

  /** Makes the file if it is missing; a disk that has no room for it is tried again later. */
  restore(): Promise<void> {
    this.#last = this.#last.catch(() => undefined).then(() => this.#restore())
    return this.#last
  }

  /** Writes; if the disk is full, gives the reserve up and writes once more. */
  async write<Result>(write: () => Promise<Result>): Promise<Result> {
    try {
      const result = await write()
      this.#isDiskFull = false
      return result
    } catch (error) {
      this.note(error)
      if (!this.#isDiskFull || this.#bytes === 0) throw error
    }
    this.#last = this.#last.catch(() => undefined).then(() => this.#giveUp())
    await this.#last
    return write()
  }

  /** Tells of a write elsewhere: its error, or undefined if it went well. */
  note(error: unknown): void {
    this.#isDiskFull = isMillraceError(error, 'DISK_FULL')
  }

  async #restore(): Promise<void> {
    if (this.#isThere || this.#bytes === 0) return
    try {
      const names = await this.#files.list(this.#directory)
      if (!names.includes(NAME)) {
        const file = await createWholeFile(this.#files, this.#directory, NAME, [new Uint8Array(this.#bytes)])
        await file.close()
      }
      this.#isThere = true
    } catch (error) {
      if (!isMillraceError(error, 'DISK_FULL')) throw error
    }
  }

  async #giveUp(): Promise<void> {
    if (!this.#isThere) return
    this.#isThere = false
    await this.#files.remove(`${this.#directory}/${NAME}`)
    await this.#files.syncDirectory(this.#directory)
  }
}
