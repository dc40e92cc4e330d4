import type { StoredEvent } from '@millrace/documents'
import { type RecordedEvent, recordedEvent, type Upcasters } from '@millrace/event-store'
import type { EventType } from '@millrace/kernel'
import type { ProjectedEvent } from './projection.ts'

/** An event with the cases that it meets. */
export interface Matched<Read, Case> {
  readonly event: Read
  readonly cases: readonly Case[]
}

/** Reads stored events for the cases of a projection. */
export class EventReading<Case extends { readonly type: EventType }> {
  readonly #cases = new Map<string, Case[]>()
  readonly #upcasters: Upcasters | undefined
  /** The types to ask the database for; more may come, since an old type may become one of several. */
  readonly storedTypes: readonly string[]

  constructor(cases: readonly Case[], upcasters: Upcasters | undefined) {
    for (const each of cases) {
      const { type } = each.type
      const known = this.#cases.get(type)
      if (known === undefined) this.#cases.set(type, [each])
      else known.push(each)
    }
    this.#upcasters = upcasters
    const types = [...this.#cases.keys()]
    this.storedTypes = upcasters === undefined ? types : upcasters.storedTypes(types)
  }

  /**
   * The event in its newest shape, with its cases; none for an event that is no concern of the projection.
   *
   * @throws STORED_EVENT_UNREADABLE, EVENT_SCHEMA_MISMATCH
   */
  read(stored: StoredEvent): Matched<RecordedEvent, Case> {
    return this.match(recordedEvent(stored, this.#upcasters))
  }

  /** The same for an event that has been read. @throws EVENT_SCHEMA_MISMATCH */
  match<Read extends ProjectedEvent>(event: Read): Matched<Read, Case> {
    const cases = this.#cases.get(event.type) ?? []
    // All cases of one name share one schema: an event type is declared once.
    const type = cases[0]?.type
    return { event: type === undefined ? event : (type.parse(event) as Read), cases }
  }
}
