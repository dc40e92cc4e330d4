import type { Durability } from '../log.ts'
import type { Table } from '../table/table.ts'
import { CursorChange } from './lane-cursor.ts'
import type { SpaceReserve } from './space-reserve.ts'

interface PendingChange {
  readonly apply: (change: CursorChange) => void
  readonly durability: Durability
  readonly done: PromiseWithResolvers<void>
}

/** Writes changes of the cursors of one consumer, one write at a time; what comes meanwhile shares the next one. */
export class CursorWriter {
  readonly #table: Table
  readonly #reserve: SpaceReserve
  #pending: PendingChange[] = []
  #writing: Promise<void> | undefined

  constructor(table: Table, reserve: SpaceReserve) {
    this.#table = table
    this.#reserve = reserve
  }

  /**
   * Calls `apply` in the order of the calls; on return it is as durable as was asked for. If it rejects, nothing of it has happened.
   *
   * @throws DISK_FULL, LOG_STORAGE_FAILED
   */
  write(apply: (change: CursorChange) => void, durability: Durability = 'disk'): Promise<void> {
    const done = Promise.withResolvers<void>()
    this.#pending.push({ apply, durability, done })
    this.#writing ??= this.#write()
    return done.promise
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    await this.#writing
  }

  async #write(): Promise<void> {
    // A turn later, so that what is changed in the same turn shares the first write.
    await undefined
    while (this.#pending.length > 0) {
      const pending = this.#pending.splice(0)
      const change = new CursorChange()
      try {
        for (const { apply } of pending) apply(change)
        const { entries } = change
        const durability = pending.some((each) => each.durability === 'disk') ? 'disk' : 'os'
        if (entries.length > 0) await this.#reserve.write(() => this.#table.put(entries, { durability }))
        for (const { done } of pending) done.resolve()
      } catch (error) {
        change.undo()
        for (const { done } of pending) done.reject(error)
      }
    }
    this.#writing = undefined
  }
}
