import type { Schema } from '@millrace/kernel'

/** What every document has. */
export interface Identified {
  readonly id: string
}

/** A named set of documents of one shape. */
export interface Collection<Document extends Identified = Identified> {
  readonly kind: 'collection'
  readonly name: string
  readonly schema: Schema<Document>
}

/** Declares a collection. Any Standard Schema library will do; the document's `id` is its key. */
export function collection<Document extends Identified>(
  name: string,
  schema: Schema<Document>,
): Collection<Document> {
  return { kind: 'collection', name, schema }
}
