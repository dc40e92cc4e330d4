import type { RowOperation, StoredEvent } from '@millrace/documents'
import type { Upcasters } from '@millrace/event-store'
import { EventReading } from './event-reading.ts'
import { faultOf } from './fault.ts'
import type { Judge, PageWork, PreparedUnit } from './page-work.ts'
import { RowMerge, rowIdOf } from './row-merge.ts'
import type { RowCase, RowChange, RowProjection } from './row-projection.ts'
import { owns, type Shard } from './shard.ts'
import { UnitProgress } from './unit-progress.ts'

/** How a projection of rows works. */
export interface RowWorkOptions {
  readonly shard: Shard
  readonly upcasters?: Upcasters | undefined
}

/** Events into rows of a flat table. It reads nothing: what a row was before does not matter to the functions. */
export class RowWork implements PageWork {
  readonly looksAhead = true
  readonly #projection: RowProjection
  readonly #shard: Shard
  readonly #reading: EventReading<RowCase>

  constructor(projection: RowProjection, { shard, upcasters }: RowWorkOptions) {
    this.#projection = projection
    this.#shard = shard
    this.#reading = new EventReading(projection.cases, upcasters)
  }

  get storedTypes(): readonly string[] {
    return this.#reading.storedTypes
  }

  async prepare(events: readonly StoredEvent[], judge: Judge): Promise<PreparedUnit> {
    const progress = new UnitProgress(events.length, judge)
    const merge = new RowMerge(this.#projection.table)
    let applied = 0
    for (let index = 0; index < progress.taken; index += 1) {
      const stored = events[index]!
      const changes = this.#changesOf(stored)
      if ('error' in changes) {
        if (owns(this.#shard, stored.stream ?? stored.id)) progress.note(index, changes)
        continue
      }
      for (const change of changes) merge.add(change)
      if (changes.length > 0) applied += 1
    }
    const { taken, fault, skipped } = progress
    const operations: RowOperation[] = merge.operations
    return { operations, taken, applied, skipped, fault }
  }

  forget(): void {}

  #changesOf(stored: StoredEvent) {
    const { name, table } = this.#projection
    let kind: 'event' | 'apply' | 'document' = 'event'
    try {
      const { event, cases } = this.#reading.read(stored)
      kind = 'apply'
      const returned = cases.flatMap((each) => each.apply(event) ?? [])
      kind = 'document'
      const changes: RowChange[] = []
      for (const each of returned) if (owns(this.#shard, rowIdOf(table, each))) changes.push(each)
      return changes
    } catch (error) {
      return faultOf(kind, name, stored, error)
    }
  }
}
