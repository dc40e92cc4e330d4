import type { KnownSchema, OperationResult } from '@millrace/documents'
import type { Indexed, OperationOf } from './document-statements.ts'
import { BoundValues } from './sql-values.ts'
import { quoted, type TableNames } from './table-names.ts'
import type { UnitMarks, UnitStatement } from './unit-statement.ts'

const COLUMN_TYPES = { text: 'text', number: 'float8', boolean: 'boolean' } as const

/** Makes the statements of a unit for rows of flat tables and for positions. */
export class RowStatements {
  readonly #names: TableNames
  readonly #known: KnownSchema
  readonly #marks: UnitMarks

  constructor(names: TableNames, known: KnownSchema, marks: UnitMarks) {
    this.#names = names
    this.#known = known
    this.#marks = marks
  }

  position({ index, operation }: Indexed<OperationOf<'position'>>): UnitStatement {
    const { processor, position, expectedOffset } = operation
    const { topic, partition, offset } = position
    const values = new BoundValues()
    const key = [values.text(processor), values.text(topic), values.bind(String(partition), 'integer')]
    const at = values.whole(this.#marks.atMs)
    const stored = values.whole(offset)
    const columns = 'processor, topic, partition, "offset", changed_at'
    const insert = `INSERT INTO ${this.#names.positions} AS known (${columns})
      VALUES (${key.join(', ')}, ${stored}, ${at}) ON CONFLICT (processor, topic, partition)
      DO UPDATE SET "offset" = excluded."offset", changed_at = excluded.changed_at`
    const about = { kind: 'position', processor, topic, partition } as const
    const answer = nothing(index)
    if (expectedOffset === undefined) return { sql: insert, parameters: values.parameters, about, answer }
    const expected = values.whole(expectedOffset)
    const meant = `processor = ${key[0]} AND topic = ${key[1]} AND partition = ${key[2]} AND "offset" = ${expected}`
    const moved =
      expectedOffset === 0
        ? `${insert} WHERE known."offset" = ${expected}`
        : `UPDATE ${this.#names.positions} SET "offset" = ${stored}, changed_at = ${at} WHERE ${meant}`
    const refusal = `${this.#names.function('refuse_position')}(${key.join(', ')}, ${expected})`
    const sql = `WITH moved AS (${moved} RETURNING 1) SELECT ${refusal} WHERE NOT EXISTS (SELECT FROM moved)`
    return { sql, parameters: values.parameters, about, answer }
  }

  put({ index, operation }: Indexed<OperationOf<'put-row'>>): UnitStatement {
    const { table, key, set, add } = operation
    const schema = this.#known.table(table)
    const values = new BoundValues()
    const entries = [...Object.entries(key), ...Object.entries(set), ...Object.entries(add)]
    const columns = entries.map(([column]) => quoted(column)).join(', ')
    const bound = entries.map(([column, value]) => {
      const type = COLUMN_TYPES[schema.columns[column] as keyof typeof COLUMN_TYPES]
      return values.bind(value === null ? null : String(value), type)
    })
    const changes = [
      ...Object.keys(set).map((column) => `${quoted(column)} = excluded.${quoted(column)}`),
      ...Object.keys(add).map((column) => {
        return `${quoted(column)} = coalesce(known.${quoted(column)}, 0) + excluded.${quoted(column)}`
      }),
    ]
    const keys = schema.key.map(quoted).join(', ')
    const conflict = changes.length === 0 ? 'DO NOTHING' : `DO UPDATE SET ${changes.join(', ')}`
    return {
      sql: `INSERT INTO ${this.#names.rows(table)} AS known (${columns}) VALUES (${bound.join(', ')}) ON CONFLICT (${keys}) ${conflict}`,
      parameters: values.parameters,
      about: { kind: 'row', table },
      answer: nothing(index),
    }
  }

  delete({ index, operation: { table, key } }: Indexed<OperationOf<'delete-row'>>): UnitStatement {
    const schema = this.#known.table(table)
    const values = new BoundValues()
    const meant = Object.entries(key).map(([column, value]) => {
      const type = COLUMN_TYPES[schema.columns[column] as keyof typeof COLUMN_TYPES]
      return `${quoted(column)} = ${values.bind(String(value), type)}`
    })
    const sql = `DELETE FROM ${this.#names.rows(table)} WHERE ${meant.join(' AND ')}`
    return { sql, parameters: values.parameters, about: { kind: 'row', table }, answer: nothing(index) }
  }

  deleteAll({ index, operation: { table } }: Indexed<OperationOf<'delete-rows'>>): UnitStatement {
    const sql = `DELETE FROM ${this.#names.rows(table)}`
    return { sql, parameters: [], about: { kind: 'row', table }, answer: nothing(index) }
  }
}

function nothing(index: number) {
  return (_: unknown, results: OperationResult[]): void => {
    results[index] = {}
  }
}
