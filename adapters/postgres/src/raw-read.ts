import { documentLimits, type RawValue } from '@millrace/documents'
import { type MillraceError, millraceError } from '@millrace/kernel'
import type { Connections } from './connections.ts'
import { failureOf, serverError } from './postgres-failure.ts'
import type { PostgresSettings } from './postgres-options.ts'
import type { Parameter } from './sql-values.ts'
import type { Statement } from './statement.ts'
import { BatchFailure, type ResultField } from './statement-batch.ts'
import { quoted } from './table-names.ts'

type RawRow = Readonly<Record<string, unknown>>

/** Statements before somebody's own, and those behind it: it cannot write, and what it sets is taken back. */
const BEFORE = 2
const BEHIND = ['ROLLBACK', 'SELECT pg_advisory_unlock_all()']

const SQL_CHARACTERS_MAX = 1_000_000
const PARAMETERS_MAX = 1_000

/** Runs somebody's own statement, which can only read. @throws QUERY_INVALID, and as a read */
export async function readRaw(
  connections: Connections,
  { name: database, schema }: PostgresSettings,
  sql: string,
  parameters: readonly RawValue[],
): Promise<readonly RawRow[]> {
  check(sql, parameters)
  const own = { sql, parameters: parameters.map(parameterOf) }
  // Tables are found by the names that they were declared with.
  const path = {
    sql: "SELECT set_config('search_path', $1, true)",
    parameters: [`${quoted(schema)}, public`],
  }
  const before = [plain('BEGIN READ ONLY'), path]
  return connections.use(async (client) => {
    const { resultCharactersMax: charactersMax } = documentLimits
    try {
      const answered = await connections.submit(client, [...before, own], { describe: true, charactersMax })
      await connections.submit(client, BEHIND.map(plain))
      if (answered.isTooLarge) throw tooLarge()
      if (answered.fields.length === 0) throw refusal('a statement that answers nothing')
      const rows = answered.results[BEFORE]?.rows ?? []
      return rows.map((row) => rowOf(answered.fields, row))
    } catch (error) {
      if (!(error instanceof BatchFailure)) throw error
      if (serverError(error) !== undefined)
        await connections.submit(client, BEHIND.map(plain)).catch(() => undefined)
      throw rawFailure(error, database)
    }
  })
}

/** A statement's text ends at a zero character for the server; what is behind it would be left out in silence. */
function check(sql: unknown, parameters: readonly RawValue[]): void {
  if (
    typeof sql !== 'string' ||
    sql.length > SQL_CHARACTERS_MAX ||
    sql.includes('\0') ||
    !sql.isWellFormed()
  ) {
    throw refusal('no text, one that is too long, or one with characters that PostgreSQL does not take')
  }
  if (!Array.isArray(parameters) || parameters.length > PARAMETERS_MAX) throw refusal('too many parameters')
  for (const each of parameters) {
    if (typeof each === 'string' && each.includes('\0')) throw refusal('a parameter with a zero character')
  }
}

function plain(sql: string): Statement {
  return { sql, parameters: [] }
}

function tooLarge(): MillraceError {
  const seen = `a result of more than ${documentLimits.resultCharactersMax} characters`
  return millraceError('QUERY_INVALID', {
    collection: 'raw SQL',
    seen,
    expected: 'a LIMIT, or fewer columns',
  })
}

/** What the server says of the statement itself is the caller's; the rest is as with any read. */
function rawFailure(error: BatchFailure, database: string): Error {
  const server = serverError(error)
  const isOwn =
    server !== undefined &&
    /^(08P01|0A|2[0-9A-F]|3[46]|38|39|42|54|P0)/.test(server.code) &&
    !server.code.startsWith('28')
  if (!isOwn) return failureOf(error, database)
  return refusal(`a statement that PostgreSQL does not take: ${server.message} (${server.code})`, error.cause)
}

function refusal(seen: string, cause?: unknown): MillraceError {
  const expected = 'one statement that reads'
  return millraceError('QUERY_INVALID', { collection: 'raw SQL', seen, expected }, { cause })
}

function parameterOf(value: RawValue): Parameter {
  return value === null || value instanceof Uint8Array ? value : String(value)
}

function rowOf(fields: readonly ResultField[], row: readonly (string | null)[]): RawRow {
  return Object.fromEntries(
    fields.map(({ name, dataTypeID }, index) => [name, scalarOf(dataTypeID, row[index] ?? null)]),
  )
}

/** Numbers of types in the catalog of every server. Source: https://github.com/postgres/postgres, pg_type.dat */
const TYPE = {
  boolean: 16,
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  oid: 26,
  float4: 700,
  float8: 701,
} as const

/** Whole numbers that JavaScript keeps exactly are numbers, greater ones bigints; what has no counterpart is its text. */
function scalarOf(type: number, text: string | null): unknown {
  if (text === null) return null
  switch (type) {
    case TYPE.boolean:
      return text === 't'
    case TYPE.bytea:
      return Uint8Array.from(Buffer.from(text.slice(2), 'hex'))
    case TYPE.int8:
      return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text)
    case TYPE.int2:
    case TYPE.int4:
    case TYPE.oid:
    case TYPE.float4:
    case TYPE.float8:
      return Number(text)
    default:
      return text
  }
}
