import type { Database, StoredEvent, WriteOperation } from '@millrace/documents'
import type { RecordedEvent, Upcasters } from '@millrace/event-store'
import type { EventType } from '@millrace/kernel'
import type { CustomProjection, CustomProjectionOptions } from './custom-projection.ts'
import { EventReading } from './event-reading.ts'
import { type Fault, faultOf, isOutage } from './fault.ts'
import type { Judge, PageWork, PreparedUnit } from './page-work.ts'
import type { ProjectedEvent } from './projection.ts'
import { UnitProgress } from './unit-progress.ts'

/** How a custom projection works. */
export interface CustomWorkOptions {
  readonly database: Database
  readonly upcasters?: Upcasters | undefined
}

/** Hands events to the projection's own function, by the unit. */
export class CustomWork implements PageWork {
  /** Its function reads the database, and expects what it has done before. */
  readonly looksAhead = false
  readonly #projection: CustomProjection
  readonly #database: Database
  readonly #reading: EventReading<{ readonly type: EventType }>

  constructor(projection: CustomProjection, { database, upcasters }: CustomWorkOptions) {
    this.#projection = projection
    this.#database = database
    this.#reading = new EventReading(
      projection.options.types.map((type) => ({ type })),
      upcasters,
    )
  }

  get storedTypes(): readonly string[] {
    return this.#reading.storedTypes
  }

  async prepare(events: readonly StoredEvent[], judge: Judge): Promise<PreparedUnit> {
    const progress = new UnitProgress(events.length, judge)
    const read: { readonly index: number; readonly event: RecordedEvent }[] = []
    for (let index = 0; index < progress.taken; index += 1) {
      const event = this.#read(events[index]!)
      if ('error' in event) progress.note(index, event)
      else if (event.event !== undefined) read.push({ index, event: event.event })
    }
    const operations = await this.#handled(events, read, progress)
    const { taken, skipped, fault } = progress
    return { operations, taken, applied: read.filter(({ index }) => index < taken).length, skipped, fault }
  }

  forget(): void {}

  #read(stored: StoredEvent): { readonly event: RecordedEvent | undefined } | Fault {
    try {
      const { event, cases } = this.#reading.read(stored)
      return { event: cases.length === 0 ? undefined : event }
    } catch (error) {
      return faultOf('event', this.#projection.name, stored, error)
    }
  }

  /**
   * What the function adds for these events. If it fails for several it gets half of them, until it fails for one alone:
   * then that one is at fault. A failing engine is nobody's fault.
   */
  async #handled(
    events: readonly StoredEvent[],
    read: readonly { readonly index: number; readonly event: RecordedEvent }[],
    progress: UnitProgress,
  ): Promise<readonly WriteOperation[]> {
    for (let count = read.length; count > 0; count >>= 1) {
      try {
        const some = read.slice(0, count).map(({ event }) => event)
        return await gatherOperations(this.#projection.options, some, this.#database)
      } catch (error) {
        if (isOutage(error)) throw error
        const index = read[0]?.index ?? 0
        if (count === 1) progress.note(index, faultOf('apply', this.#projection.name, events[index]!, error))
        const next = read[count === 1 ? 1 : count >> 1]
        if (next !== undefined) progress.endBefore(next.index)
      }
    }
    return []
  }
}

/** What the projection's function adds for these events. Throws what it throws. */
export async function gatherOperations(
  { handle }: CustomProjectionOptions,
  events: readonly ProjectedEvent[],
  database: Pick<Database, 'read'>,
): Promise<readonly WriteOperation[]> {
  const operations: WriteOperation[] = []
  await handle(events, {
    read: (reads) => database.read(reads),
    add: (...added) => {
      for (const each of added) operations.push({ tenant: '', ...each })
    },
  })
  return operations
}
