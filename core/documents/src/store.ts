import { millraceError, type Runtime } from '@millrace/kernel'
import type { AnyCollection, Collection, Identified } from './collection.ts'
import type { CommitOptions, Database, PrepareOptions } from './database.ts'
import { checkDeclaredProperties } from './declared-collection.ts'
import { readDocument } from './document-form.ts'
import { linksTo } from './event-input.ts'
import type { Reader } from './reader.ts'
import type { SaveHook } from './save-hook.ts'
import type { Session, SessionOptions } from './session.ts'
import { StoreReader } from './store-reader.ts'
import type { SchemaPlan, StoreSchema, TableSchema } from './store-schema.ts'
import {
  type Change,
  type SelfContained,
  TRANSFORMATIONS,
  type Transformation,
  type TransformCalls,
  type TransformOptions,
  type TransformProgress,
} from './transformation.ts'
import { runTransformation } from './transformation-run.ts'
import { openSession } from './unit-of-work.ts'

/** What a store is made of. */
export interface StoreOptions {
  readonly database: Database
  /** All that the store may touch; they are made if they are missing. */
  readonly collections: readonly AnyCollection[]
  /** Flat tables that projections write. */
  readonly tables?: readonly TableSchema[]
  /** Time and chance: for ids, and for the times of events. */
  readonly runtime: Runtime
  /** The `source` of events that are appended as drafts. Default: '/store'. */
  readonly source?: string
  /** What adds to every unit that is saved. */
  readonly hooks?: readonly SaveHook[]
  /**
   * What is done about the database's schema: see `Database.prepare`. `false`: nothing, which is for databases that
   * remember what was declared to them in this process. Default: what is missing is made.
   */
  readonly prepare?: PrepareOptions | false
}

/**
 * Typed documents on a database. Its reads are those of nobody in particular: for the documents of a tenant take
 * {@link querySession} or {@link session}. It has nothing to close: the database belongs to whoever opened it.
 */
export interface Store extends Reader, TransformCalls {
  readonly database: Database
  readonly collections: readonly AnyCollection[]
  readonly runtime: Runtime
  /** What engines have to know of the collections and tables. */
  readonly schema: StoreSchema
  /** Begins a unit of work. */
  session(options?: SessionOptions): Session
  /** Begins reads of one tenant. */
  querySession(options?: Pick<SessionOptions, 'tenant'>): Reader
  /** What would have to be done to the database; empty if it holds all that is declared. */
  diff(): Promise<SchemaPlan>
}

/**
 * Opens a store; its collections and tables exist on return.
 *
 * @throws COLLECTION_DUPLICATE, SCHEMA_INVALID, and as Database.prepare
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { database, prepare = {} } = options
  const schema = storeSchema(options)
  if (prepare !== false) await database.prepare(schema, prepare)
  return new DocumentStore(options, schema)
}

/**
 * What a database has to hold for collections and tables.
 *
 * @throws COLLECTION_DUPLICATE, SCHEMA_INVALID (a declared property that a document's schema is known not to have)
 */
export function storeSchema({
  collections,
  tables = [],
}: Pick<StoreOptions, 'collections' | 'tables'>): StoreSchema {
  const declared = distinct(collections).map((each) => each.declared)
  return { collections: [...declared, { name: TRANSFORMATIONS }], tables }
}

/** The same collection may be named twice; two of one name may not. */
function distinct(collections: readonly AnyCollection[]): readonly AnyCollection[] {
  const known = new Map(collections.map((each) => [each.name, each]))
  for (const each of collections) {
    if (known.get(each.name) !== each) throw millraceError('COLLECTION_DUPLICATE', { collection: each.name })
    checkDeclaredProperties(each)
  }
  return [...known.values()]
}

class DocumentStore extends StoreReader implements Store {
  readonly database: Database
  readonly collections: readonly AnyCollection[]
  readonly runtime: Runtime
  readonly schema: StoreSchema
  readonly #source: string
  readonly #hooks: readonly SaveHook[]
  readonly #tenantOf: TenantOf

  constructor(
    { database, collections, runtime, source = '/store', hooks = [] }: StoreOptions,
    schema: StoreSchema,
  ) {
    const tenantOf = tenants(collections)
    super({ database, tenantOf: (collection) => tenantOf(collection, ''), documentOf: readDocument })
    this.database = database
    this.collections = distinct(collections)
    this.runtime = runtime
    this.schema = schema
    this.#source = source
    this.#hooks = hooks
    this.#tenantOf = tenantOf
  }

  session(options: SessionOptions = {}): Session {
    const { tenant = '', identityMap = false } = options
    const means = {
      database: this.database,
      runtime: this.runtime,
      source: this.#source,
      hooks: this.#hooks,
      unit: unitOf(options),
      tenantOf: (collection: AnyCollection) => this.#tenantOf(collection, tenant),
    }
    return openSession(means, identityMap)
  }

  querySession({ tenant = '' }: Pick<SessionOptions, 'tenant'> = {}): Reader {
    const { database } = this
    const tenantOf = (collection: AnyCollection) => this.#tenantOf(collection, tenant)
    return new StoreReader({ database, tenantOf, documentOf: readDocument })
  }

  async transform<Document extends Identified, Old>(
    collection: Collection<Document>,
    change: Change<Old, Document> | SelfContained,
    options: TransformOptions,
  ): Promise<TransformProgress> {
    const tenant = this.#tenantOf(collection, options.tenant ?? '') ?? ''
    const untyped = change as Transformation['change']
    return runTransformation(this.database, { collection, change: untyped, tenant, options })
  }

  diff(): Promise<SchemaPlan> {
    return this.database.plan(this.schema)
  }
}

function unitOf({ tenant, correlationId, causationId, cause }: SessionOptions): CommitOptions {
  return {
    ...(cause === undefined ? {} : linksTo(cause)),
    ...(tenant === undefined ? {} : { tenant }),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(causationId === undefined ? {} : { causationId }),
  }
}

type TenantOf = (collection: AnyCollection, tenant: string) => string | undefined

/** Whose documents of a collection somebody of a tenant means. */
function tenants(collections: readonly AnyCollection[]): TenantOf {
  const names = new Set(collections.map(({ name }) => name))
  return ({ name, tenancy }, tenant) => {
    if (!names.has(name)) throw millraceError('COLLECTION_UNKNOWN', { collection: name })
    if (tenancy === 'none') return undefined
    if (tenant === '') throw millraceError('TENANT_MISSING', { collection: name })
    return tenant
  }
}
