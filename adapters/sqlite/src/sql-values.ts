import { assert } from '@millrace/kernel'

/** What can be bound. */
export type SqlValue = string | number | null

/** How values get into a statement. */
export interface SqlValues {
  /** What stands for the value in the statement's text. */
  put(value: string | number): string
  /** What stands between the parentheses of IN. All values are texts, or all are numbers. */
  putAll(values: readonly (string | number)[]): string
}

/**
 * A bound number for LIMIT or OFFSET. SQLite looks at a plain parameter there when it plans, and would plan again at every
 * execution, which takes longer than many a statement.
 */
export function boundLimit(values: SqlValues, limit: number): string {
  return `CAST(${values.put(limit)} AS INTEGER)`
}

/** Values of a list that are bound one by one. */
const LISTED_MAX = 16

/** Values that are bound: the text only gets their numbers. */
export class BoundValues implements SqlValues {
  readonly #values: SqlValue[] = []

  get all(): readonly SqlValue[] {
    return this.#values
  }

  put(value: SqlValue): string {
    this.#values.push(value)
    return `?${this.#values.length}`
  }

  /** Many are one parameter: SQLite takes 32,766 at most, and each number of them would be a statement of its own. */
  putAll(values: readonly (string | number)[]): string {
    if (values.length <= LISTED_MAX) return values.map((value) => this.put(value)).join(', ')
    const column = typeof values[0] === 'number' ? 'CAST(value AS REAL)' : 'value'
    return `SELECT ${column} FROM json_each(${this.put(JSON.stringify(values))})`
  }
}

/**
 * Values that stand in the text, because an index cannot have parameters. Only for what a schema declares, which has no
 * quotes, backslashes or control characters.
 */
export const literalValues: SqlValues = {
  put(value) {
    if (typeof value === 'number') return `${value}`
    assert(!/['\0]/.test(value), 'a declared text has no quotes')
    return `'${value}'`
  },

  putAll(values) {
    return values.map((value) => literalValues.put(value)).join(', ')
  },
}
