/**
 * A change of a part of a document, without loading it. Several are applied in order, in one statement. `applyPatches`
 * is the definition in plain code; the suite holds the table of cases.
 *
 * A path names properties of nested objects and has at least one. Objects that are missing on the way (or null) are
 * made by `set`, `increment`, `append`, `append-if-missing`, `insert-at`, `duplicate` (at its target); for `remove`,
 * `rename`, `delete` a missing path means that there is nothing to do. A value on the way that is no object (a text, an
 * array) is PATCH_REFUSED.
 *
 * - `set` puts a JSON value, whatever was there.
 * - `increment` adds to a number; missing and null count as 0, anything else is PATCH_REFUSED. So is a sum that is not
 *   finite.
 * - `append`, `append-if-missing`, `insert-at` want an array; missing and null count as an empty one, anything else is
 *   PATCH_REFUSED. `append-if-missing` does nothing if an element equals the value; JSON values are equal if they have
 *   the same type and contents, properties in any order. `insert-at` with an index behind the end appends; a negative
 *   index is QUERY_INVALID.
 * - `remove` takes the first element that equals the value out of an array, or all of them. No array (null is none):
 *   PATCH_REFUSED.
 * - `rename` gives a property another name in the same object; one that has that name already is overwritten.
 * - `duplicate` copies a value to other paths; a missing one is copied as null. A copy that would be nested deeper than
 *   documents may be is PATCH_REFUSED; copies that are larger together than a document may be are DOCUMENT_TOO_LARGE.
 * - `delete` takes a property away.
 *
 * A document that is patched has changed, even if it says what it said before; one that does not exist is left alone
 * (`count` is 0), unless a revision is expected.
 *
 * The `id` property of the document itself cannot be changed: a first path segment `id` is QUERY_INVALID.
 */
export type Patch =
  | { readonly kind: 'set'; readonly path: readonly string[]; readonly value: JsonValue }
  | { readonly kind: 'increment'; readonly path: readonly string[]; readonly by: number }
  | {
      readonly kind: 'append' | 'append-if-missing'
      readonly path: readonly string[]
      readonly value: JsonValue
    }
  | {
      readonly kind: 'insert-at'
      readonly path: readonly string[]
      readonly index: number
      readonly value: JsonValue
    }
  | {
      readonly kind: 'remove'
      readonly path: readonly string[]
      readonly value: JsonValue
      readonly which: 'first' | 'all'
    }
  | { readonly kind: 'rename'; readonly path: readonly string[]; readonly to: string }
  | {
      readonly kind: 'duplicate'
      readonly path: readonly string[]
      readonly to: readonly (readonly string[])[]
    }
  | { readonly kind: 'delete'; readonly path: readonly string[] }

/** What JSON can hold. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [property: string]: JsonValue }
