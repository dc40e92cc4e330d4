/**
 * What filters and orders mean, on every engine:
 *
 * - A path names properties of nested objects. A property that is missing is null; arrays and other values have no
 *   properties. The empty path is the value itself, which makes sense inside `any` and `all` only.
 * - `eq` holds for values of the same type only: texts by their code points, numbers as 64-bit floating point,
 *   booleans; null equals null and a missing property. An object or an array equals nothing. `ne` is its negation.
 * - `lt` and `gt` hold within one type only: numbers by value, texts by code points (the order of their UTF-8
 *   bytes, no locale), false before true. `le` and `ge` are `lt` or `eq`, `gt` or `eq`.
 * - `starts-with` and `contains` hold for texts, by code points; case matters.
 * - `exists` holds if the property is there, null or not.
 * - `any` holds if the path leads to an array and the filter to one of its elements or more; `all` if it leads to an
 *   array and the filter holds for each element (also of an empty one). Inside, paths begin at the element.
 * - `id` compares the document's id instead of a property.
 * - `search` holds if each word of the text is a word of the collection's full-text properties, whichever; the last
 *   one may be the beginning of one (`prefix`). Words are as `wordsOf` cuts them. A text without words finds nothing.
 *   Not inside `any` and `all`.
 * - Every filter is true or false, nothing between: `not` is the exact opposite. `and` of nothing is true, `or` of
 *   nothing false.
 * - Order across types: null and missing, then false, true, numbers, texts, and last objects and arrays, which are
 *   equal among themselves. Descending is the exact reverse. Documents that are equal so far are ordered by id,
 *   ascending, by code points.
 */
export type Filter =
  | {
      readonly kind: 'compare'
      readonly path: readonly string[]
      readonly operator: Comparison
      readonly value: FilterValue
    }
  | { readonly kind: 'in'; readonly path: readonly string[]; readonly values: readonly FilterValue[] }
  | { readonly kind: 'starts-with' | 'contains'; readonly path: readonly string[]; readonly value: string }
  | { readonly kind: 'exists'; readonly path: readonly string[] }
  | { readonly kind: 'any' | 'all'; readonly path: readonly string[]; readonly filter: Filter }
  | { readonly kind: 'id'; readonly operator: Comparison; readonly value: string }
  | { readonly kind: 'search'; readonly text: string; readonly prefix?: boolean }
  | { readonly kind: 'and' | 'or'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }

/** A value that a filter can compare with. */
export type FilterValue = string | number | boolean | null

/** How two values are compared. */
export type Comparison = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge'

/** One criterion of an order. */
export interface OrderBy {
  readonly path: readonly string[]
  readonly direction: 'ascending' | 'descending'
}
