/** What was done to the disk beside the crash. */
export interface Damage {
  /** In words, for whoever reads the report. */
  readonly what: string
  /** True if only one bit, or one place within one frame, is hurt: then one frame is the most that may be lost. */
  readonly isOnePlace: boolean
  /** The file that is hurt is the mark: then it vouches for nothing. */
  readonly isMark: boolean
  /** Where the newest segment begins: everything before it was durable, whatever the mark says. */
  readonly vouchedEnd: number
}

/** How a disk came to be what it is. */
export interface Circumstances {
  /** Only the process has ended: what was written is there, synced or not. */
  readonly isWarm?: boolean
  readonly damage?: Damage | undefined
}
