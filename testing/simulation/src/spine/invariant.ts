import type { DiskContents } from './oracle/disk-contents.ts'

/** A promise that is checked while a world runs. Each check gives what was seen that must not be, or undefined. */
export interface Invariant {
  readonly name: string
  /** After every step: looks at new facts only. */
  afterStep?(): string | undefined
  /** After every crash, at some other moments, and at the end: what a power cut leaves of the disk. */
  onDisk?(contents: DiskContents): string | undefined
  /** When everything has calmed down. */
  atEnd?(contents: DiskContents): string | undefined
}

/** A promise that did not hold. */
export interface Violation {
  readonly invariant: string
  readonly seen: string
  readonly step: number
  /** Virtual time since the start, in milliseconds. */
  readonly atMs: number
}
