import { assert } from '@millrace/kernel'

/** What can be bound. */
export type SqlValue = string | number | null

/** How values get into a statement. */
export interface SqlValues {
  /** What stands for the value in the statement's text. */
  put(value: string | number): string
}

/**
 * A bound number for LIMIT or OFFSET. SQLite looks at a plain parameter there when it plans, and would plan again at every
 * execution, which takes longer than many a statement.
 */
export function boundLimit(values: SqlValues, limit: number): string {
  return `CAST(${values.put(limit)} AS INTEGER)`
}

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
}
