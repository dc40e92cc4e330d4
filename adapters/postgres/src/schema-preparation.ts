import type { CheckedSchema, KnownSchema, PrepareOptions, SchemaPlan, SchemaStep } from '@millrace/documents'
import { millraceError } from '@millrace/kernel'
import type { Client } from 'pg'
import type { Connections } from './connections.ts'
import { STORE_VERSION } from './own-tables.ts'
import { failureOf, serverError } from './postgres-failure.ts'
import type { PostgresSettings } from './postgres-options.ts'
import { catalogOf, catalogStatements, type SchemaCatalog } from './schema-catalog.ts'
import { wantedTables } from './schema-objects.ts'
import { planSteps } from './schema-plan.ts'
import { BoundValues } from './sql-values.ts'
import type { Statement } from './statement.ts'
import { literal, type TableNames } from './table-names.ts'
import { constraintFailure } from './unit-failure.ts'

/** Compares what is declared with what the database holds, and makes it so. */
export class SchemaPreparation {
  readonly #connections: Connections
  readonly #settings: PostgresSettings
  readonly #names: TableNames

  constructor(connections: Connections, settings: PostgresSettings, names: TableNames) {
    this.#connections = connections
    this.#settings = settings
    this.#names = names
  }

  /** @throws DATABASE_TOO_NEW, and as a read */
  async plan(schema: CheckedSchema): Promise<SchemaPlan> {
    return this.#failing(schema, async () => {
      const steps = await this.#connections.use((client) => this.#stepsFor(client, schema))
      return { steps }
    })
  }

  /** @throws as Database.prepare */
  async prepare(schema: CheckedSchema, { allow, checkOnly = false }: PrepareOptions): Promise<void> {
    const { steps } = await this.plan(schema)
    if (steps.length === 0) return
    const refused = checkOnly
      ? steps
      : steps.filter(({ hazard }) => hazard === 'destructive' && allow !== hazard)
    if (refused.length > 0) {
      const seen = refused.map(({ what }) => what).join(', ')
      throw millraceError('STORE_SCHEMA_DIFFERS', {
        seen: `${checkOnly ? 'missing or different' : 'it would lose'}: ${seen}`,
      })
    }
    await this.#failing(schema, () => this.#apply(schema, allow))
  }

  /** One node at a time, whoever comes second finds nothing left to do; all steps or none. */
  async #apply(schema: CheckedSchema, allow: PrepareOptions['allow']): Promise<void> {
    await this.#connections.use(async (client) => {
      const run = async (...statements: Statement[]) =>
        this.#connections.submit(client, statements, { isUnlimited: true })
      const plain = (sql: string): Statement => ({ sql, parameters: [] })
      await run(plain('BEGIN'))
      try {
        // Another node may be at work on a large table; building an index takes as long as it takes.
        await run(plain('SET LOCAL lock_timeout = 0'), plain('SET LOCAL statement_timeout = 0'))
        await run(plain('SET LOCAL idle_in_transaction_session_timeout = 0'), this.#lock())
        await run(plain(`SET LOCAL lock_timeout = ${this.#settings.limits.lockMsMax}`))
        const steps = await this.#stepsFor(client, schema)
        const isAllowed = steps.every(({ hazard }) => hazard === 'none' || hazard === allow)
        if (!isAllowed)
          throw millraceError('STORE_SCHEMA_DIFFERS', { seen: 'it has just been changed by somebody else' })
        // A step has several statements, so it goes as a simple query.
        for (const { sql } of steps) await client.query(sql)
        await run(plain('COMMIT'))
      } catch (error) {
        await run(plain('ROLLBACK')).catch(() => undefined)
        throw error
      }
    })
  }

  #lock(): Statement {
    const values = new BoundValues()
    return {
      sql: `SELECT pg_advisory_xact_lock(hashtextextended(${values.text(`millrace ${this.#settings.schema}`)}, 0))`,
      parameters: values.parameters,
    }
  }

  async #stepsFor(client: Client, schema: CheckedSchema): Promise<readonly SchemaStep[]> {
    return planSteps(this.#names, await this.#catalog(client), wantedTables(this.#names, schema))
  }

  async #catalog(client: Client): Promise<SchemaCatalog> {
    const run = async (statements: readonly Statement[]) =>
      (await this.#connections.submit(client, statements, { isUnlimited: true })).results
    const values = new BoundValues()
    const store = literal(this.#names.own('_store'))
    const hasSchema = `EXISTS (SELECT FROM pg_namespace WHERE nspname = ${values.text(this.#settings.schema)})`
    const [own] = await run([
      { sql: `SELECT ${hasSchema}, to_regclass(${store}) IS NOT NULL`, parameters: values.parameters },
    ])
    const [schemaSeen, storeSeen] = own?.rows[0] ?? []
    let version: number | undefined
    if (storeSeen === 't') {
      const [found] = await run([{ sql: `SELECT version FROM ${this.#names.own('_store')}`, parameters: [] }])
      version = Number(found?.rows[0]?.[0])
      if (version > STORE_VERSION) {
        const { name: file } = this.#settings
        throw millraceError('DATABASE_TOO_NEW', { file, seen: version, supported: STORE_VERSION })
      }
    }
    const results = await run(catalogStatements(this.#settings.schema))
    return catalogOf(results, { hasSchema: schemaSeen === 't', version })
  }

  async #failing<Result>(schema: CheckedSchema, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      const { name: database } = this.#settings
      const server = serverError(error)
      const known = { schema } as Pick<KnownSchema, 'schema'> as KnownSchema
      const found =
        server === undefined ? undefined : constraintFailure({ names: this.#names, known, database }, server)
      throw found ?? failureOf(error, database)
    }
  }
}
