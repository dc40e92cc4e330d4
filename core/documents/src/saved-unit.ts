import { isMillraceError, type MillraceError } from '@millrace/kernel'
import type { OperationResult, WriteOperation } from './database.ts'
import { DocumentConflictError } from './document-conflict.ts'
import { readDocument } from './document-form.ts'
import type { OneDocument, PendingChange } from './pending-unit.ts'
import type { Reader } from './reader.ts'
import { saveAttemptsMax } from './save-hook.ts'
import type { SessionMeans } from './session-means.ts'
import { readOne } from './single-read.ts'

/** A change with what it comes to. */
interface Prepared {
  readonly change: PendingChange
  readonly operation: WriteOperation
}

/**
 * Commits changes together with what the hooks add to them, and tells each what became of it. `reader` is given to the
 * hooks.
 *
 * @throws as Database.commit (DOCUMENT_CONFLICT with both sides), and what hooks throw
 */
export async function saveUnit(
  means: SessionMeans,
  changes: readonly PendingChange[],
  reader: Reader,
): Promise<void> {
  const prepared = changes.flatMap((change): Prepared[] => {
    const { expectedRevision } = change.one ?? {}
    const operation = change.operation(expectedRevision === undefined ? {} : { expectedRevision })
    return operation === undefined ? [] : [{ change, operation }]
  })
  if (prepared.length === 0) return
  const own = prepared.map(({ operation }) => operation)
  for (let attempt = 1; ; attempt += 1) {
    const added = await hooked(means, { changes, own, reader, attempt })
    try {
      const { results } = await means.database.commit([...own, ...added], means.unit)
      return tell(prepared, results)
    } catch (error) {
      if (attempt < saveAttemptsMax && isConflictOf(error, added, own)) continue
      throw await explained(error, prepared, means)
    }
  }
}

function tell(prepared: readonly Prepared[], results: readonly OperationResult[]): void {
  for (const [index, { change }] of prepared.entries()) change.done?.(results[index] ?? {})
}

interface HookedUnit {
  readonly changes: readonly PendingChange[]
  readonly own: readonly WriteOperation[]
  readonly reader: Reader
  readonly attempt: number
}

/** What the hooks add, one after the other. */
async function hooked(
  { hooks, unit: options, database }: SessionMeans,
  { changes, own, reader, attempt }: HookedUnit,
): Promise<readonly WriteOperation[]> {
  const events = changes.flatMap((change) => change.events ?? [])
  let added: readonly WriteOperation[] = []
  for (const hook of hooks) {
    const operations = [...own, ...added]
    added = [...added, ...(await hook({ options, events, operations, reader, database, attempt }))]
  }
  return added
}

/** True if a document has changed that only hooks write: they can look again. */
function isConflictOf(
  error: unknown,
  added: readonly WriteOperation[],
  own: readonly WriteOperation[],
): boolean {
  if (!isMillraceError(error, 'DOCUMENT_CONFLICT')) return false
  const isAbout = (operation: WriteOperation) =>
    'collection' in operation &&
    operation.collection === error.parameters.collection &&
    'id' in operation &&
    operation.id === error.parameters.id
  return added.some(isAbout) && !own.some(isAbout)
}

/** The error, with both sides of a conflict if it is one over a document of the session. */
async function explained(
  error: unknown,
  prepared: readonly Prepared[],
  means: SessionMeans,
): Promise<unknown> {
  if (!isMillraceError(error, 'DOCUMENT_CONFLICT')) return error
  const { collection, id } = error.parameters
  const one = prepared
    .map(({ change }) => change.one)
    .find((each) => each?.id === id && each?.collection.name === collection)
  return one === undefined ? error : withBothSides(error, one, means)
}

async function withBothSides(
  error: MillraceError<'DOCUMENT_CONFLICT'>,
  { collection, id, attempt: attempted, expectedRevision }: OneDocument,
  { database, tenantOf }: SessionMeans,
): Promise<unknown> {
  try {
    const tenant = tenantOf(collection)
    const read = { kind: 'load', collection: collection.name, ids: [id], ...(tenant && { tenant }) } as const
    const [found] = await readOne(database, read)
    const stored = found && { document: readDocument(collection, found), revision: found.revision }
    return new DocumentConflictError(error, {
      collection: collection.name,
      id,
      expectedRevision,
      stored,
      attempted,
    })
  } catch {
    // The conflict is what the caller has to know; that nothing more can be said of it is the lesser trouble.
    return error
  }
}
