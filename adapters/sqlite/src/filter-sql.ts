import { type Comparison, type Filter, wordsOf } from '@millrace/documents'
import { millraceError, unreachable } from '@millrace/kernel'
import type { DeclaredCollection } from './declared-collection.ts'
import { elementPlace, type JsonPlace, placeAt, placeInElement } from './json-place.ts'
import { jsonPath, numbersTable, wordsTable } from './sql-names.ts'
import { literalValues, type SqlValues } from './sql-values.ts'
import { ValueCondition } from './value-condition.ts'

/** Where a filter is compiled for. */
export interface FilterTarget {
  readonly collection: DeclaredCollection
  readonly values: SqlValues
  /** Stands before the columns of the documents' table: `d.`, or nothing where there is no other table. */
  readonly document: 'd.' | ''
  /** The tenant as it stands in the statement. */
  readonly tenant: string
}

/** An expression that is true where the filter holds, and false or NULL where it does not. */
export function filterSql(filter: Filter, target: FilterTarget): string {
  return new FilterCompiler(target).compile(filter, undefined)
}

const SYMBOLS = { eq: '=', ne: '<>', lt: '<', le: '<=', gt: '>', ge: '>=' } as const satisfies Record<
  Comparison,
  string
>

class FilterCompiler {
  readonly #target: FilterTarget
  #elements = 0

  constructor(target: FilterTarget) {
    this.#target = target
  }

  /** `element` is the name of the array element that paths begin at. */
  compile(filter: Filter, element: string | undefined): string {
    switch (filter.kind) {
      case 'and':
      case 'or': {
        const parts = filter.filters.map((each) => this.compile(each, element))
        if (parts.length === 0) return filter.kind === 'and' ? '1' : '0'
        return `(${parts.join(filter.kind === 'and' ? ' AND ' : ' OR ')})`
      }
      case 'not':
        return `(${this.compile(filter.filter, element)}) IS NOT TRUE`
      case 'any':
      case 'all':
        return this.#compileElements(filter, element)
      case 'id':
        return `${this.#target.document}id ${SYMBOLS[filter.operator]} ${this.#target.values.put(filter.value)}`
      case 'search':
        return this.#compileSearch(filter)
      case 'exists':
        return `${this.#plainPlace(filter.path, element).type} IS NOT NULL`
      default:
        return this.#compileValue(filter, element)
    }
  }

  #compileValue(
    filter: Extract<Filter, { kind: 'compare' | 'in' | 'starts-with' | 'contains' }>,
    element: string | undefined,
  ): string {
    const condition = this.#conditionAt(filter.path, element)
    switch (filter.kind) {
      case 'compare':
        return condition.compare(filter.operator, filter.value)
      case 'in':
        return condition.isIn(filter.values)
      case 'starts-with':
        return condition.startsWith(filter.value)
      case 'contains':
        return condition.contains(filter.value)
      default:
        return unreachable(filter)
    }
  }

  #conditionAt(path: readonly string[], element: string | undefined): ValueCondition {
    const { collection, document, values } = this.#target
    if (element !== undefined) return new ValueCondition(() => this.#plainPlace(path, element), values)
    const column = collection.columnAt(document, path)
    return new ValueCondition(() => collection.placeAt(`${document}body`, path, values), values, column)
  }

  #plainPlace(path: readonly string[], element: string | undefined): Extract<JsonPlace, { kind: 'plain' }> {
    const { document, values } = this.#target
    if (element === undefined) return placeAt(`${document}body`, path, values)
    return path.length === 0 ? elementPlace(element) : placeInElement(element, path, values)
  }

  #compileElements(
    { kind, path, filter }: Extract<Filter, { kind: 'any' | 'all' }>,
    outer: string | undefined,
  ): string {
    const array = this.#plainPlace(path, outer)
    this.#elements += 1
    const element = `e${this.#elements}`
    const inner = this.compile(filter, element)
    const elements = `SELECT 1 FROM ${this.#elementsOf(path, outer, array)} AS ${element} WHERE`
    const holds =
      kind === 'any' ? `EXISTS (${elements} ${inner})` : `NOT EXISTS (${elements} (${inner}) IS NOT TRUE)`
    return `(${array.type} = 'array' AND ${holds})`
  }

  /** What is no array has no elements here: `json_each` would take an object for one, and refuses what is no JSON. */
  #elementsOf(
    path: readonly string[],
    outer: string | undefined,
    { type, value }: Extract<JsonPlace, { kind: 'plain' }>,
  ): string {
    const { document, values } = this.#target
    if (outer === undefined) return `json_each(${document}body, ${values.put(jsonPath(path))})`
    return `json_each(CASE ${type} WHEN 'array' THEN ${value} ELSE '[]' END)`
  }

  #compileSearch({ text, prefix }: Extract<Filter, { kind: 'search' }>): string {
    const { collection, document, tenant, values } = this.#target
    const { name, schema } = collection
    if (schema.fullText.length === 0) {
      const expected = 'full-text properties; another process has declared the collection without them'
      throw millraceError('QUERY_INVALID', { collection: name, seen: 'a search', expected })
    }
    const words = wordsOf(text)
    if (words.length === 0) return '0'
    const phrases = `${words.map((word) => `"${word}"`).join(' ')}${prefix === true ? '*' : ''}`
    return `${document}id IN (SELECT n.id FROM "${wordsTable(name)}" AS w CROSS JOIN "${numbersTable(name)}" AS n
      ON n.number = w.rowid WHERE w."${wordsTable(name)}" MATCH ${values.put(phrases)} AND n.tenant = ${tenant})`
  }
}

/** The filter of an index, with its values in the text. */
export function indexFilterSql(filter: Filter, collection: DeclaredCollection): string {
  return filterSql(filter, { collection, values: literalValues, document: '', tenant: '' })
}
