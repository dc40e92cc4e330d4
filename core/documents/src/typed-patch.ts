import type { Identified } from './collection.ts'
import type { Patch } from './patch.ts'
import type { ElementOf, Property, PropertyValue, SingleIn } from './property-path.ts'

/** A property that a patch may change: any but the document's key. */
export type PatchProperty<Document> = Exclude<Property<Document>, 'id' | readonly ['id', ...string[]]>

/** What a patch may put at a property. */
type PatchValue<Document, P> = Exclude<PropertyValue<Document, P>, undefined>

type ElementAt<Document, P> = ElementOf<PropertyValue<Document, P>>

/** Nothing can be passed for a property that never holds an array. */
type ArrayProperty<Document, P> = [ElementAt<Document, P>] extends [never] ? never : unknown

/** Nothing can be passed for a property that holds something else than a number. */
type NumberProperty<Document, P> = [SingleIn<PropertyValue<Document, P>>] extends [never]
  ? never
  : [SingleIn<PropertyValue<Document, P>>] extends [number]
    ? unknown
    : never

/**
 * Changes of parts of documents that are not loaded for it, in the order in which they are said. They are part of the
 * session's unit, at the place where `patch` was called; what they do stands at `Patch`. Values are not held against the
 * schema, which can only check whole documents.
 *
 * @throws QUERY_INVALID by every call: a property that the schema is known not to have, a value that no patch can hold,
 * or a patch that has been saved
 */
export interface TypedPatch<Document extends Identified> {
  /** How many documents were changed; undefined until the session has saved its changes. */
  readonly count: number | undefined
  set<const P extends PatchProperty<Document>>(
    property: P,
    value: PatchValue<Document, P>,
  ): TypedPatch<Document>
  /** Adds to a number. Default: 1. */
  increment<const P extends PatchProperty<Document>>(
    property: P & NumberProperty<Document, P>,
    by?: number,
  ): TypedPatch<Document>
  append<const P extends PatchProperty<Document>>(
    property: P & ArrayProperty<Document, P>,
    value: ElementAt<Document, P>,
  ): TypedPatch<Document>
  appendIfMissing<const P extends PatchProperty<Document>>(
    property: P & ArrayProperty<Document, P>,
    value: ElementAt<Document, P>,
  ): TypedPatch<Document>
  insertAt<const P extends PatchProperty<Document>>(
    property: P & ArrayProperty<Document, P>,
    index: number,
    value: ElementAt<Document, P>,
  ): TypedPatch<Document>
  /** Takes the first element that equals the value out of an array, or all of them. Default: 'first'. */
  remove<const P extends PatchProperty<Document>>(
    property: P & ArrayProperty<Document, P>,
    value: ElementAt<Document, P>,
    which?: 'first' | 'all',
  ): TypedPatch<Document>
  /**
   * Gives a property another name in the same object. Names are not held against the schema, since one of them is old.
   */
  rename(property: string | readonly string[], to: string): TypedPatch<Document>
  /** Copies a value to other properties. */
  duplicate(
    property: PatchProperty<Document>,
    ...to: readonly [PatchProperty<Document>, ...PatchProperty<Document>[]]
  ): TypedPatch<Document>
  delete(property: PatchProperty<Document>): TypedPatch<Document>
  /** Patches of the stored JSON as they are, for properties of old documents that the schema has no word for any more. */
  stored(...patches: readonly Patch[]): TypedPatch<Document>
}
