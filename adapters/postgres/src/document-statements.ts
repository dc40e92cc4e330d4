import {
  documentLimits,
  type KnownSchema,
  type OperationResult,
  type PreparedOperation,
} from '@millrace/documents'
import { compileFilter } from './compiled-filter.ts'
import { scopeOf } from './compiled-read.ts'
import { BoundValues } from './sql-values.ts'
import type { StatementResult } from './statement.ts'
import { literal, type TableNames } from './table-names.ts'
import type { UnitMarks, UnitStatement } from './unit-statement.ts'

export type OperationOf<Kind extends PreparedOperation['kind']> = Extract<
  PreparedOperation,
  { readonly kind: Kind }
>

/** Operations by their index in the unit. */
export interface Indexed<Operation> {
  readonly index: number
  readonly operation: Operation
}

/** Makes the statements of a unit for documents. */
export class DocumentStatements {
  readonly #names: TableNames
  readonly #known: KnownSchema
  readonly #marks: UnitMarks

  constructor(names: TableNames, known: KnownSchema, marks: UnitMarks) {
    this.#names = names
    this.#known = known
    this.#marks = marks
  }

  /** Documents of one collection and tenant, each once, all expected in the same way; written in the order of their ids. */
  store(stored: readonly Indexed<OperationOf<'store'>>[]): UnitStatement {
    const sorted = [...stored].sort((left, right) => (left.operation.id < right.operation.id ? -1 : 1))
    const operations = sorted.map(({ operation }) => operation)
    const { collection, tenant, expectedRevision } = operations[0] as OperationOf<'store'>
    const values = new BoundValues()
    const of = values.text(tenant)
    const marks = this.#markValues(values)
    const { input, ids, expected } = inputOf(values, operations)
    const table = this.#names.documents(collection)
    const write =
      expectedRevision === undefined || expectedRevision === 0
        ? insertOrUpdate(table, { of, input, marks, isExpected: expectedRevision === 0 })
        : updateExpected(table, { of, input, marks })
    const refusal = () => {
      const refuse = this.#refuse(collection, of, ids, expected, 'ARRAY(SELECT id FROM written)')
      return `SELECT NULL, ${refuse} WHERE (SELECT count(*) FROM written) < ${values.whole(sorted.length)}`
    }
    const sql =
      expectedRevision === undefined
        ? write
        : `WITH written AS (${write}) SELECT id, revision FROM written UNION ALL ${refusal()}`
    const indexes = new Map(sorted.map(({ index, operation }) => [operation.id, index]))
    return {
      sql,
      parameters: values.parameters,
      about: { kind: 'documents', collection, texts: operations.map(({ text }) => text) },
      answer: ({ rows }, results) => {
        for (const [id, revision] of rows) {
          results[indexes.get(id as string) as number] = { revision: Number(revision) }
        }
      },
    }
  }

  patch({ index, operation }: Indexed<OperationOf<'patch'>>): UnitStatement {
    const { collection, id, tenant, patches, expectedRevision } = operation
    if (expectedRevision === 0) return this.#expectNone(index, operation)
    const values = new BoundValues()
    const of = values.text(tenant)
    const set = this.#patchSet(values, patches)
    const condition = `tenant = ${of} AND id = ${values.text(id)} AND deleted_at IS NULL`
    const update = `UPDATE ${this.#names.documents(collection)} SET ${set} WHERE ${condition}`
    return this.#one(values, { index, operation, of, write: update, hasRevision: true })
  }

  patchWhere({ index, operation }: Indexed<OperationOf<'patch-where'>>): UnitStatement {
    const { collection, patches } = operation
    const values = new BoundValues()
    const set = this.#patchSet(values, patches)
    const meant = this.#where(values, operation, 'deleted_at IS NULL')
    return this.#many(
      values,
      index,
      operation,
      `UPDATE ${this.#names.documents(collection)} SET ${set} WHERE ${meant}`,
    )
  }

  delete({ index, operation }: Indexed<OperationOf<'delete'>>): UnitStatement {
    const { collection, id, tenant, expectedRevision, hard } = operation
    if (expectedRevision === 0) {
      // One that is marked counts as missing; deleted for good it may be all the same.
      return hard ? this.#deleteMarked(index, operation) : this.#expectNone(index, operation)
    }
    const values = new BoundValues()
    const of = values.text(tenant)
    const live = hard && expectedRevision === undefined ? '' : ' AND deleted_at IS NULL'
    const condition = `tenant = ${of} AND id = ${values.text(id)}${live}`
    const write = this.#deletion(values, collection, hard, condition)
    return this.#one(values, { index, operation, of, write, hasRevision: false })
  }

  deleteWhere({ index, operation }: Indexed<OperationOf<'delete-where'>>): UnitStatement {
    const { collection, hard } = operation
    const values = new BoundValues()
    const meant = this.#where(values, operation, hard ? undefined : 'deleted_at IS NULL')
    return this.#many(values, index, operation, this.#deletion(values, collection, hard, meant))
  }

  restoreWhere({ index, operation }: Indexed<OperationOf<'restore-where'>>): UnitStatement {
    const values = new BoundValues()
    const set = `deleted_at = NULL, ${this.#changeSet(values)}`
    const meant = this.#where(values, operation, 'deleted_at IS NOT NULL')
    const sql = `UPDATE ${this.#names.documents(operation.collection)} SET ${set} WHERE ${meant}`
    return {
      sql,
      parameters: values.parameters,
      about: { kind: 'documents', collection: operation.collection },
      answer: ({ count }, results) => {
        results[index] = { count }
      },
    }
  }

  /** Others may read meanwhile, but not write: what they wrote would stay beside what takes the place. */
  replaceAll({
    index,
    operation: { collection, from },
  }: Indexed<OperationOf<'replace-all'>>): UnitStatement[] {
    const table = this.#names.documents(collection)
    const columns =
      'tenant, id, revision, body, created_at, changed_at, deleted_at, correlation_id, causation_id'
    const lock = (locked: string) =>
      `SELECT ${this.#names.function('lock_writes')}(${literal(locked)}::regclass)`
    const statements = [lock(table), `DELETE FROM ${table}`]
    if (from !== undefined) {
      const source = this.#names.documents(from)
      statements.splice(1, 0, lock(source))
      const moved = `WITH moved AS (DELETE FROM ${source} RETURNING ${columns})`
      statements.push(`${moved} INSERT INTO ${table} (${columns}) SELECT ${columns} FROM moved`)
    }
    return statements.map((sql) => ({
      sql,
      parameters: [],
      about: { kind: 'documents', collection },
      answer: (_, results) => {
        results[index] = {}
      },
    }))
  }

  expect({ index, operation }: Indexed<OperationOf<'expect'>>): UnitStatement {
    const { collection, id, tenant, revision } = operation
    const values = new BoundValues()
    const of = values.text(tenant)
    const table = this.#names.documents(collection)
    const answer = (_: StatementResult, results: OperationResult[]) => {
      results[index] = {}
    }
    const about = { kind: 'documents', collection } as const
    if (revision === 0) {
      const check = this.#names.function('expect_absent')
      const sql = `SELECT ${check}(${literal(table)}::regclass, ${of}, ${values.text(id)})`
      return { sql, parameters: values.parameters, about, answer }
    }
    const condition = `tenant = ${of} AND id = ${values.text(id)} AND deleted_at IS NULL`
    const found = `SELECT revision FROM ${table} WHERE ${condition} AND revision = ${values.whole(revision)} FOR SHARE`
    const refusal = this.#refuse(collection, of, values.texts([id]), values.wholes([revision]))
    const sql = `WITH found AS (${found}) SELECT revision FROM found
      UNION ALL SELECT ${refusal} WHERE NOT EXISTS (SELECT FROM found)`
    return { sql, parameters: values.parameters, about, answer }
  }

  /** One document, and the revision that is expected of it, if any. */
  #one(
    values: BoundValues,
    {
      index,
      operation,
      of,
      write,
      hasRevision,
    }: {
      readonly index: number
      readonly operation: OperationOf<'patch' | 'delete'>
      readonly of: string
      readonly write: string
      readonly hasRevision: boolean
    },
  ): UnitStatement {
    const { collection, id, expectedRevision } = operation
    const answer: UnitStatement['answer'] = ({ rows }, results) => {
      const [revision] = rows[0] ?? []
      const isDone = rows.length > 0
      results[index] =
        isDone && hasRevision ? { revision: Number(revision), count: 1 } : { count: isDone ? 1 : 0 }
    }
    const about = { kind: 'documents', collection } as const
    if (expectedRevision === undefined) {
      return { sql: `${write} RETURNING revision`, parameters: values.parameters, about, answer }
    }
    const expected = values.whole(expectedRevision)
    const written = `${write} AND revision = ${expected} RETURNING revision`
    const refusal = this.#refuse(collection, of, values.texts([id]), `ARRAY[${expected}]`)
    const sql = `WITH written AS (${written}) SELECT revision FROM written
      UNION ALL SELECT ${refusal} WHERE NOT EXISTS (SELECT FROM written)`
    return { sql, parameters: values.parameters, about, answer }
  }

  /** All that match; with what was changed, if that is asked for. */
  #many(
    values: BoundValues,
    index: number,
    { collection, withChanges }: OperationOf<'patch-where' | 'delete-where'>,
    write: string,
  ): UnitStatement {
    const about = { kind: 'documents', collection } as const
    if (!withChanges) {
      const answer: UnitStatement['answer'] = ({ count }, results) => {
        results[index] = { count }
      }
      return { sql: write, parameters: values.parameters, about, answer }
    }
    const refusal = `${this.#names.function('refuse_changes')}((SELECT count(*) FROM written))`
    const sql = `WITH written AS (${write} RETURNING id, revision)
      SELECT NULL, ${refusal} WHERE (SELECT count(*) FROM written) > ${documentLimits.changesMax}
      UNION ALL (SELECT id, revision FROM written ORDER BY id)`
    return {
      sql,
      parameters: values.parameters,
      about,
      answer: ({ rows }, results) => {
        const changes = rows.map(([id, revision]) => ({ id: id as string, revision: Number(revision) }))
        results[index] = { count: changes.length, changes }
      },
    }
  }

  #deletion(values: BoundValues, collection: string, isHard: boolean, condition: string): string {
    const table = this.#names.documents(collection)
    if (isHard) return `DELETE FROM ${table} WHERE ${condition}`
    const at = values.whole(this.#marks.atMs)
    return `UPDATE ${table} SET deleted_at = ${at}, ${this.#changeSet(values)} WHERE ${condition}`
  }

  /** Nothing to do but to look that no document is there. */
  #expectNone(index: number, { collection, id, tenant }: OperationOf<'patch' | 'delete'>): UnitStatement {
    const values = new BoundValues()
    const table = literal(this.#names.documents(collection))
    const refuse = this.#names.function('refuse_live')
    return {
      sql: `SELECT ${refuse}(${table}::regclass, ${values.text(tenant)}, ${values.text(id)})`,
      parameters: values.parameters,
      about: { kind: 'documents', collection },
      answer: (_, results) => {
        results[index] = { count: 0 }
      },
    }
  }

  #deleteMarked(index: number, operation: OperationOf<'delete'>): UnitStatement {
    const { collection, id, tenant } = operation
    const values = new BoundValues()
    const [of, key] = [values.text(tenant), values.text(id)]
    const table = this.#names.documents(collection)
    const refuse = `${this.#names.function('refuse_live')}(${literal(table)}::regclass, ${of}, ${key})`
    const deleted = `DELETE FROM ${table} WHERE tenant = ${of} AND id = ${key} AND deleted_at IS NOT NULL RETURNING 1`
    return {
      sql: `WITH deleted AS (${deleted}) SELECT count(*), ${refuse} FROM deleted`,
      parameters: values.parameters,
      about: { kind: 'documents', collection },
      answer: ({ rows }, results) => {
        results[index] = { count: Number(rows[0]?.[0]) }
      },
    }
  }

  #where(
    values: BoundValues,
    { collection, tenant, where }: OperationOf<'patch-where' | 'delete-where' | 'restore-where'>,
    state: string | undefined,
  ): string {
    const conditions = [`tenant = ${values.text(tenant)}`]
    if (state !== undefined) conditions.push(state)
    if (where !== undefined) {
      const scope = scopeOf(this.#names, this.#known.collection(collection), values)
      conditions.push(compileFilter(scope, where))
    }
    return conditions.join(' AND ')
  }

  #patchSet(values: BoundValues, patches: OperationOf<'patch'>['patches']): string {
    const patched = `${this.#names.function('patch')}(body, ${values.jsonb(JSON.stringify(patches))}, id)`
    return `body = ${patched}, ${this.#changeSet(values)}`
  }

  #changeSet(values: BoundValues): string {
    const [at, correlationId, causationId] = this.#markValues(values)
    return `revision = revision + 1, changed_at = ${at}, correlation_id = ${correlationId}, causation_id = ${causationId}`
  }

  #markValues(values: BoundValues): readonly [string, string, string] {
    const { atMs, correlationId, causationId } = this.#marks
    return [values.whole(atMs), values.text(correlationId ?? null), values.text(causationId ?? null)]
  }

  /** Ends the unit with what is found of the first of the documents that was not done. */
  #refuse(collection: string, tenant: string, ids: string, expected: string, done = "'{}'::text[]"): string {
    const table = literal(this.#names.documents(collection))
    return `${this.#names.function('refuse_documents')}(${table}::regclass, ${tenant}, ${ids}, ${expected}, ${done})`
  }
}

/** Documents as a table, with their revisions if some are expected. One is written out: that is quicker than lists. */
function inputOf(
  values: BoundValues,
  operations: readonly OperationOf<'store'>[],
): { readonly input: string; readonly ids: string; readonly expected: string } {
  const [first, second] = operations as [OperationOf<'store'>, OperationOf<'store'>?]
  const isExpected = first.expectedRevision !== undefined
  if (second === undefined) {
    const [id, text] = [values.text(first.id), values.text(first.text)]
    const revision = isExpected ? values.whole(first.expectedRevision as number) : 'NULL::bigint'
    return {
      input: `(VALUES (${id}, ${text}, ${revision})) AS listed(id, body, expected)`,
      ids: `ARRAY[${id}]`,
      expected: `ARRAY[${revision}]`,
    }
  }
  const ids = values.texts(operations.map(({ id }) => id))
  const texts = values.texts(operations.map(({ text }) => text))
  const expected = isExpected
    ? values.wholes(operations.map(({ expectedRevision }) => expectedRevision as number))
    : 'NULL::bigint[]'
  return { input: `unnest(${ids}, ${texts}, ${expected}) AS listed(id, body, expected)`, ids, expected }
}

interface Writing {
  readonly of: string
  readonly input: string
  readonly marks: readonly [string, string, string]
}

function insertOrUpdate(
  table: string,
  {
    of,
    input,
    marks: [at, correlationId, causationId],
    isExpected,
  }: Writing & { readonly isExpected: boolean },
): string {
  return `INSERT INTO ${table} AS stored
    (tenant, id, revision, body, created_at, changed_at, correlation_id, causation_id)
    SELECT ${of}, id, 1, body::jsonb, ${at}, ${at}, ${correlationId}, ${causationId} FROM ${input}
    ON CONFLICT (tenant, id) DO UPDATE SET revision = stored.revision + 1, body = excluded.body,
      changed_at = excluded.changed_at, deleted_at = NULL,
      correlation_id = excluded.correlation_id, causation_id = excluded.causation_id
    ${isExpected ? 'WHERE stored.deleted_at IS NOT NULL' : ''} RETURNING id, revision`
}

function updateExpected(
  table: string,
  { of, input, marks: [at, correlationId, causationId] }: Writing,
): string {
  return `UPDATE ${table} AS stored SET revision = stored.revision + 1, body = listed.body::jsonb,
      changed_at = ${at}, correlation_id = ${correlationId}, causation_id = ${causationId}
    FROM ${input} WHERE stored.tenant = ${of} AND stored.id = listed.id AND stored.revision = listed.expected
      AND stored.deleted_at IS NULL RETURNING stored.id, stored.revision`
}
