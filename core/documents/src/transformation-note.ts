import { refuseOperation } from './checked-text.ts'
import type { Database, WriteOperation } from './database.ts'
import { bodyOf } from './single-read.ts'
import { TRANSFORMATIONS, type Transformation, type TransformProgress } from './transformation.ts'

/** How far a transformation has come, as it is stored. */
export interface TransformationNote {
  /** 0: not stored yet. */
  readonly revision: number
  /** The last id that was looked at; undefined: none yet. */
  readonly after: string | undefined
  readonly progress: TransformProgress
}

/** Counts of a step. */
export interface StepCounts {
  readonly seen: number
  readonly changed: number
  readonly deleted: number
  /** Undefined: there was nothing left. */
  readonly last: string | undefined
}

/** Where the transformation stands; at its beginning if nothing is stored of it. @throws OPERATION_INVALID, as a read */
export async function loadNote(
  database: Database,
  { collection, tenant, options: { name } }: Transformation,
): Promise<TransformationNote> {
  const [[stored], total] = await database.read([
    { kind: 'load', collection: TRANSFORMATIONS, ids: [name], tenant },
    { kind: 'count', collection: collection.name, tenant, deleted: 'include' },
  ])
  if (stored === undefined) {
    const counts = { seen: 0, changed: 0, deleted: 0, total, isDone: false }
    return { revision: 0, after: undefined, progress: { name, collection: collection.name, ...counts } }
  }
  const { id: _, after, ...progress } = bodyOf(stored) as unknown as StoredNote
  if (progress.collection !== collection.name) {
    const seen = `the name "${name}", which a transformation of "${progress.collection}" has`
    refuseOperation('transform', `the collection "${collection.name}"`)(seen, 'another name')
  }
  return { revision: stored.revision, after: after ?? undefined, progress }
}

type StoredNote = TransformProgress & { readonly id: string; readonly after: string | null }

/** The note after a step, and the operation that stores it. */
export function nextNote(
  { revision, after, progress }: TransformationNote,
  { seen, changed, deleted, last }: StepCounts,
  tenant: string,
): { readonly note: TransformationNote; readonly operation: WriteOperation } {
  const next: TransformProgress = {
    ...progress,
    seen: progress.seen + seen,
    changed: progress.changed + changed,
    deleted: progress.deleted + deleted,
    isDone: last === undefined,
  }
  const body = { id: next.name, ...next, after: last ?? after ?? null }
  return {
    note: { revision: revision + 1, after: last ?? after, progress: next },
    operation: {
      kind: 'store',
      collection: TRANSFORMATIONS,
      id: next.name,
      text: JSON.stringify(body),
      expectedRevision: revision,
      tenant,
    },
  }
}
