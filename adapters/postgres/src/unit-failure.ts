import { documentLimits, type KnownSchema } from '@millrace/documents'
import { type MillraceError, millraceError } from '@millrace/kernel'
import { OWN_STATE } from './own-state.ts'
import { failureOf, type ServerError, serverError } from './postgres-failure.ts'
import { uniqueIndexCalled, wantedTables } from './schema-objects.ts'
import type { TableNames } from './table-names.ts'
import type { StatementSubject, UnitStatement } from './unit-statement.ts'

/** What telling a failure needs to know. */
export interface FailureContext {
  readonly names: TableNames
  readonly known: KnownSchema
  /** The database, for messages. */
  readonly database: string
}

/** Why a unit failed, as an error of the catalogue. `statement` is the one that failed; undefined: the end of the unit. */
export function unitFailure(
  context: FailureContext,
  error: unknown,
  statement: UnitStatement | undefined,
): Error {
  const server = serverError(error)
  if (server === undefined) return failureOf(error, context.database)
  return (
    ownFailure(server, statement?.about) ??
    constraintFailure(context, server) ??
    contentFailure(server, statement?.about) ??
    failureOf(error, context.database)
  )
}

/** What the functions of the store have refused. */
function ownFailure(
  { code, detail }: ServerError,
  about: StatementSubject | undefined,
): MillraceError | undefined {
  if (!(Object.values(OWN_STATE) as string[]).includes(code)) return undefined
  const found = JSON.parse(detail ?? 'null')
  const collection = about?.kind === 'documents' ? about.collection : ''
  switch (code) {
    case OWN_STATE.documentConflict: {
      const { id, seen, expected } = found
      return millraceError('DOCUMENT_CONFLICT', { collection, id, seen, expected })
    }
    case OWN_STATE.patchRefused: {
      const { patch, id, seen, expected, path } = found
      return millraceError('PATCH_REFUSED', { collection, patch, id, seen, expected, path })
    }
    case OWN_STATE.documentTooLarge: {
      const { id, seen } = found
      return millraceError('DOCUMENT_TOO_LARGE', {
        collection,
        id,
        seen,
        limit: documentLimits.documentCharactersMax,
      })
    }
    case OWN_STATE.tooManyChanges:
      return millraceError('COMMIT_TOO_LARGE', {
        seen: `${found} changes to answer with`,
        limit: documentLimits.changesMax,
      })
    case OWN_STATE.streamRefused: {
      const { stream, seen, state, expected } = found
      if (state !== null && state !== 'open') return millraceError('STREAM_ENDED', { stream, state })
      return millraceError('STREAM_CONFLICT', { stream, seen, expected: expected ?? seen })
    }
    default: {
      if (about?.kind !== 'position') return undefined
      const { processor, topic, partition } = about
      return millraceError('POSITION_CONFLICT', { processor, topic, partition, ...found })
    }
  }
}

const UNIQUE = '23505'
const FOREIGN_KEY = '23503'

/** A unique index or a reference of a collection that is not kept. */
export function constraintFailure(
  { names, known }: FailureContext,
  { code, constraint, detail }: ServerError,
): MillraceError | undefined {
  if (constraint === undefined) return undefined
  const { collections } = known.schema
  if (code === UNIQUE) {
    for (const schema of collections) {
      const index = uniqueIndexCalled(names, schema, constraint)
      if (index === undefined) continue
      const { name: collection } = schema
      return millraceError('DOCUMENT_NOT_UNIQUE', { collection, index: index.name, values: valuesIn(detail) })
    }
  }
  if (code === FOREIGN_KEY) {
    const references = wantedTables(names, { collections, tables: [] }).flatMap((table) => table.references)
    const found = references.find(({ name }) => name === constraint)
    if (found === undefined) return undefined
    return millraceError('DOCUMENT_REFERENCE_BROKEN', { collection: found.collection, target: found.target })
  }
  return undefined
}

/** The values, from what the server says: `Key (tenant, …)=(tenant, 4a text, 31…, , ) already exists.` */
function valuesIn(detail: string | undefined): string {
  const [, keys = ''] = /\)=\((.*)\) (?:already exists|is duplicated)\.$/s.exec(detail ?? '') ?? []
  const values = keys.split(', ').slice(1)
  const shown = values.slice(0, Math.ceil(values.length / 2)).map(valueOfKey)
  return `[${shown.join(',')}]`
}

/** A sort key as JSON of the value that it is of. */
function valueOfKey(key: string): string {
  if (key.startsWith('4')) return JSON.stringify(key.slice(1))
  if (key === '1' || key === '2') return String(key === '2')
  const isPositive = key.startsWith('31')
  const digits = key.slice(2)
  if (!/^[0-9a-f]{16}$/.test(digits)) return JSON.stringify(key)
  const plain = isPositive
    ? digits
    : digits.replace(/./g, (digit) => (15 - Number.parseInt(digit, 16)).toString(16))
  return String(Buffer.from(plain, 'hex').readDoubleBE())
}

/** Something in a value that the server does not take. */
function contentFailure(
  { code, message }: ServerError,
  about: StatementSubject | undefined,
): MillraceError | undefined {
  // Source: https://www.postgresql.org/docs/current/errcodes-appendix.html, classes 22 (data) and 54 (limits).
  if (about?.kind === 'row' && code === '22003') {
    const seen = 'a sum that is not finite'
    const target = `the table "${about.table}"`
    return millraceError('OPERATION_INVALID', {
      operation: 'put-row',
      target,
      seen,
      expected: 'a finite sum',
    })
  }
  if (about?.kind !== 'documents' || about.texts === undefined) return undefined
  if (!code.startsWith('22') && !code.startsWith('54')) return undefined
  const isJson = about.texts.every(isJsonObject)
  const issues = isJson ? `PostgreSQL cannot keep it: ${message}` : 'its text is not JSON'
  return millraceError('DOCUMENT_INVALID', { collection: about.collection, issues })
}

function isJsonObject(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
