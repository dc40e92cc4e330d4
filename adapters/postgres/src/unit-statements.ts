import type { KnownSchema, PreparedCommit } from '@millrace/documents'
import { unreachable } from '@millrace/kernel'
import { DocumentStatements, type Indexed, type OperationOf } from './document-statements.ts'
import { RowStatements } from './row-statements.ts'
import { StreamStatements } from './stream-statements.ts'
import type { TableNames } from './table-names.ts'
import type { UnitMarks, UnitStatement } from './unit-statement.ts'

/** The statements of a unit, in its order. Documents that are stored one after the other go together where they are alike. */
export function statementsOf(
  { names, known }: { readonly names: TableNames; readonly known: KnownSchema },
  { operations, correlationId, causationId }: PreparedCommit,
  atMs: number,
): readonly UnitStatement[] {
  const marks: UnitMarks = { atMs, correlationId, causationId }
  const makers = {
    documents: new DocumentStatements(names, known, marks),
    streams: new StreamStatements(names, marks),
    rows: new RowStatements(names, known, marks),
  }
  const statements: UnitStatement[] = []
  let stored: Indexed<OperationOf<'store'>>[] = []
  const storedIds = new Set<string>()
  const flush = () => {
    if (stored.length > 0) statements.push(makers.documents.store(stored))
    stored = []
    storedIds.clear()
  }
  for (const [index, operation] of operations.entries()) {
    if (operation.kind === 'store') {
      const [first] = stored
      if (first !== undefined && (!isAlike(first.operation, operation) || storedIds.has(operation.id)))
        flush()
      stored.push({ index, operation })
      storedIds.add(operation.id)
    } else {
      flush()
      statements.push(...statementOf(makers, index, operation))
    }
  }
  flush()
  return statements
}

interface Makers {
  readonly documents: DocumentStatements
  readonly streams: StreamStatements
  readonly rows: RowStatements
}

function isAlike(left: OperationOf<'store'>, right: OperationOf<'store'>): boolean {
  return (
    left.collection === right.collection && left.tenant === right.tenant && modeOf(left) === modeOf(right)
  )
}

function modeOf({ expectedRevision }: OperationOf<'store'>): 'any' | 'new' | 'old' {
  if (expectedRevision === undefined) return 'any'
  return expectedRevision === 0 ? 'new' : 'old'
}

function statementOf(
  { documents, streams, rows }: Makers,
  index: number,
  operation: Exclude<PreparedCommit['operations'][number], { kind: 'store' }>,
): readonly UnitStatement[] {
  switch (operation.kind) {
    case 'patch':
      return [documents.patch({ index, operation })]
    case 'patch-where':
      return [documents.patchWhere({ index, operation })]
    case 'delete':
      return [documents.delete({ index, operation })]
    case 'delete-where':
      return [documents.deleteWhere({ index, operation })]
    case 'restore-where':
      return [documents.restoreWhere({ index, operation })]
    case 'replace-all':
      return documents.replaceAll({ index, operation })
    case 'expect':
      return [documents.expect({ index, operation })]
    case 'append':
      return [streams.append({ index, operation })]
    case 'publish':
      return [streams.publish({ index, operation })]
    case 'archive':
    case 'tombstone':
      return streams.end({ index, operation })
    case 'forget-published':
      return [streams.forgetPublished({ index, operation })]
    case 'position':
      return [rows.position({ index, operation })]
    case 'put-row':
      return [rows.put({ index, operation })]
    case 'delete-row':
      return [rows.delete({ index, operation })]
    case 'delete-rows':
      return [rows.deleteAll({ index, operation })]
    default:
      return unreachable(operation)
  }
}
