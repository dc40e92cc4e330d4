import type { CollectionTrait, Identified } from './collection.ts'
import type { Comparison, Filter } from './filter.ts'
import type { ElementOf, Property, PropertyValue, SingleIn, ValueObject } from './property-path.ts'

/** Single values of the property's own type; null also stands for a property that is missing. */
export type Comparable<Value> =
  | Single<Value>
  | (undefined extends Value ? null : never)
  | (null extends Value ? null : never)

/** Of a property that may hold anything, every single value. */
type Single<Value> = unknown extends Value
  ? string | number | boolean | bigint | ValueObject
  : SingleIn<Value>

/** The operators that make sense for a value of this type, with what they compare with. */
export type Condition<Value> =
  | SingleCondition<Value>
  | TextCondition<Value>
  | ArrayCondition<ElementOf<Value>>
  | readonly [operator: 'exists']

type SingleCondition<Value> =
  | ([Comparable<Value>] extends [never]
      ? never
      :
          | readonly [operator: Comparison, value: Comparable<Value>]
          | readonly [operator: 'in', values: readonly Comparable<Value>[]])
  | ([Single<Value>] extends [never]
      ? never
      : readonly [operator: 'between', from: Single<Value>, to: Single<Value>])

type TextCondition<Value> =
  Extract<Single<Value>, string> extends never
    ? never
    : readonly [operator: 'startsWith' | 'contains', text: string]

type ArrayCondition<Element> = [Element] extends [never]
  ? never
  :
      | readonly [
          operator: 'any' | 'all',
          holds: (element: ElementConditions<Element>) => ElementConditions<Element>,
        ]
      | ([Single<Element>] extends [never]
          ? never
          : readonly [operator: 'includes', value: Comparable<Element>])

/**
 * Conditions that must all hold. Immutable: each call gives new ones. What the operators mean stands at `Filter`;
 * besides these, `between` holds from one value to the other, both included, and `includes` if the array has an element
 * that equals the value.
 *
 * @throws QUERY_INVALID by every call: a property that the schema is known not to have, a value that the collection's
 * serializer cannot compare with
 */
export interface ConditionCalls<Value, Self, Inner> {
  /** Adds a condition. */
  where<const P extends Property<Value>>(property: P, ...condition: Condition<PropertyValue<Value, P>>): Self
  /** Adds a filter tree, for what only run time knows. Its properties are checked as those of other conditions. */
  where(filter: Filter): Self
  /** Adds a condition that holds if one of the alternatives does, or more. */
  or(...alternatives: readonly ((conditions: Inner) => Inner)[]): Self
  /** Adds a condition that holds if these do not. */
  not(conditions: (conditions: Inner) => Inner): Self
}

/** Conditions on an element of an array. */
export interface ElementConditions<Element>
  extends ConditionCalls<Element, ElementConditions<Element>, ElementConditions<Element>> {
  /** What has been said so far, as a tree; undefined if nothing has. */
  readonly filter: Filter | undefined
  /** Adds a condition on the element itself, where it is a text, a number or another single value. */
  is(...condition: Condition<Element>): ElementConditions<Element>
}

/** What only documents have. */
export interface DocumentCalls<Document extends Identified, Self, Trait extends CollectionTrait> {
  /** Adds a condition on the id, which ids compare as texts, whatever they are. */
  whereId(operator: Comparison, id: Document['id']): Self
  /** Adds a filter tree as it is: it may name properties of old documents that the schema has no word for any more. */
  whereStored(filter: Filter): Self
  /**
   * Adds a condition on the words of the collection's `fullText` properties: each word of the text must be one of them,
   * or, with `prefix`, the last one the beginning of one. Collections without `fullText` have no search.
   */
  search(...search: 'fullText' extends Trait ? [text: string, options?: SearchOptions] : [never]): Self
}

/** Choices of a search. */
export interface SearchOptions {
  /** The last word may be the beginning of one: for searching while somebody types. Default: false. */
  readonly prefix?: boolean
}

/** Conditions on a document. */
export interface DocumentConditions<
  Document extends Identified,
  Trait extends CollectionTrait = CollectionTrait,
> extends ConditionCalls<Document, DocumentConditions<Document, Trait>, DocumentConditions<Document, Trait>>,
    DocumentCalls<Document, DocumentConditions<Document, Trait>, Trait> {
  /** What has been said so far, as a tree; undefined if nothing has. */
  readonly filter: Filter | undefined
}

/** Says which documents are meant, as `(bench) => bench.where('celsius', 'gt', 30)`. */
export type WhichDocuments<Document extends Identified, Trait extends CollectionTrait = CollectionTrait> = (
  conditions: DocumentConditions<Document, Trait>,
) => DocumentConditions<Document, Trait>
