import type { Collection, Identified, WriteOperation } from '@millrace/documents'
import { checkAtKey, type Slot, textOf } from './document-slots.ts'
import type { Fault } from './fault.ts'
import type { ProjectedEvent, ProjectionCase } from './projection.ts'

/** An event on its way into documents. */
export interface DocumentTask<Document extends Identified> {
  /** Its place among the events at hand. */
  readonly index: number
  readonly event: ProjectedEvent
  /** Of the documents. */
  readonly tenant: string
  readonly keys: readonly string[]
  readonly cases: readonly ProjectionCase<Document>[]
  /** The documents of its keys, when they have been loaded. */
  readonly slots: Slot<Document>[]
}

/**
 * How closely results are looked at. `event`: each is held against the collection's schema, so that what a function sees
 * does not depend on how events are cut into units. `unit`: only what is stored. `text`: each must also have a text that
 * can be stored; for finding the event that made one that cannot.
 */
export type FoldChecks = 'unit' | 'event' | 'text'

/** What was wrong, as it was thrown. */
export interface FoldFailure {
  readonly kind: Exclude<Fault['kind'], 'event'>
  readonly error: unknown
}

/** Folds the event into its documents: all of them, or none if something is wrong. */
export function foldTask<Document extends Identified>(
  collection: Collection<Document>,
  { cases, slots, event }: DocumentTask<Document>,
  checks: FoldChecks,
): FoldFailure | undefined {
  // What is done to a document is done last, so that there is something to undo only where there are several.
  const undo = slots.length * cases.length > 1 ? ([] as (() => void)[]) : undefined
  let kind: FoldFailure['kind'] = 'apply'
  try {
    for (const slot of slots) {
      for (const each of cases) {
        kind = 'apply'
        const { document, isChanged } = slot
        const next = each.apply(document, event, slot.key)
        if (next === undefined || next === document) continue
        kind = 'document'
        const result = next === null ? undefined : checked(collection, slot.key, next, checks)
        undo?.push(() => Object.assign(slot, { document, isChanged }))
        slot.document = result
        slot.isChanged = true
      }
    }
    return undefined
  } catch (error) {
    for (const step of undo?.reverse() ?? []) step()
    return { kind, error }
  }
}

/**
 * What has to be done for a slot; nothing for a document that has come and gone within the unit.
 *
 * @throws DOCUMENT_INVALID, DOCUMENT_TOO_LARGE
 */
export function slotWrite<Document extends Identified>(
  of: Collection<Document>,
  target: string,
  slot: Slot<Document>,
  checks: FoldChecks,
): WriteOperation | undefined {
  const { tenant, key, revision: expectedRevision } = slot
  const place = { collection: target, id: key, expectedRevision, tenant }
  if (slot.document === undefined) {
    slot.characters = 0
    return expectedRevision === 0 ? undefined : { kind: 'delete', ...place }
  }
  if (checks === 'unit') slot.document = Object.freeze(checkAtKey(of, key, slot.document))
  const text = textOf(of, slot.document)
  slot.characters = text.length
  return { kind: 'store', ...place, text }
}

function checked<Document extends Identified>(
  collection: Collection<Document>,
  key: string,
  next: Document,
  checks: FoldChecks,
): Document {
  const document = checks === 'unit' ? next : checkAtKey(collection, key, next)
  if (checks === 'text') textOf(collection, document)
  // A function that changes a document in place, and not by returning another, is found out at its next event.
  return Object.freeze(document)
}
