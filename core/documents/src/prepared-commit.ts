import { millraceError } from '@millrace/kernel'
import { checkTenant, checkText, refuseOperation, show } from './checked-text.ts'
import type { CommitOptions, WriteOperation } from './database.ts'
import { documentLimits as limits } from './document-limits.ts'
import type { KnownSchema } from './known-schema.ts'
import { prepareDocumentOperation } from './prepared-document.ts'
import type { PreparedCommit, PreparedOperation } from './prepared-operation.ts'
import { preparePosition } from './prepared-position.ts'
import { prepareRowOperation } from './prepared-row.ts'
import { prepareStreamOperation } from './prepared-stream.ts'

/** What the operations of a unit hold together. */
export interface CommitMeter {
  characters: number
  events: number
}

/**
 * Checks and copies what can be checked without the stored state. Every engine calls it before anything else, so that
 * all of them refuse the same input.
 *
 * @throws as Database.commit, without the conflicts
 */
export function prepareCommit(
  operations: readonly WriteOperation[],
  options: CommitOptions | undefined,
  known: KnownSchema,
): PreparedCommit {
  const { tenant, correlationId, causationId } = options ?? {}
  const refuse = refuseOperation('commit', 'the unit')
  if (!Array.isArray(operations)) refuse(`operations that are ${show(operations)}`, 'a list')
  checkAmount('operations', operations.length, limits.commitOperationsMax)
  const unitTenant = checkTenant(tenant, refuse)
  const meter: CommitMeter = { characters: 0, events: 0 }
  const prepared = operations.map((operation) => prepareOperation(operation, unitTenant, known, meter))
  return {
    operations: prepared,
    correlationId: checkUnitId('correlation id', correlationId),
    causationId: checkUnitId('causation id', causationId),
    characters: meter.characters,
  }
}

function prepareOperation(
  operation: WriteOperation,
  unitTenant: string,
  known: KnownSchema,
  meter: CommitMeter,
): PreparedOperation {
  if (typeof operation !== 'object' || operation === null) {
    refuseOperation('commit', 'the unit')(`the operation ${show(operation)}`, 'an operation')
  }
  const refuse = refuseOperation(String(operation.kind), 'the unit')
  const tenant = operation.tenant === undefined ? unitTenant : checkTenant(operation.tenant, refuse)
  const prepared =
    prepareKind(operation, known, meter) ?? refuse(`the kind ${show(operation.kind)}`, 'a kind of operation')
  checkAmount('characters', meter.characters, limits.commitCharactersMax)
  checkAmount('events', meter.events, limits.commitEventsMax)
  return { tenant, ...prepared }
}

/** Undefined for a kind that does not exist. */
function prepareKind(operation: WriteOperation, known: KnownSchema, meter: CommitMeter) {
  switch (operation.kind) {
    case 'store':
    case 'patch':
    case 'patch-where':
    case 'delete':
    case 'delete-where':
    case 'restore-where':
    case 'replace-all':
    case 'expect':
      return prepareDocumentOperation(operation, known, meter)
    case 'append':
    case 'publish':
    case 'archive':
    case 'tombstone':
    case 'forget-published':
      return prepareStreamOperation(operation, meter)
    case 'put-row':
    case 'delete-row':
    case 'delete-rows':
      return prepareRowOperation(operation, known, meter)
    case 'position':
      return preparePosition(operation)
    default:
      operation satisfies never
      return undefined
  }
}

function checkUnitId(name: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  const { unitIdCharactersMax: charactersMax } = limits
  return checkText(name, value, { charactersMax }, refuseOperation('commit', 'the unit'))
}

function checkAmount(what: string, seen: number, limit: number): void {
  if (seen > limit) throw millraceError('COMMIT_TOO_LARGE', { seen: `${seen} ${what}`, limit })
}
