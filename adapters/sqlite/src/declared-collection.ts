import type { CheckedCollection, Filter, IndexSchema } from '@millrace/documents'
import { type ColumnPlace, type JsonPlace, placeAt, rankedPlaceAt } from './json-place.ts'
import { indexColumn } from './sql-names.ts'
import type { SqlValues } from './sql-values.ts'

/** A collection as it is declared in the file, and what statements about it have to know. */
export class DeclaredCollection {
  readonly schema: CheckedCollection
  /** Some documents may be marked as deleted: it has, or once had, soft deletes. */
  readonly hasMarks: boolean
  readonly #ranked = new Set<string>()
  readonly #columns = new Map<string, Extract<IndexSchema, { kind: 'column' }>>()
  readonly #literalConditions = new Set<string>()

  constructor(schema: CheckedCollection, hasMarks: boolean) {
    this.schema = schema
    this.hasMarks = hasMarks
    for (const index of schema.indexes) {
      if (index.kind === 'property') {
        for (const path of index.paths) this.#ranked.add(JSON.stringify(path))
        if (index.where !== undefined) {
          for (const each of conjuncts(index.where)) this.#literalConditions.add(JSON.stringify(each))
        }
      } else if (index.kind === 'column') this.#columns.set(JSON.stringify(index.path), index)
    }
  }

  get name(): string {
    return this.schema.name
  }

  /** How SQL gets at a path, so that indexes on it are used. */
  placeAt(body: string, path: readonly string[], values: SqlValues): JsonPlace {
    return this.isRanked(path) ? rankedPlaceAt(body, path) : placeAt(body, path, values)
  }

  /** The column that has the values at a path, where no index has all of them. */
  columnAt(document: string, path: readonly string[]): ColumnPlace | undefined {
    const index = this.isRanked(path) ? undefined : this.#columns.get(JSON.stringify(path))
    if (index === undefined) return undefined
    return { column: `${document}"${indexColumn(index.name)}"`, type: index.type }
  }

  isRanked(path: readonly string[]): boolean {
    return this.#ranked.has(JSON.stringify(path))
  }

  /**
   * Whether an index is limited by this condition. A statement that has it with the same values in its text may use the
   * index; with parameters it could not.
   */
  isLiteral(condition: Filter): boolean {
    return this.#literalConditions.size > 0 && this.#literalConditions.has(JSON.stringify(condition))
  }
}

/** The conditions that must all hold. */
export function conjuncts(filter: Filter): readonly Filter[] {
  return filter.kind === 'and' ? filter.filters.flatMap(conjuncts) : [filter]
}
