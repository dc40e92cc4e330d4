import type { Database, StoreSchema } from '@millrace/documents'
import { type ErrorCode, isMillraceError } from '@millrace/kernel'
import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import type { Body } from './database-operations.ts'
import { Tenant } from './database-tenant.ts'

/** An empty database, made for one test or one group of tests. Disposing it also removes what it was stored in. */
export interface DatabaseUnderTest extends AsyncDisposable {
  readonly database: Database
  /** Closes the database and opens it again, as after a restart. Only for engines whose `supports.durable` is true. */
  reopen(): Promise<Database>
  /**
   * Opens a second handle to the same data, as another process would. Needed where `supports.shared`. Closed by disposing.
   */
  open?(): Promise<Database>
  /** Lets time pass for the engine. Needed where the engine takes its time from a clock that stands still otherwise. */
  advance?(durationMs: number): Promise<void>
  /** The time as the engine sees it, in milliseconds since 1970. Default: the machine's. */
  nowMs?(): number
  /** All rows of a declared table, in any order. Needed where `supports.raw` is false. */
  rows?(table: string): readonly Readonly<Record<string, unknown>>[]
  /** How the engine's SQL marks its parameter number `index`, from 1 on. Needed where `supports.raw`. */
  parameterMark?(index: number): string
}

/** Makes an empty database. */
export type DatabaseFactory = () => Promise<DatabaseUnderTest>

/** An empty database of its own for one test, with `schema` prepared. */
export async function opened(open: DatabaseFactory, schema: StoreSchema): Promise<DatabaseUnderTest> {
  const under = await open()
  await under.database.prepare(schema)
  return under
}

/** One database for all tests of a group, since making one takes time; `fill` is what it holds at first. */
export function useDatabase(
  open: DatabaseFactory,
  schema: StoreSchema,
  fill: (tenant: Tenant) => Promise<unknown> = async () => undefined,
): () => DatabaseUnderTest {
  let under: DatabaseUnderTest | undefined
  beforeAll(async () => {
    under = await opened(open, schema)
    await fill(new Tenant(under, ''))
  })
  afterAll(async () => {
    await under?.[Symbol.asyncDispose]()
  })
  return () => under as DatabaseUnderTest
}

/** A tenant of its own in one database for each test of a group. The first one is the empty tenant. */
export function useTenant(open: DatabaseFactory, schema: StoreSchema): () => Tenant {
  return useOwnTenant(useDatabase(open, schema), '')
}

/** A tenant of its own for each test of a group; the first one may have a name that is given. */
export function useOwnTenant(under: () => DatabaseUnderTest, firstName = 'tenant 0'): () => Tenant {
  let tenant: Tenant | undefined
  let tenants = 0
  beforeEach(() => {
    tenant = new Tenant(under(), tenants === 0 ? firstName : `tenant ${tenants}`)
    tenants += 1
  })
  return () => tenant as Tenant
}

/** A filled database that the tests of a group only read; gives its empty tenant. */
export function useFilled(
  open: DatabaseFactory,
  schema: StoreSchema,
  fill: (tenant: Tenant) => Promise<unknown>,
): () => Tenant {
  const under = useDatabase(open, schema, fill)
  return () => new Tenant(under(), '')
}

/** A database with documents in "benches" that the tests of a group only read. */
export function useDocuments(
  open: DatabaseFactory,
  schema: StoreSchema,
  bodies: Readonly<Record<string, Body>>,
): () => Tenant {
  return useFilled(open, schema, (tenant) => tenant.put(bodies))
}

/** The catalogue code that `promise` rejects with; anything else fails the test. */
export async function codeOf(promise: Promise<unknown>): Promise<ErrorCode | 'no error'> {
  try {
    await promise
  } catch (error) {
    if (isMillraceError(error)) return error.code
    throw error
  }
  return 'no error'
}

/** The error that `promise` rejects with, which must have this code. */
export async function refusal(promise: Promise<unknown>, code: ErrorCode) {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (isMillraceError(error, code)) return error
  expect(error, `an error ${code}`).toMatchObject({ code })
  throw error
}

export function nowMsOf(under: DatabaseUnderTest): number {
  return under.nowMs?.() ?? Date.now()
}
