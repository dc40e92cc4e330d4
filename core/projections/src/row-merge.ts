import type { ColumnValue, RowOperation, TableSchema } from '@millrace/documents'
import type { RowChange } from './row-projection.ts'

type Put = Extract<RowChange, { kind: 'put-row' }>

/**
 * Changes of the rows of one table, gathered so that a row that many events change is written once or twice. Numbers are
 * added up beforehand if they are whole; so the result is what the changes one by one would give, to the last bit, but
 * for a column that holds fractions and is added whole numbers to: there the last digit may differ, as it does for every
 * order in which fractions are added up.
 */
export class RowMerge {
  readonly #table: TableSchema
  /** By row, in order; a put is merged into the one before it where that is the last. */
  readonly #changes = new Map<string, RowChange[]>()

  constructor(table: TableSchema) {
    this.#table = table
  }

  add(change: RowChange): void {
    const id = rowIdOf(this.#table, change)
    const earlier = this.#changes.get(id)
    if (change.kind === 'delete-row' || earlier === undefined) {
      // Whatever was there before a deletion makes no difference.
      this.#changes.set(id, [change])
      return
    }
    const last = earlier.at(-1)
    const merged = last?.kind === 'put-row' ? mergedPut(last, change) : undefined
    if (merged === undefined) earlier.push(change)
    else earlier[earlier.length - 1] = merged
  }

  get operations(): RowOperation[] {
    const table = this.#table.name
    return [...this.#changes.values()].flat().map((change) => ({ ...change, table }))
  }
}

/** Tells the rows of a table apart; also says which shard a row belongs to. */
export function rowIdOf({ key }: TableSchema, change: RowChange): string {
  return JSON.stringify(key.map((column) => change.key[column]))
}

/** The two in one, or undefined if that would not be the same. */
function mergedPut(first: Put, second: Put): Put | undefined {
  const set: Record<string, ColumnValue> = { ...first.set }
  const add: Record<string, number> = { ...first.add }
  for (const [column, value] of Object.entries(second.set ?? {})) {
    set[column] = value
    delete add[column]
  }
  for (const [column, by] of Object.entries(second.add ?? {})) {
    if (Object.hasOwn(set, column)) {
      const value = set[column] ?? 0
      if (typeof value !== 'number') return undefined
      set[column] = value + by
    } else {
      const sum = (add[column] ?? 0) + by
      const isExact =
        !Object.hasOwn(add, column) || (Number.isSafeInteger(add[column]) && Number.isSafeInteger(by))
      if (!isExact || !Number.isFinite(sum)) return undefined
      add[column] = sum
    }
  }
  return { kind: 'put-row', key: second.key, set, add }
}
