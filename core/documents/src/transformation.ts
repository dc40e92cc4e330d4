import type { AnyCollection, Collection, Identified } from './collection.ts'

/**
 * Changes a document in place: undefined leaves it as it is, null deletes it for good. It may be called again for a
 * document that somebody else changes at the same time, and must not change its `id`.
 */
export type Change<Old, New> = (document: Old) => New | null | undefined

/** A function that refers to nothing outside of itself, so that an engine can run it inside. */
export interface SelfContained {
  readonly kind: 'self-contained'
  readonly source: string
  readonly run: Change<never, unknown>
}

/**
 * Says that a function refers to nothing outside of itself but JavaScript's own objects, is synchronous, and does with
 * stored JSON: dates are texts for it, what they are stands in `$types`, and numbers beyond 2^53 are rounded. Engines
 * that run functions (SQLite) then run it inside, without moving the documents.
 *
 * @example
 * await store.transform(Benches, selfContained((bench: { zone: string }) => ({ ...bench, zone: bench.zone.trim() })), {
 *   name: 'trim-zones',
 * })
 */
export function selfContained<Old>(run: Change<Old, unknown>): SelfContained {
  return { kind: 'self-contained', source: String(run), run: run as Change<never, unknown> }
}

/** How a transformation runs. */
export interface TransformOptions {
  /**
   * Names the transformation for ever: what was done under it is not done again. One that was interrupted goes on where
   * it was. 1 to 500 characters.
   */
  readonly name: string
  /** Whose documents; needed for collections with tenancy. */
  readonly tenant?: string
  /** Documents of one step, which is one transaction; fewer if they are large. 1 to 1,000. Default: 500. */
  readonly batch?: number
  /** Ends the transformation between two steps, with its reason. */
  readonly signal?: AbortSignal
  /** Called after each step. */
  readonly onProgress?: (progress: TransformProgress) => void
}

/** How far a transformation has come. */
export interface TransformProgress {
  readonly name: string
  readonly collection: string
  readonly seen: number
  readonly changed: number
  readonly deleted: number
  /** How many documents there were when it began. */
  readonly total: number
  readonly isDone: boolean
}

/** The part of a store that changes documents in place. */
export interface TransformCalls {
  /**
   * Changes all documents of a collection, those marked as deleted too (they stay marked), step by step in the order of
   * their ids; documents that are stored meanwhile behind the place it has come to are changed as well. The function
   * gets a document as it was stored: without the collection's `upcast`, but with its dates and other values. What it
   * returns must fit the schema.
   *
   * A {@link selfContained} function runs inside the engine where the engine can (`supports.transforms`); what it
   * returns is not held against the schema. A process that dies between a step inside the engine and the note that it
   * is done repeats the step, so such a function must do no harm to a document that it has changed already. Other
   * functions run here, and see each document once: a step and its note are one unit.
   *
   * Several processes may run the same transformation; they take turns.
   *
   * @throws TRANSFORM_FAILED (the function threw, or made no document of this collection), OPERATION_INVALID (another
   * transformation has the name), TENANT_MISSING, DOCUMENT_CONFLICT (documents changed all the time), the signal's
   * reason, and as Database.commit. What was done until then stays done.
   */
  transform<Document extends Identified, Old = Document>(
    collection: Collection<Document>,
    change: Change<Old, Document> | SelfContained,
    options: TransformOptions,
  ): Promise<TransformProgress>
}

/** Where transformations note how far they have come; each in the tenant whose documents it changes. */
export const TRANSFORMATIONS = 'millrace-transformations'

/** A transformation with everything that it needs. */
export interface Transformation {
  readonly collection: AnyCollection
  readonly change: Change<never, unknown> | SelfContained
  readonly tenant: string
  readonly options: TransformOptions
}
