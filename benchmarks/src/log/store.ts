/**
 * Something that keeps records in order: ours, a raw file, or a peer. What `append` promises when it is done (or has
 * resolved) is what the plan's settings say.
 */
export interface BenchStore extends AsyncDisposable {
  /** Appends records in order. Done when it returns or, if it returns a promise, when that resolves. */
  append(records: readonly Uint8Array[]): Promise<void> | void
  /** Calls `touch` with every record from the first on, until it answers false. Absent: it cannot, or not fairly. */
  read?(touch: (record: Uint8Array) => boolean): Promise<void>
  /** Processes beside the one that calls. */
  readonly serverPids?: readonly number[]
}

/** A store with settings, on an empty directory. */
export interface StorePlan {
  readonly id: string
  readonly name: string
  /** Every setting that matters, in the store's own words, with its version. */
  readonly settings: string
  /**
   * True if one caller at a time should hand over what all producers have waiting, as users of a store without a
   * group commit of its own do: one transaction.
   */
  readonly gathers: boolean
  /** True for a loop that shows what the machine allows, and is no store. */
  readonly isRaw?: boolean
  open(directory: string): Promise<BenchStore>
}

/** A plan that cannot be carried out here, and why. */
export interface MissingPlan {
  readonly name: string
  readonly settings: string
  readonly reason: string
}
