import { millraceError } from '@millrace/kernel'
import { checkFilter, checkPath } from './checked-filter.ts'
import { checkFlag, checkList, isText, type Refuse, show } from './checked-text.ts'
import { documentLimits as limits } from './document-limits.ts'
import type { Filter } from './filter.ts'
import type {
  CollectionSchema,
  ColumnType,
  IndexSchema,
  ReferenceSchema,
  TableSchema,
} from './store-schema.ts'

/** A collection's declaration with nothing left out. */
export interface CheckedCollection extends CollectionSchema {
  readonly softDelete: boolean
  readonly indexes: readonly IndexSchema[]
  readonly references: readonly ReferenceSchema[]
  readonly fullText: readonly (readonly string[])[]
}

const { collectionNameCharactersMax } = limits
const COLLECTION_NAME = new RegExp(`^[a-zA-Z][a-zA-Z0-9_-]{0,${collectionNameCharactersMax - 1}}$`)
/** Stands in people's SQL without quotes. */
const TABLE_NAME = new RegExp(`^[a-z][a-z0-9_]{0,${collectionNameCharactersMax - 1}}$`)
/** Names that an engine keeps for itself: tables of SQLite, and columns that every table of PostgreSQL has. */
const KEPT_NAME = /^(sqlite_.*|ctid|xmin|xmax|cmin|cmax|tableoid)$/
/** What engines may write between quotes of any kind. */
const QUOTABLE = /^[^"'`\\\p{Cc}]*$/u
const COLUMN_TYPES: ReadonlySet<unknown> = new Set(['text', 'number', 'boolean'])
const INDEX_FILTERS: ReadonlySet<Filter['kind']> = new Set([
  'compare',
  'in',
  'exists',
  'starts-with',
  'contains',
  'and',
  'or',
  'not',
])

/** Throws `COLLECTION_NAME_INVALID` for a name that no engine takes. */
function checkCollectionName(collection: unknown): void {
  if (typeof collection === 'string' && COLLECTION_NAME.test(collection)) return
  const seen = typeof collection === 'string' ? JSON.stringify(collection.slice(0, 100)) : typeof collection
  throw millraceError('COLLECTION_NAME_INVALID', { collection: seen })
}

/**
 * A copy of a collection's declaration. Whether the collections that it refers to are known is not looked at here.
 *
 * @throws COLLECTION_NAME_INVALID, SCHEMA_INVALID
 */
export function checkCollection(schema: CollectionSchema): CheckedCollection {
  const name: unknown = Object(schema).name
  checkCollectionName(name)
  const { softDelete, indexes = [], references = [], fullText = [] } = schema
  const refuse = refuseDeclaration(schema.name)
  const checked = { name: schema.name, softDelete: checkFlag('softDelete', softDelete, refuse) }
  const listed = checkList('indexes', indexes, { max: limits.indexesMax }, refuse)
  const checkedIndexes = listed.map((index) => checkIndex(schema, index))
  checkDistinct(
    'indexes',
    checkedIndexes.map((index) => index.name),
    refuse,
  )
  return {
    ...checked,
    indexes: checkedIndexes,
    references: checkList('references', references, { max: limits.referencesMax }, refuse).map((each) =>
      checkReference(each, refuse),
    ),
    fullText: checkList('full-text paths', fullText, { max: limits.fullTextPathsMax }, refuse).map((path) =>
      checkDeclaredPath(path, refuse),
    ),
  }
}

/** A copy of a table's declaration. @throws SCHEMA_INVALID */
export function checkTable(schema: TableSchema): TableSchema {
  const { name, columns, key } = Object(schema) as TableSchema
  const refuse = refuseDeclaration(name)
  checkTableName('table', name, refuse)
  if (typeof columns !== 'object' || columns === null)
    refuse(`columns that are ${show(columns)}`, 'an object')
  const entries = Object.entries(columns)
  if (entries.length === 0 || entries.length > limits.tableColumnsMax) {
    refuse(`${entries.length} columns`, `1 to ${limits.tableColumnsMax}`)
  }
  for (const [column, type] of entries) {
    checkTableName('column', column, refuse)
    checkColumnType(type, refuse)
  }
  const keys = checkList('key columns', key, { min: 1, max: limits.tableKeyColumnsMax }, refuse)
  for (const column of keys) {
    const type = Object.hasOwn(columns, column) ? columns[column] : undefined
    if (type !== 'text' && type !== 'number')
      refuse(`the key column ${show(column)}`, 'a text or number column')
  }
  checkDistinct('key columns', keys, refuse)
  return { name, columns: Object.fromEntries(entries), key: keys }
}

function refuseDeclaration(name: unknown): Refuse {
  return (seen, expected) => {
    throw millraceError('SCHEMA_INVALID', { name: String(name), seen, expected })
  }
}

function checkIndex(schema: CollectionSchema, index: IndexSchema): IndexSchema {
  const { name, kind } = Object(index) as IndexSchema
  const refuse = refuseDeclaration(`${schema.name}.${String(name)}`)
  if (typeof name !== 'string' || !COLLECTION_NAME.test(name)) {
    const { collectionNameCharactersMax: max } = limits
    refuse(`the name ${show(name)}`, `1 to ${max} of a-z, A-Z, 0-9, "-" and "_", starting with a letter`)
  }
  switch (kind) {
    case 'property':
      return checkPropertyIndex(schema, index as Extract<IndexSchema, { kind: 'property' }>, refuse)
    case 'column': {
      const { path, type, unique } = index as Extract<IndexSchema, { kind: 'column' }>
      const column = { path: checkDeclaredPath(path, refuse), type: checkColumnType(type, refuse) }
      return { kind, name, ...column, unique: checkFlag('unique', unique, refuse) }
    }
    case 'containment':
      return { kind, name }
    default:
      return refuse(`the kind ${show(kind)}`, 'property, column or containment')
  }
}

function checkPropertyIndex(
  schema: CollectionSchema,
  { kind, name, paths, unique, where }: Extract<IndexSchema, { kind: 'property' }>,
  refuse: Refuse,
): IndexSchema {
  const checked = checkList('paths', paths, { min: 1, max: limits.indexPathsMax }, refuse)
  return {
    kind,
    name,
    paths: checked.map((path) => checkDeclaredPath(path, refuse)),
    unique: checkFlag('unique', unique, refuse),
    ...(where === undefined ? {} : { where: checkIndexFilter(checkFilter(where, schema, refuse), refuse) }),
  }
}

/** An index can be limited to what an engine can decide about one document by itself. */
function checkIndexFilter(filter: Filter, refuse: Refuse): Filter {
  if (!INDEX_FILTERS.has(filter.kind)) refuse(`"${filter.kind}" in its filter`, [...INDEX_FILTERS].join(', '))
  if (filter.kind === 'and' || filter.kind === 'or') {
    for (const each of filter.filters) checkIndexFilter(each, refuse)
  } else if (filter.kind === 'not') checkIndexFilter(filter.filter, refuse)
  if ('path' in filter) checkDeclaredPath(filter.path, refuse)
  const values = 'values' in filter ? filter.values : 'value' in filter ? [filter.value] : []
  for (const value of values) {
    if (typeof value === 'string' && !QUOTABLE.test(value)) {
      refuse(
        `the value ${show(value)} in its filter`,
        'a text without quotes, backslashes and control characters',
      )
    }
  }
  return filter
}

function checkReference(reference: ReferenceSchema, refuse: Refuse): ReferenceSchema {
  const { path, collection } = Object(reference) as ReferenceSchema
  checkCollectionName(collection)
  return { path: checkDeclaredPath(path, refuse), collection }
}

function checkDeclaredPath(path: unknown, refuse: Refuse): readonly string[] {
  const checked = checkPath(path, refuse)
  if (checked.every((segment) => segment !== '' && QUOTABLE.test(segment))) return checked
  const expected = 'names that are not empty and have no quotes, backslashes and control characters'
  return refuse(`the path ${JSON.stringify(checked)}`, expected)
}

function checkColumnType(type: unknown, refuse: Refuse): ColumnType {
  if (COLUMN_TYPES.has(type)) return type as ColumnType
  return refuse(`the type ${show(type)}`, 'text, number or boolean')
}

function checkTableName(what: string, name: unknown, refuse: Refuse): void {
  if (isText(name, collectionNameCharactersMax) && TABLE_NAME.test(name)) {
    if (KEPT_NAME.test(name))
      refuse(`the ${what} name ${show(name)}`, 'another one; engines use it themselves')
    return
  }
  const expected = `1 to ${collectionNameCharactersMax} of a-z, 0-9 and "_", starting with a letter`
  refuse(`the ${what} name ${show(name)}`, expected)
}

function checkDistinct(what: string, names: readonly string[], refuse: Refuse): void {
  // Engines fold names to one case.
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name.toLowerCase()))
      refuse(`two ${what} called ${show(name)}`, 'one a name, whatever the case')
    seen.add(name.toLowerCase())
  }
}
