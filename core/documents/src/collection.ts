import { millraceError, type Schema, type StandardSchema } from '@millrace/kernel'
import { type CheckedCollection, checkCollection } from './checked-schema.ts'
import type { CollectionOptions } from './collection-options.ts'
import { declaredCollection } from './declared-collection.ts'
import { jsonSerializer } from './json-serializer.ts'
import { type Shape, shapeOf } from './known-shape.ts'
import type { Serializer } from './serializer.ts'

/** What every document has. */
export interface Identified {
  readonly id: string | number
}

/** What only some collections can do: search, take back deletes, tell tenants apart. */
export type CollectionTrait = 'fullText' | 'softDelete' | 'tenancy'

/** A document on its way into the store: it may be without an id, which it gets then. */
export type DraftOf<Document> = Document | WithoutId<Document>

type WithoutId<Document> = Document extends unknown
  ? { readonly id?: undefined } & {
      [Name in keyof Document as Name extends 'id' ? never : Name]: Document[Name]
    }
  : never

/**
 * A named set of documents of one shape.
 *
 * `Draft` is what may be stored beside whole documents: what the schema takes, before it fills in defaults, and without
 * an id. Both it and `Trait` are only for the compiler; a collection whose type does not name them is taken to have every
 * trait, and then run time refuses.
 */
export interface Collection<
  Document extends Identified = Identified,
  Draft = never,
  Trait extends CollectionTrait = CollectionTrait,
> {
  readonly kind: 'collection'
  readonly name: string
  readonly schema: Schema<Document>
  /** What engines have to know of it. */
  readonly declared: CheckedCollection
  readonly serializer: Serializer
  readonly tenancy: 'none' | 'column'
  /** What the schema's library tells of the documents' properties; undefined if it cannot. */
  readonly shape: Shape | undefined
  readonly makeId: 'uuidv7' | ((document: never) => Document['id'])
  readonly upcast: ((stored: unknown) => unknown) | undefined
  /** Never called, never there. A method, so that a collection with traits is a collection. */
  types?(draft: Draft, trait: Trait): void
}

/** A collection of whatever documents. */
export type AnyCollection = Collection

/** What a schema takes; one that does not tell is taken to take what it gives. */
type InputOf<Input, Document> = unknown extends Input ? Document : Input

/** The traits that options give. */
export type TraitsOf<Options> =
  | (Options extends { readonly fullText: readonly unknown[] } ? 'fullText' : never)
  | (Options extends { readonly softDelete: true } ? 'softDelete' : never)
  | (Options extends { readonly tenancy: 'column' } ? 'tenancy' : never)

/** Names that begin so belong to Millrace. */
const RESERVED = 'millrace-'

/**
 * Declares a collection. Any Standard Schema library will do; the document's `id` is its key, a text or a number.
 *
 * @throws COLLECTION_NAME_INVALID (also for names that begin with `millrace-`), SCHEMA_INVALID
 *
 * @example
 * const Benches = collection('benches', z.object({ id: z.string(), zone: z.string(), celsius: z.number() }), {
 *   indexes: [{ kind: 'property', properties: ['zone'] }],
 *   softDelete: true,
 * })
 */
export function collection<
  Document extends Identified,
  Input = unknown,
  const Options extends CollectionOptions<Document> = CollectionOptions<Document>,
>(
  name: string,
  schema: StandardSchema<Input, Document>,
  options?: Options,
): Collection<Document, DraftOf<InputOf<Input, Document>>, TraitsOf<Options>> {
  if (typeof name === 'string' && name.toLowerCase().startsWith(RESERVED)) {
    throw millraceError('COLLECTION_NAME_INVALID', { collection: JSON.stringify(name) })
  }
  return systemCollection(name, schema, options)
}

/** Declares a collection of Millrace's own, whose name may begin with `millrace-`. Throws as {@link collection}. */
export function systemCollection<
  Document extends Identified,
  Input = unknown,
  const Options extends CollectionOptions<Document> = CollectionOptions<Document>,
>(
  name: string,
  schema: StandardSchema<Input, Document>,
  options: Options = {} as Options,
): Collection<Document, DraftOf<InputOf<Input, Document>>, TraitsOf<Options>> {
  const { id = 'uuidv7', tenancy = 'none', serializer = DEFAULT_SERIALIZER, upcast } = options
  let shape: { readonly known: Shape | undefined } | undefined
  return {
    kind: 'collection',
    name,
    schema,
    declared: checkCollection(declaredCollection(name, options, serializer)),
    serializer,
    tenancy,
    get shape() {
      shape ??= { known: shapeOf(schema) }
      return shape.known
    },
    makeId: id as 'uuidv7' | ((document: never) => Document['id']),
    upcast,
  }
}

const DEFAULT_SERIALIZER = jsonSerializer()
