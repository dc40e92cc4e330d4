import { millraceError, unreachable } from '@millrace/kernel'
import { checkFilter } from './checked-filter.ts'
import { checkPatches } from './checked-patches.ts'
import type { CheckedCollection } from './checked-schema.ts'
import { checkFlag, checkWhole, isText, refuseOperation, refuseQuery } from './checked-text.ts'
import type { ExpectOperation } from './database.ts'
import { documentLimits as limits } from './document-limits.ts'
import type { DocumentOperation } from './document-operation.ts'
import { checkDocumentText } from './document-text.ts'
import type { Filter } from './filter.ts'
import type { KnownSchema } from './known-schema.ts'
import type { CommitMeter } from './prepared-commit.ts'
import type { PreparedDocumentOperation } from './prepared-operation.ts'

/**
 * Checks and copies what a unit does to documents.
 *
 * @throws COLLECTION_UNKNOWN, DOCUMENT_ID_INVALID, DOCUMENT_INVALID, DOCUMENT_TOO_LARGE, QUERY_INVALID, OPERATION_INVALID
 */
export function prepareDocumentOperation(
  operation: DocumentOperation | ExpectOperation,
  known: KnownSchema,
  meter: CommitMeter,
): PreparedDocumentOperation {
  const { kind, collection } = operation
  const schema = known.collection(collection)
  switch (kind) {
    case 'store': {
      const id = checkDocumentId(collection, operation.id)
      const text = checkDocumentText(collection, id, operation.text)
      meter.characters += text.length
      return { kind, collection, id, text, expectedRevision: expectedOf(operation) }
    }
    case 'patch': {
      const id = checkDocumentId(collection, operation.id)
      const patches = patchesOf(operation, meter)
      return { kind, collection, id, patches, expectedRevision: expectedOf(operation) }
    }
    case 'patch-where': {
      const where = filterOf(operation, schema)
      return { kind, collection, where, patches: patchesOf(operation, meter), ...changesOf(operation) }
    }
    case 'delete': {
      const id = checkDocumentId(collection, operation.id)
      return {
        kind,
        collection,
        id,
        expectedRevision: expectedOf(operation),
        ...hardnessOf(operation, schema),
      }
    }
    case 'delete-where': {
      const where = operation.where === undefined ? undefined : filterOf({ where: operation.where }, schema)
      return { kind, collection, where, ...hardnessOf(operation, schema), ...changesOf(operation) }
    }
    case 'restore-where':
      return { kind, collection, where: filterOf(operation, schema) }
    case 'replace-all':
      return { kind, collection, from: checkReplacement(operation.from, schema, known) }
    case 'expect': {
      const revision = checkRevision(operation, operation.revision)
      return { kind, collection, id: checkDocumentId(collection, operation.id), revision }
    }
    default:
      return unreachable(operation)
  }
}

/** The id; throws `DOCUMENT_ID_INVALID` for one that an engine could not keep as it is. */
export function checkDocumentId(collection: string, id: unknown): string {
  const limit = limits.idCharactersMax
  if (isText(id, limit) && id !== '') return id
  const seen = typeof id === 'string' ? JSON.stringify(id.slice(0, 100)) : `a value of type ${typeof id}`
  throw millraceError('DOCUMENT_ID_INVALID', { collection, id: seen, limit })
}

interface OfCollection {
  readonly kind: string
  readonly collection: string
}

function refusalOf({ kind, collection }: OfCollection) {
  return refuseOperation(kind, `the collection "${collection}"`)
}

function expectedOf(operation: OfCollection & { readonly expectedRevision?: number }): number | undefined {
  const { expectedRevision } = operation
  return expectedRevision === undefined ? undefined : checkRevision(operation, expectedRevision)
}

function checkRevision(operation: OfCollection, revision: unknown): number {
  return checkWhole('expected revision', revision, Number.MAX_SAFE_INTEGER, refusalOf(operation))
}

function filterOf({ where }: { readonly where: Filter }, schema: CheckedCollection): Filter {
  return checkFilter(where, schema, refuseQuery(schema.name))
}

function patchesOf(
  { collection, patches }: Extract<DocumentOperation, { kind: 'patch' | 'patch-where' }>,
  meter: CommitMeter,
) {
  const checked = checkPatches(patches, refuseQuery(collection))
  meter.characters += checked.characters
  return checked.patches
}

function changesOf(operation: OfCollection & { readonly withChanges?: boolean }) {
  return { withChanges: checkFlag('withChanges', operation.withChanges, refusalOf(operation)) }
}

function hardnessOf(
  operation: OfCollection & { readonly hard?: boolean },
  { softDelete }: CheckedCollection,
) {
  return { hard: checkFlag('hard', operation.hard, refusalOf(operation)) || !softDelete }
}

/** The collection whose documents take the place of the others; it must be declared alike. */
function checkReplacement(
  from: string | undefined,
  schema: CheckedCollection,
  known: KnownSchema,
): string | undefined {
  if (from === undefined) return undefined
  const other = known.collection(from)
  const isAlike = JSON.stringify({ ...other, name: '' }) === JSON.stringify({ ...schema, name: '' })
  if (from === schema.name || !isAlike) {
    const refuse = refuseOperation('replace-all', `the collection "${schema.name}"`)
    refuse(`the replacement "${from}"`, 'another collection, declared alike')
  }
  return from
}
