import type { FilterValue } from './filter.ts'
import type { Patch } from './patch.ts'

/**
 * The Serializer port: how documents become the JSON text that engines store, and come back. `serializerSuite` holds
 * every implementation to this contract.
 *
 * - What `write` makes, `read` gives back, equal in every part: texts, numbers, booleans, null, arrays, plain objects,
 *   and whatever other values the serializer says it knows. Properties that are undefined are left out.
 * - What it does not know is refused (DOCUMENT_INVALID), never changed silently.
 * - A value stands in the JSON where it stands in the document, as the single JSON value that `filterValue` gives, so
 *   that filters, orders, sums and indexes work on it: filters compare it with `filterValue` of another one, and the
 *   order of these is the order of the values.
 * - After `patches` have been applied to a stored text by an engine, `read` gives what the patch asked for. It need not
 *   where an array mixes values with plain ones that look like them in JSON, nor after such a plain one was renamed onto a
 *   property that was there.
 * - All calls are synchronous and pure, and change nothing that they are given.
 */
export interface Serializer {
  /** The JSON text of a document. @throws DOCUMENT_INVALID, DOCUMENT_TOO_LARGE */
  write(document: object, place: DocumentPlace): string
  /** The document that was written as `text`, which an engine may have patched since, or put in another order. */
  read(text: string): object
  /** What stands in the JSON for a single value; undefined if the value cannot be compared with. */
  filterValue(value: unknown): FilterValue | undefined
  /** A patch with values of the application as patches of the stored JSON. @throws QUERY_INVALID */
  patches(patch: ValuePatch, collection: string): readonly Patch[]
  /** What has to be selected so that `readParts` can read these parts. */
  parts(wanted: Readonly<Record<string, readonly string[]>>): Readonly<Record<string, readonly string[]>>
  /** The parts in the answer to a query that selected {@link parts}; what is missing is null. */
  readParts(
    text: string,
    wanted: Readonly<Record<string, readonly string[]>>,
  ): Readonly<Record<string, unknown>>
}

/** Which document is written, for messages. */
export interface DocumentPlace {
  readonly collection: string
  readonly id: string
}

/** A patch whose value is one of the application's. */
export type ValuePatch = Patch extends infer Each
  ? Each extends { readonly value: unknown }
    ? Omit<Each, 'value'> & { readonly value: unknown }
    : Each
  : never
