import type { CollectionTrait, Identified } from './collection.ts'
import type { ConditionCalls, DocumentCalls, DocumentConditions } from './conditions.ts'
import type { Moment } from './date-type.ts'
import type { DocumentMetadata } from './document-metadata.ts'
import type { OrderBy } from './filter.ts'
import type { Property, PropertyValue, SingleIn, ValueObject } from './property-path.ts'
import type { Explanation } from './read.ts'

/**
 * A query of one collection. Immutable: each call gives a new one, and nothing is read before `toArray`, `first`,
 * `page`, `count`, `sum`, `min`, `max`, `explain` or `for await`. What the operators mean is defined at `Filter`.
 *
 * A document that cannot be read (an `upcast` that throws) fails the whole query.
 *
 * @throws QUERY_INVALID, COLLECTION_UNKNOWN, TENANT_MISSING, and as Database.read
 *
 * @example
 * await store.query(Benches).where('celsius', 'gt', 30).where(['vent', 'open'], 'eq', false).orderBy('celsius').toArray()
 */
export interface Query<
  Document extends Identified,
  Row = Document,
  Trait extends CollectionTrait = CollectionTrait,
> extends ConditionCalls<Document, Query<Document, Row, Trait>, DocumentConditions<Document, Trait>>,
    DocumentCalls<Document, Query<Document, Row, Trait>, Trait>,
    AsyncIterable<Row> {
  /** Adds a criterion; the first one counts most. Documents that are equal so far are in the order of their ids. */
  orderBy<const P extends Property<Document>>(
    property: P,
    direction?: OrderBy['direction'],
  ): Query<Document, Row, Trait>
  /** At most so many documents. Default: 100, but with `for await` all; at most 10,000. */
  limit(count: number): Query<Document, Row, Trait>
  /** Leaves out so many documents at the start. */
  offset(count: number): Query<Document, Row, Trait>
  /** Finds documents that are marked as deleted, too. */
  maybeDeleted(): Query<Document, Row, Trait>
  /** Finds only documents that are marked as deleted. */
  onlyDeleted(): Query<Document, Row, Trait>
  /** Finds only documents that were marked as deleted at or after this time; a number counts milliseconds since 1970. */
  deletedSince(time: Moment): Query<Document, Row, Trait>
  /** Finds only documents that were marked as deleted before this time. */
  deletedBefore(time: Moment): Query<Document, Row, Trait>
  /** Reads only these parts of the documents, by the names that they get. A part that is missing is null. */
  select<const Parts extends Readonly<Record<string, Property<Document>>>>(
    parts: Parts,
  ): Query<Document, SelectedParts<Document, Parts>, Trait>
  /** Gives with each document what the store knows of it. */
  withMetadata(): Query<Document, WithMetadata<Row>, Trait>
  toArray(): Promise<Row[]>
  /** The first document that matches, or undefined. */
  first(): Promise<Row | undefined>
  /** The first document that matches, or null. */
  firstOrNull(): Promise<Row | null>
  /** A page, from 1 on, and how many documents match altogether, both from one state. Looks past limit and offset. */
  page(number: number, size: number): Promise<Page<Row>>
  /** How many documents match, whatever limit and offset say. */
  count(): Promise<number>
  /** The sum as a 64-bit floating point number, whatever limit and offset say; what is no number is left out. */
  sum<const P extends Property<Document>>(property: P & NumberProperty<Document, P>): Promise<number>
  /** The smallest value, whatever limit and offset say; undefined if no document has one. */
  min<const P extends Property<Document>>(
    property: P,
  ): Promise<SingleIn<PropertyValue<Document, P>> | undefined>
  /** The greatest value; as `min`. */
  max<const P extends Property<Document>>(
    property: P,
  ): Promise<SingleIn<PropertyValue<Document, P>> | undefined>
  /** How the engine would answer, in its own words. */
  explain(): Promise<Explanation>
  /**
   * Reads all that match, page by page: at most about 4 million characters of JSON are held, however many documents
   * there are. Not one state of the database: a document that matches all the time, and whose place in the order does
   * not change, comes exactly once; one that is stored, deleted or changed meanwhile comes as it was when its page was
   * read, or not at all, and if its place in the order changes perhaps twice. Without `orderBy` every page is found by
   * its ids; with it, each costs about as much as the whole query unless an index has that order.
   */
  [Symbol.asyncIterator](): AsyncIterator<Row>
}

/** What of a document was selected. */
export type SelectedParts<Document, Parts extends Readonly<Record<string, unknown>>> = {
  -readonly [Name in keyof Parts]: Selected<PropertyValue<Document, Parts[Name]>>
}

type Selected<Value> = undefined extends Value ? Exclude<Value, undefined> | null : Value

/** A document or its parts, and what the store knows of it. */
export interface WithMetadata<Row> {
  readonly document: Row
  readonly metadata: DocumentMetadata
}

/** Part of an answer. */
export interface Page<Row> {
  readonly items: Row[]
  /** How many documents match altogether. */
  readonly total: number
  /** From 1 on. */
  readonly number: number
  readonly size: number
  /** How many pages there are; 0 if nothing matches. */
  readonly pages: number
}

/** Nothing can be passed for a property that never holds a number. */
type NumberProperty<Document, P> = [
  Extract<SingleIn<PropertyValue<Document, P>>, number | bigint | ValueObject>,
] extends [never]
  ? never
  : unknown
