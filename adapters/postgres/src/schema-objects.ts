import type {
  CheckedCollection,
  CheckedSchema,
  ColumnType,
  IndexSchema,
  TableSchema,
} from '@millrace/documents'
import { COLUMN_CHARACTERS, compileFilter, WORDS_COLUMN } from './compiled-filter.ts'
import { columnName, declaredValue, sortKeyOf } from './property-expression.ts'
import { KEY_RANK } from './sort-key.ts'
import { LiteralValues } from './sql-values.ts'
import { definedName, documentsTable, hashOf, literal, quoted, type TableNames } from './table-names.ts'

/** A table as a schema wants it, with all that belongs to it. */
export interface WantedTable {
  readonly name: string
  /** What it is, in words. */
  readonly what: string
  readonly create: string
  /** Columns that may be missing on one that is there. `definition` stands behind the column's name. */
  readonly columns: readonly WantedColumn[]
  readonly indexes: readonly WantedObject[]
  readonly references: readonly WantedReference[]
  /** Columns of flat tables hold what nothing else does; others can be made again. */
  readonly isFlat: boolean
  /** Columns of the key, for flat tables. */
  readonly key: readonly string[]
}

export interface WantedColumn extends WantedObject {
  readonly definition: string
  /** Stands in the column's comment, so that another definition is recognised. */
  readonly mark: string
}

/** Something with a name of its own. A name holds a hash of the definition, so that one of that name is that one. */
export interface WantedObject {
  readonly name: string
  readonly what: string
  readonly create: string
}

export interface WantedReference extends WantedObject {
  readonly collection: string
  readonly target: string
}

/** The tables that a schema declares. */
export function wantedTables(
  names: TableNames,
  { collections, tables }: CheckedSchema,
): readonly WantedTable[] {
  return [
    ...collections.map((each) => wantedCollection(names, each)),
    ...tables.map((each) => wantedFlatTable(names, each)),
  ]
}

function wantedCollection(names: TableNames, schema: CheckedCollection): WantedTable {
  const table = names.documents(schema.name)
  return {
    name: documentsTable(schema.name),
    what: `collection ${schema.name}`,
    create: `CREATE TABLE ${table} (
  tenant text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  revision bigint NOT NULL,
  body jsonb NOT NULL,
  created_at bigint NOT NULL,
  changed_at bigint NOT NULL,
  deleted_at bigint,
  correlation_id text,
  causation_id text,
  PRIMARY KEY (tenant, id)
);`,
    columns: columnsOf(names, schema),
    indexes: schema.indexes
      .flatMap((index) => indexesOf(names, schema, index))
      .concat(wordsIndex(names, schema)),
    references: schema.references.map((reference) => {
      const column = quoted(referenceColumn(reference.path))
      const target = names.documents(reference.collection)
      const definition = `FOREIGN KEY (tenant, ${column}) REFERENCES ${target} (tenant, id) DEFERRABLE INITIALLY DEFERRED`
      const name = definedName('fk', [schema.name, ...reference.path], `${table} ${definition}`)
      return {
        name,
        what: `reference of ${schema.name} to ${reference.collection}`,
        create: `ALTER TABLE ${table} ADD CONSTRAINT ${quoted(name)} ${definition};`,
        collection: schema.name,
        target: reference.collection,
      }
    }),
    isFlat: false,
    key: [],
  }
}

const SQL_TYPES = { text: 'text COLLATE "C"', number: 'double precision', boolean: 'boolean' } as const

/** Columns that are made of the document whenever it changes. */
function columnsOf(names: TableNames, schema: CheckedCollection): WantedColumn[] {
  const table = names.documents(schema.name)
  const columns: WantedColumn[] = []
  const add = (name: string, what: string, type: string, expression: string) => {
    const definition = `${type} GENERATED ALWAYS AS (${expression}) STORED`
    columns.push(wantedColumn(table, name, what, definition))
  }
  for (const index of schema.indexes) {
    if (index.kind !== 'column') continue
    const name = columnName(index.name)
    add(
      name,
      `column ${schema.name}.${index.name}`,
      SQL_TYPES[index.type],
      typed(declaredValue(index.path), index.type),
    )
  }
  for (const { path, collection } of schema.references) {
    // One character more than an id can have, so that a text that is no id is found nowhere.
    const text = `left(${declaredValue(path)} #>> '{}'::text[], ${COLUMN_CHARACTERS + 1})`
    const expression = `CASE WHEN jsonb_typeof(${declaredValue(path)}) = 'string' THEN ${text} END`
    const name = referenceColumn(path)
    if (columns.some((each) => each.name === name)) continue
    add(name, `column of ${schema.name} that refers to ${collection}`, SQL_TYPES.text, expression)
  }
  if (schema.fullText.length > 0) {
    const properties = schema.fullText.map((path) => declaredValue(path)).join(', ')
    const expression = `${names.function('word_vector')}(ARRAY[${properties}])`
    add(WORDS_COLUMN, `words of ${schema.name}`, 'tsvector', expression)
  }
  return columns
}

function wantedColumn(table: string, name: string, what: string, definition: string): WantedColumn {
  const mark = `millrace:${hashOf(definition)}`
  const create = `ALTER TABLE ${table} ADD COLUMN ${quoted(name)} ${definition};
COMMENT ON COLUMN ${table}.${quoted(name)} IS '${mark}';`
  return { name, what, definition, mark, create }
}

function typed(value: string, type: ColumnType): string {
  switch (type) {
    case 'number':
      return `CASE WHEN jsonb_typeof(${value}) = 'number' THEN ${value}::double precision END`
    case 'boolean':
      return `CASE WHEN jsonb_typeof(${value}) = 'boolean' THEN ${value}::boolean END`
    default: {
      const text = `${value} #>> '{}'::text[]`
      const isKept = `jsonb_typeof(${value}) = 'string' AND length(${text}) <= ${COLUMN_CHARACTERS}`
      return `CASE WHEN ${isKept} THEN ${text} END`
    }
  }
}

function referenceColumn(path: readonly string[]): string {
  return `r_${hashOf(JSON.stringify(path))}`
}

function indexesOf(names: TableNames, schema: CheckedCollection, index: IndexSchema): WantedObject[] {
  const table = names.documents(schema.name)
  const what = `index ${schema.name}.${index.name}`
  const plain = (definition: string) => wantedIndex(table, [schema.name, index.name], what, definition)
  switch (index.kind) {
    case 'containment':
      return [plain('USING gin (body jsonb_path_ops)')]
    case 'column': {
      const name = columnName(index.name)
      const column = columnIndex(
        names,
        schema,
        { name, what, parts: [schema.name, index.name] },
        `(tenant, ${quoted(name)})`,
      )
      return index.unique ? [column, uniqueIndex(names, schema, { ...index, paths: [index.path] })] : [column]
    }
    case 'property': {
      if (index.unique) return [uniqueIndex(names, schema, index)]
      const keys = index.paths.map((path) => sortKeyOf(names, declaredValue(path)))
      return [plain(`(tenant, ${keys.join(', ')})${conditionOf(names, schema, index)}`)]
    }
    default:
      return index satisfies never
  }
}

type Unique = Exclude<IndexSchema, { kind: 'containment' }> & {
  readonly paths: readonly (readonly string[])[]
}

/** Over those documents that are compared: every value is a single one, of the type of the column if there is one. */
function uniqueIndex(names: TableNames, schema: CheckedCollection, index: Unique): WantedObject {
  const table = names.documents(schema.name)
  const values = index.paths.map((path) => declaredValue(path))
  const keys = values.map((value) => sortKeyOf(names, value))
  const tails = values.map((value) => `${names.function('unique_tail')}(${value})`)
  const [first, behind] = index.kind === 'column' ? RANKS[index.type] : [KEY_RANK.false, KEY_RANK.other]
  const compared = keys.map((key) => `${key} >= '${first}' AND ${key} < '${behind}'`)
  const where = index.kind === 'property' ? conditionOf(names, schema, index).replace(' WHERE ', '') : ''
  const conditions = ['deleted_at IS NULL', ...compared, ...(where === '' ? [] : [where])]
  const definition = `(tenant, ${[...keys, ...tails].join(', ')}) WHERE ${conditions.join(' AND ')}`
  const what = `unique index ${schema.name}.${index.name}`
  return wantedIndex(table, [schema.name, index.name], what, definition, true)
}

const RANKS = {
  text: [KEY_RANK.text, KEY_RANK.other],
  number: [KEY_RANK.number, KEY_RANK.text],
  boolean: [KEY_RANK.false, KEY_RANK.number],
} as const

/** What the index is limited to, written out: a schema declares it. */
function conditionOf(
  names: TableNames,
  schema: CheckedCollection,
  { where }: Extract<IndexSchema, { kind: 'property' }>,
): string {
  if (where === undefined) return ''
  const scope = { names, values: new LiteralValues(), schema, root: 'body', isInside: false }
  return ` WHERE ${compileFilter(scope, where)}`
}

function wordsIndex(names: TableNames, schema: CheckedCollection): WantedObject[] {
  if (schema.fullText.length === 0) return []
  const about = {
    name: WORDS_COLUMN,
    what: `full text of ${schema.name}`,
    parts: [schema.name, WORDS_COLUMN],
  }
  return [columnIndex(names, schema, about, `USING gin (${WORDS_COLUMN})`)]
}

/** Over a column of ours: its name changes with the column, since it goes with it. */
function columnIndex(
  names: TableNames,
  schema: CheckedCollection,
  { name, what, parts }: { readonly name: string; readonly what: string; readonly parts: readonly string[] },
  definition: string,
): WantedObject {
  const mark = columnsOf(names, schema).find((each) => each.name === name)?.mark
  const table = names.documents(schema.name)
  const indexName = definedName('ix', parts, `${table} ${definition} ${mark}`)
  return { name: indexName, what, create: `CREATE INDEX ${quoted(indexName)} ON ${table} ${definition};` }
}

function wantedIndex(
  table: string,
  parts: readonly string[],
  what: string,
  definition: string,
  isUnique = false,
): WantedObject {
  const name = definedName(isUnique ? 'uq' : 'ix', parts, `${table} ${definition}`)
  const create = `CREATE ${isUnique ? 'UNIQUE ' : ''}INDEX ${quoted(name)} ON ${table} ${definition};`
  return { name, what, create }
}

/** The index of a collection that has this name in the database. */
export function uniqueIndexCalled(
  names: TableNames,
  schema: CheckedCollection,
  constraint: string,
): Exclude<IndexSchema, { kind: 'containment' }> | undefined {
  for (const index of schema.indexes) {
    if (index.kind === 'containment' || index.unique !== true) continue
    const paths = index.kind === 'column' ? [index.path] : index.paths
    if (uniqueIndex(names, schema, { ...index, paths } as Unique).name === constraint) return index
  }
  return undefined
}

function wantedFlatTable(names: TableNames, { name, columns, key }: TableSchema): WantedTable {
  const table = names.rows(name)
  const wanted = Object.entries(columns).map(([column, type]) => {
    const definition = `${SQL_TYPES[type]}${key.includes(column) ? ' NOT NULL' : ''}`
    return wantedColumn(table, column, `column ${name}.${column}`, definition)
  })
  const lines = wanted.map((each) => `  ${quoted(each.name)} ${each.definition},`)
  const comments = wanted.map(
    (each) => `COMMENT ON COLUMN ${table}.${quoted(each.name)} IS ${literal(each.mark)};`,
  )
  const create = `CREATE TABLE ${table} (
${lines.join('\n')}
  PRIMARY KEY (${key.map(quoted).join(', ')})
);
${comments.join('\n')}`
  return {
    name,
    what: `table ${name}`,
    create,
    columns: wanted,
    indexes: [],
    references: [],
    isFlat: true,
    key,
  }
}
