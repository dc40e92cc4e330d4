import type { Durability } from '../log.ts'

/** One entry of a {@link Table}; without `value` the key is removed. */
export interface TableEntry {
  readonly key: string
  readonly value?: Uint8Array
}

/** Options of {@link Table.put}. */
export interface PutOptions {
  /** Of tables on logs: what the promise waits for. Default: `disk`. */
  readonly durability?: Durability
}

/** Facts by key, of which the last value counts. */
export interface Table {
  /** All entries that are there, in no particular order, a bounded page at a time. */
  load(): AsyncGenerator<readonly Required<TableEntry>[]>
  get(key: string): Promise<Uint8Array | undefined>
  /** In the order of the calls, each call all or none; durable on return, unless less was asked for. */
  put(entries: readonly TableEntry[], options?: PutOptions): Promise<void>
  close(): Promise<void>
}

/** A table on a log, as it was found. */
export interface LogTable extends Table {
  /** Nothing was there: this call has made the table. */
  readonly isNew: boolean
  /** What is known to be missing, for people: entries may have an older value than the last, or none. */
  readonly damage: string | undefined
}
