import type { Comparison, FilterValue } from '@millrace/documents'
import { type ColumnPlace, type JsonPlace, RANKS } from './json-place.ts'
import type { SqlValues } from './sql-values.ts'

/**
 * Conditions on one value. Each is true where the filter holds, and false or NULL where it does not: whoever negates one
 * says IS NOT TRUE. They are as short as the meaning allows, since they run for every document that is looked at: the
 * type is only asked for where the value alone does not tell it.
 */
export class ValueCondition {
  readonly #makePlace: () => JsonPlace
  readonly #column: ColumnPlace | undefined
  readonly #values: SqlValues
  #made: JsonPlace | undefined

  /** The place is only made if the condition needs it: what is bound for it must stand in the statement. */
  constructor(makePlace: () => JsonPlace, values: SqlValues, column?: ColumnPlace) {
    this.#makePlace = makePlace
    this.#column = column
    this.#values = values
  }

  get #place(): JsonPlace {
    this.#made ??= this.#makePlace()
    return this.#made
  }

  compare(operator: Comparison, value: FilterValue): string {
    if (operator === 'ne') return `(${this.compare('eq', value)}) IS NOT TRUE`
    if (value === null || typeof value === 'boolean') return this.#isOneOf(valuesThatHold(operator, value))
    if (typeof value === 'string') return this.#compareText(operator, value)
    return this.#compareNumber(operator, value)
  }

  /** Equal to one of them, whatever their types. */
  isIn(values: readonly FilterValue[]): string {
    const numbers = values.filter((value) => typeof value === 'number')
    const texts = values.filter((value) => typeof value === 'string')
    const others = values.filter((value) => value === null || typeof value === 'boolean')
    const parts = [
      ...(numbers.length === 0 ? [] : [this.#isNumberIn(numbers)]),
      ...(texts.length === 0 ? [] : [this.#isTextIn(texts)]),
      ...(others.length === 0 ? [] : [this.#isOneOf([...new Set(others)])]),
    ]
    return parts.length === 0 ? '0' : `(${parts.join(' OR ')})`
  }

  startsWith(prefix: string): string {
    if (prefix === '') return this.#isOfType('text')
    const { text, check } = this.#text()
    const end = textBehind(prefix)
    const below = end === undefined ? '' : ` AND ${text} < ${this.#values.put(end)}`
    return `(${text} >= ${this.#values.put(prefix)}${below}${check})`
  }

  contains(part: string): string {
    if (part === '') return this.#isOfType('text')
    const { text, check } = this.#text()
    return `(instr(${text}, ${this.#values.put(part)}) > 0${check})`
  }

  #compareText(operator: Exclude<Comparison, 'ne'>, value: string): string {
    const { text, check } = this.#text()
    return `(${text} ${SYMBOLS[operator]} ${this.#values.put(value)}${check})`
  }

  #isTextIn(texts: readonly string[]): string {
    const { text, check } = this.#text()
    return `(${text} IN (${this.#values.putAll(texts)})${check})`
  }

  #compareNumber(operator: Exclude<Comparison, 'ne'>, value: number): string {
    const column = this.#columnOf('number')
    if (column !== undefined) return `(${column} ${SYMBOLS[operator]} ${this.#values.put(value)})`
    const place = this.#place
    if (place.kind === 'ranked') {
      return `(${place.rank} = ${RANKS.number} AND ${place.key} ${SYMBOLS[operator]} ${this.#values.put(value)})`
    }
    const isNumber = `${place.type} IN ('integer', 'real')`
    if (Math.abs(value) >= EXACT_BELOW) {
      return `(${isNumber} AND CAST(${place.value} AS REAL) ${SYMBOLS[operator]} ${this.#values.put(value)})`
    }
    const range = rangeOf(operator, value)
    const between =
      range.from === range.to
        ? `${place.value} = ${this.#values.put(value)}`
        : `${place.value} BETWEEN ${this.#bound(range.from)} AND ${this.#bound(range.to)}`
    // Booleans are 1 and 0 here.
    return holdsBoolean(range) ? `(${between} AND ${isNumber})` : `(${between})`
  }

  #isNumberIn(numbers: readonly number[]): string {
    const column = this.#columnOf('number')
    if (column !== undefined) return `(${column} IN (${this.#values.putAll(numbers)}))`
    const place = this.#place
    if (place.kind === 'ranked') {
      return `(${place.rank} = ${RANKS.number} AND ${place.key} IN (${this.#values.putAll(numbers)}))`
    }
    return `(CAST(${place.value} AS REAL) IN (${this.#values.putAll(numbers)}) AND ${place.type} IN ('integer', 'real'))`
  }

  #isOneOf(values: readonly (boolean | null)[]): string {
    const parts = values.map((value) => this.#is(value))
    return parts.length === 0 ? '0' : `(${parts.join(' OR ')})`
  }

  #is(value: boolean | null): string {
    const column = value === null ? undefined : this.#columnOf('boolean')
    if (column !== undefined) return `${column} = ${value ? 1 : 0}`
    const place = this.#place
    if (value !== null) {
      if (place.kind === 'plain') return `${place.type} = '${value}'`
      return `(${place.rank} = ${RANKS[`${value}`]} AND ${place.key} = ${value ? 1 : 0})`
    }
    if (place.kind === 'plain') return `${place.value} IS NULL`
    return `(${place.rank} = ${RANKS.null} AND ${place.key} IS NULL)`
  }

  #isOfType(type: 'text'): string {
    const column = this.#columnOf(type)
    if (column !== undefined) return `${column} IS NOT NULL`
    const place = this.#place
    return place.kind === 'plain' ? `${place.type} = '${type}'` : `${place.rank} = ${RANKS[type]}`
  }

  /** An expression that is the text, and what has to be asked beside it to be sure that it is one. */
  #text(): { readonly text: string; readonly check: string } {
    const column = this.#columnOf('text')
    if (column !== undefined) return { text: column, check: '' }
    const place = this.#place
    if (place.kind === 'plain') return { text: place.value, check: ` AND ${place.type} = 'text'` }
    return { text: place.key, check: ` AND ${place.rank} = ${RANKS.text}` }
  }

  #columnOf(type: ColumnPlace['type']): string | undefined {
    return this.#column?.type === type ? this.#column.column : undefined
  }

  #bound(value: number): string {
    if (Number.isFinite(value)) return this.#values.put(value)
    return value < 0 ? '-9e999' : '9e999'
  }
}

const SYMBOLS = { eq: '=', lt: '<', le: '<=', gt: '>', ge: '>=' } as const

/** Up to here, comparing an integer with a floating point number is the same before and after rounding the integer. */
const EXACT_BELOW = 2 ** 53

/** Null has one value and booleans two, so a comparison with them is a question which of them it may be. */
function valuesThatHold(operator: keyof typeof SYMBOLS, value: boolean | null): readonly (boolean | null)[] {
  const same = operator === 'lt' || operator === 'gt' ? [] : [value]
  if (value === true && (operator === 'lt' || operator === 'le')) return [false, ...same]
  if (value === false && (operator === 'gt' || operator === 'ge')) return [true, ...same]
  return same
}

interface NumberRange {
  readonly from: number
  readonly to: number
}

/** The numbers for which a comparison holds, ends included: so the value has to be read only once. */
function rangeOf(operator: keyof typeof SYMBOLS, value: number): NumberRange {
  const { NEGATIVE_INFINITY: lowest, POSITIVE_INFINITY: highest } = Number
  switch (operator) {
    case 'eq':
      return { from: value, to: value }
    case 'lt':
      return { from: lowest, to: -numberAbove(-value) }
    case 'le':
      return { from: lowest, to: value }
    case 'gt':
      return { from: numberAbove(value), to: highest }
    case 'ge':
      return { from: value, to: highest }
    default:
      return operator satisfies never
  }
}

function holdsBoolean({ from, to }: NumberRange): boolean {
  return (from <= 0 && to >= 0) || (from <= 1 && to >= 1)
}

/** The next 64-bit floating point number. */
function numberAbove(value: number): number {
  if (value === 0) return Number.MIN_VALUE
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  view.setBigInt64(0, view.getBigInt64(0) + (value > 0 ? 1n : -1n))
  return view.getFloat64(0)
}

const LAST_POINT = 0x10ffff

/** The least text, by code points, that is above all texts with this beginning; undefined if there is none. */
function textBehind(prefix: string): string | undefined {
  const points = Array.from(prefix, (point) => point.codePointAt(0) as number)
  while (points.at(-1) === LAST_POINT) points.pop()
  const last = points.pop()
  if (last === undefined) return undefined
  // Halves of surrogate pairs are no code points of a text.
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1)
}
