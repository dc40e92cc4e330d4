import { MillraceError } from '@millrace/kernel'
import type { AnyCollection, Collection, Identified } from './collection.ts'
import type { Patch } from './patch.ts'

/** Both sides of a conflict. */
export interface DocumentConflict<Document extends Identified = Identified> {
  readonly collection: string
  readonly id: Document['id']
  /** The revision that the session expected; 0: that the document does not exist. */
  readonly expectedRevision: number | undefined
  /** What is stored now, read after the refusal; undefined if there is no such document any more. */
  readonly stored: { readonly document: Document; readonly revision: number } | undefined
  /** What was to be done to it. */
  readonly attempted: Attempt<Document>
}

/** What a session was about to do to a document. */
export type Attempt<Document extends Identified = Identified> =
  | { readonly kind: 'store'; readonly document: Document }
  | { readonly kind: 'patch'; readonly patches: readonly Patch[] }
  | { readonly kind: 'delete' }
  /** It only had to be at a revision. */
  | { readonly kind: 'expect' }

/** DOCUMENT_CONFLICT of a session, with both sides. */
export class DocumentConflictError extends MillraceError<'DOCUMENT_CONFLICT'> {
  readonly conflict: DocumentConflict

  constructor(refusal: MillraceError<'DOCUMENT_CONFLICT'>, conflict: DocumentConflict) {
    const { collection = '', id = '', seen = '', expected = '' } = refusal.parameters
    super('DOCUMENT_CONFLICT', { collection, id, seen, expected }, { cause: refusal })
    this.conflict = conflict
  }
}

/**
 * Both sides of the conflict that `saveChanges` was refused for; undefined for any other error, for a conflict over a
 * document of another collection, and where the database did not answer when it was asked for what is stored.
 *
 * @example
 * try {
 *   await session.saveChanges()
 * } catch (error) {
 *   const conflict = conflictOf(error, Benches)
 *   if (conflict === undefined) throw error
 *   show(conflict.stored?.document, conflict.attempted)
 * }
 */
export function conflictOf(error: unknown): DocumentConflict | undefined
export function conflictOf<Document extends Identified>(
  error: unknown,
  collection: Collection<Document>,
): DocumentConflict<Document> | undefined
export function conflictOf(error: unknown, collection?: AnyCollection): DocumentConflict | undefined {
  if (!(error instanceof DocumentConflictError)) return undefined
  const { conflict } = error
  return collection === undefined || conflict.collection === collection.name ? conflict : undefined
}
