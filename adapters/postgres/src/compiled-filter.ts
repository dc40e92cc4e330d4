import { createHash } from 'node:crypto'
import { type Comparison, type Filter, type FilterValue, wordsOf } from '@millrace/documents'
import { unreachable } from '@millrace/kernel'
import {
  declaredValue,
  isText,
  numberOf,
  type PropertyExpression,
  type PropertyScope,
  propertyAt,
} from './property-expression.ts'
import { behindPrefix, isWholeInKey, KEY_RANK, sortKey } from './sort-key.ts'
import { literal, quoted } from './table-names.ts'
import { LEXEME_CHARACTERS } from './words-function.ts'

/** The column with the words of a document's full-text properties. */
export const WORDS_COLUMN = 'words'

type Of<Kind extends Filter['kind']> = Extract<Filter, { readonly kind: Kind }>

/**
 * The filter as a condition in SQL that is true where it holds, and false or NULL where not: `not` asks IS NOT TRUE, and
 * so does whoever needs the opposite. A condition that an index can answer stands as the index has it, without a wrapper.
 */
export function compileFilter(scope: PropertyScope, filter: Filter): string {
  switch (filter.kind) {
    case 'and':
      return joined(scope, filter, ' AND ', 'TRUE')
    case 'or':
      return joined(scope, filter, ' OR ', 'FALSE')
    case 'not':
      return `(${compileFilter(scope, filter.filter)} IS NOT TRUE)`
    case 'any':
    case 'all':
      return compileElements(scope, filter)
    case 'id':
      return compileId(scope, filter)
    case 'search':
      return compileSearch(scope, filter)
    case 'exists':
      return `(${propertyAt(scope, filter.path).value} IS NOT NULL)`
    case 'in':
      return compileIn(scope, propertyAt(scope, filter.path), filter.values)
    case 'compare': {
      const property = propertyAt(scope, filter.path)
      const condition = compileComparison(scope, property, filter)
      const isDeclared = property.indexedKey !== undefined || property.column !== undefined
      return isDeclared ? condition : withContainment(scope, filter, condition)
    }
    case 'starts-with':
      return compilePrefix(scope, propertyAt(scope, filter.path), filter.value)
    case 'contains': {
      const property = propertyAt(scope, filter.path)
      const found = `strpos(${property.text} COLLATE "C", ${scope.values.text(filter.value)}) > 0`
      return `(${found} AND ${isText(property)})`
    }
    default:
      return unreachable(filter)
  }
}

function joined(scope: PropertyScope, { filters }: Of<'and' | 'or'>, word: string, none: string): string {
  if (filters.length === 0) return none
  return `(${filters.map((each) => compileFilter(scope, each)).join(word)})`
}

const SYMBOLS = { eq: '=', lt: '<', le: '<=', gt: '>', ge: '>=' } as const
type Symbolic = keyof typeof SYMBOLS

function compileId({ values }: PropertyScope, { operator, value }: Of<'id'>): string {
  const symbol = operator === 'ne' ? '<>' : SYMBOLS[operator]
  return `(id ${symbol} ${values.text(value)})`
}

function compileComparison(
  scope: PropertyScope,
  property: PropertyExpression,
  { operator, value }: { readonly operator: Comparison; readonly value: FilterValue },
): string {
  if (operator === 'ne')
    return `(${compileComparison(scope, property, { operator: 'eq', value })} IS NOT TRUE)`
  const { indexedKey, column } = property
  if (indexedKey !== undefined) return compareKey(scope, property, indexedKey, operator, value)
  if (column !== undefined && typeof value === JAVASCRIPT_TYPES[column.type]) {
    return compareColumn(scope, property, column.sql, operator, value as string | number | boolean)
  }
  return comparePlain(scope, property, operator, value)
}

const JAVASCRIPT_TYPES = { text: 'string', number: 'number', boolean: 'boolean' } as const

/** Looks at the document itself. */
function comparePlain(
  { values }: PropertyScope,
  property: PropertyExpression,
  operator: Symbolic,
  value: FilterValue,
): string {
  switch (typeof value) {
    case 'number':
      return `(${numberOf(property)} ${SYMBOLS[operator]} ${values.number(value)})`
    case 'string':
      // The text first, whatever it is of: it sorts most out.
      return `(${property.text} COLLATE "C" ${SYMBOLS[operator]} ${values.text(value)} AND ${isText(property)})`
    default: {
      const { value: json } = property
      const found = valuesThatHold(operator, value).map((each) => `'${each}'::jsonb`)
      if (found.length === 0) return nothing(json)
      const looked = value === null ? `coalesce(${json}, 'null'::jsonb)` : json
      return `(${looked} IN (${found.join(', ')}))`
    }
  }
}

/** Never true. Each value that is bound must stand in the statement. */
function nothing(json: string): string {
  return `(FALSE AND ${json} IS NULL)`
}

/** Null has one value and booleans two, so a comparison with them is a choice among these. */
function valuesThatHold(operator: Symbolic, value: boolean | null): readonly (boolean | null)[] {
  if (value === null) return operator === 'lt' || operator === 'gt' ? [] : [null]
  const isMeant = { eq: 0, lt: -1, gt: 1 } as const
  return [false, true].filter((each) => {
    const order = Number(each) - Number(value)
    if (operator === 'le') return order <= 0
    return operator === 'ge' ? order >= 0 : order === isMeant[operator]
  })
}

/** Looks at the sort key, which an index has; in full only at texts that are longer than the key. */
function compareKey(
  scope: PropertyScope,
  property: PropertyExpression,
  key: string,
  operator: Symbolic,
  value: FilterValue,
): string {
  const { values } = scope
  if (value === null || typeof value === 'boolean') {
    const keys = valuesThatHold(operator, value).map((each) => literal(sortKey(each)))
    return keys.length === 0 ? nothing(property.value) : `(${key} IN (${keys.join(', ')}))`
  }
  const own = values.text(sortKey(value))
  const rest = isWholeInKey(value) ? '' : ` AND ${comparePlain(scope, property, operator, value)}`
  const [first, behind] =
    typeof value === 'number' ? [KEY_RANK.number, KEY_RANK.text] : [KEY_RANK.text, KEY_RANK.other]
  // A text that is longer than a key may be on either side of another one with the same key.
  const symbol =
    rest === '' ? SYMBOLS[operator] : { eq: '=', lt: '<=', le: '<=', gt: '>=', ge: '>=' }[operator]
  switch (operator) {
    case 'eq':
      return `(${key} = ${own}${rest})`
    case 'lt':
    case 'le':
      return `(${key} >= '${first}' AND ${key} ${symbol} ${own}${rest})`
    case 'gt':
    case 'ge':
      return `(${key} ${symbol} ${own} AND ${key} < '${behind}'${rest})`
    default:
      return unreachable(operator)
  }
}

/** Code points of a text that a column holds; a longer one is NULL there, since an index could not take it. */
export const COLUMN_CHARACTERS = 500

function compareColumn(
  scope: PropertyScope,
  property: PropertyExpression,
  column: string,
  operator: Symbolic,
  value: string | number | boolean,
): string {
  const { values } = scope
  if (typeof value === 'boolean') return `(${column} ${SYMBOLS[operator]} ${values.boolean(value)})`
  if (typeof value === 'number') return `(${column} ${SYMBOLS[operator]} ${values.number(value)})`
  const plain = () => comparePlain(scope, property, operator, value)
  if (operator === 'eq')
    return value.length <= COLUMN_CHARACTERS ? `(${column} = ${values.text(value)})` : plain()
  return `(${column} ${SYMBOLS[operator]} ${values.text(value)} OR (${column} IS NULL AND ${plain()}))`
}

function compileIn(scope: PropertyScope, property: PropertyExpression, list: readonly FilterValue[]): string {
  const { values } = scope
  const { indexedKey, text } = property
  if (list.length === 0) return nothing(property.value)
  if (indexedKey !== undefined && list.every(isWholeInKey)) {
    return `(${indexedKey} = ANY (${values.texts(list.map(sortKey))}))`
  }
  const numbers = list.filter((value) => typeof value === 'number')
  const texts = list.filter((value) => typeof value === 'string')
  const rest = list.filter((value) => value === null || typeof value === 'boolean')
  const parts = rest.map((value) => comparePlain(scope, property, 'eq', value))
  if (numbers.length > 0) parts.push(`${numberOf(property)} = ANY (${values.numbers(numbers)})`)
  if (texts.length > 0) parts.push(`(${text} = ANY (${values.texts(texts)}) AND ${isText(property)})`)
  return `(${parts.join(' OR ')})`
}

function compilePrefix({ values }: PropertyScope, property: PropertyExpression, prefix: string): string {
  const plain = () => `(starts_with(${property.text}, ${values.text(prefix)}) AND ${isText(property)})`
  const { indexedKey: key } = property
  if (key === undefined) return plain()
  const own = sortKey(prefix)
  const behind = behindPrefix(own) ?? KEY_RANK.other
  const range = `${key} >= ${values.text(own)} AND ${key} < ${values.text(behind)}`
  return isWholeInKey(prefix) ? `(${range})` : `(${range} AND ${plain()})`
}

function compileElements(scope: PropertyScope, filter: Of<'any' | 'all'>): string {
  const { value: json } = propertyAt(scope, filter.path)
  // Each level has a name of its own.
  const element = `${scope.isInside ? scope.root.split('.')[0] : 'element'}_in`
  const inside = { ...scope, root: `${element}.value`, isInside: true }
  const array = `jsonb_array_elements(CASE WHEN jsonb_typeof(${json}) = 'array' THEN ${json} ELSE '[]'::jsonb END)`
  const elements = `SELECT FROM ${array} AS ${element}(value) WHERE ${compileFilter(inside, filter.filter)}`
  if (filter.kind === 'any') return withContainment(scope, filter, `EXISTS (${elements})`)
  return `(jsonb_typeof(${json}) = 'array' AND NOT EXISTS (${elements} IS NOT TRUE))`
}

/**
 * The condition with one that it implies and that an index over whole documents (GIN) can answer, where there is such an
 * index: that the document contains this text or boolean there. Numbers are left out: there they are compared to the last
 * digit, and not as 64-bit floating point.
 */
function withContainment(
  { schema, values, isInside }: PropertyScope,
  filter: Filter,
  condition: string,
): string {
  if (isInside || !schema.indexes.some(({ kind }) => kind === 'containment')) return condition
  const contained = containedIn(filter)
  if (contained === undefined) return condition
  return `(body @> ${values.jsonb(JSON.stringify(contained))} AND ${condition})`
}

function containedIn(filter: Filter): unknown {
  if (filter.kind === 'any') {
    const element = containedIn(filter.filter)
    return element === undefined ? undefined : nested(filter.path, [element])
  }
  if (filter.kind !== 'compare' || filter.operator !== 'eq') return undefined
  const { path, value } = filter
  return typeof value === 'string' || typeof value === 'boolean' ? nested(path, value) : undefined
}

function nested(path: readonly string[], value: unknown): unknown {
  return path.reduceRight((inner, segment) => Object.fromEntries([[segment, inner]]), value)
}

function compileSearch({ names, schema, values }: PropertyScope, { text, prefix }: Of<'search'>): string {
  const words = wordsOf(text)
  const last = words.at(-1)
  if (last === undefined) return 'FALSE'
  const whole = prefix ? words.slice(0, -1) : words
  const terms = [...new Set(whole)].map((word) => `'${lexeme(word)}'`)
  if (prefix) terms.push(`'${[...last].slice(0, LEXEME_CHARACTERS).join('')}':*`)
  const found = `${quoted(WORDS_COLUMN)} @@ ${values.text(terms.join(' & '))}::tsquery`
  if (!prefix || [...last].length <= LEXEME_CHARACTERS) return `(${found})`
  // The beginning of a word that is longer than a lexeme: the words themselves are asked.
  const properties = schema.fullText.map((path) => declaredValue(path)).join(', ')
  const listed = `unnest(${names.function('words')}(ARRAY[${properties}])) AS listed(word)`
  return `(${found} AND EXISTS (SELECT FROM ${listed} WHERE starts_with(word, ${values.text(last)})))`
}

/** As `word_vector` of the store makes it. Words have no quotes. */
function lexeme(word: string): string {
  const points = [...word]
  if (points.length <= LEXEME_CHARACTERS) return word
  const hash = createHash('md5').update(word).digest('hex')
  return `${points.slice(0, LEXEME_CHARACTERS).join('')}=${hash}`
}
