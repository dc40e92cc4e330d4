import type { ColumnValue, TableSchema } from '@millrace/documents'
import type { EventType } from '@millrace/kernel'
import type { ProjectedEvent } from './projection.ts'

/** What an event does to a row of the projection's table. */
export type RowChange =
  | {
      readonly kind: 'put-row'
      /** Every column of the table's key. */
      readonly key: Readonly<Record<string, string | number>>
      /** Columns to set; others of a row that is there stay, of a new row are null. */
      readonly set?: Readonly<Record<string, ColumnValue>>
      /** Numbers to add; null and a new row count as 0. */
      readonly add?: Readonly<Record<string, number>>
    }
  | { readonly kind: 'delete-row'; readonly key: Readonly<Record<string, string | number>> }

/** What an event does to the table: one change, several in order, or none. */
export type ApplyRows<Data> = (event: ProjectedEvent<Data>) => RowChange | readonly RowChange[] | undefined

/** One event type with what it does. */
export interface RowCase {
  readonly type: EventType
  readonly apply: ApplyRows<unknown>
}

/** A described projection of events into a flat table that people query with SQL. Immutable; `on` gives a new one. */
export interface RowProjection {
  readonly kind: 'row-projection'
  readonly name: string
  readonly table: TableSchema
  readonly version: number
  readonly cases: readonly RowCase[]
  /** Adds what events of `type` do. The function must be pure: it is run again after a crash. */
  on<Data>(type: EventType<Data>, apply: ApplyRows<Data>): RowProjection
}

/**
 * Describes a projection into a flat table. It cannot be fed from the bus.
 *
 * @example
 * rows('alarms-by-day', { name: 'alarms', columns: { bench: 'text', day: 'text', count: 'number' }, key: ['bench', 'day'] })
 *   .on(Alarm, ({ stream, time }) => ({ kind: 'put-row', key: { bench: String(stream), day: time.slice(0, 10) }, add: { count: 1 } }))
 */
export function rows(
  name: string,
  table: TableSchema,
  { version = 1 }: { readonly version?: number } = {},
): RowProjection {
  return withCases({ name, table, version, cases: [] })
}

function withCases(description: Pick<RowProjection, 'name' | 'table' | 'version' | 'cases'>): RowProjection {
  return {
    kind: 'row-projection',
    ...description,
    on: (type, apply) =>
      withCases({
        ...description,
        cases: [...description.cases, { type: type as EventType, apply: apply as ApplyRows<unknown> }],
      }),
  }
}
