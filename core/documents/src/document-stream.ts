import type { Database } from './database.ts'
import type { StoredDocument } from './document-operation.ts'
import type { Filter } from './filter.ts'
import { behind, type OrderPlace, placeOf } from './keyset.ts'
import type { DocumentQuery } from './read.ts'
import { readOne } from './single-read.ts'

/** What is held of a query's answer at a time. */
const PAGE_LIMITS = {
  /** At first, when nobody knows how large the documents are; never less, and never too much for one answer. */
  documentsMin: 32,
  documentsMax: 1_000,
  /** What a page should come to. */
  charactersAimed: 4_000_000,
} as const

/**
 * The pages of a query's answer. Each begins behind the last document of the one before; nothing is read before it is
 * asked for. Throws as Database.read.
 */
export async function* streamDocuments(
  database: Pick<Database, 'read'>,
  query: DocumentQuery,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): AsyncGenerator<readonly StoredDocument[]> {
  const { orderBy = [], where, select } = query
  // Parts of documents do not tell where the document stands in the order, so what the order needs is selected, too.
  const places = orderBy.map(({ path }, index) => [`$${index}`, path] as const)
  const ordered = select === undefined ? {} : { select: { ...select, ...Object.fromEntries(places) } }
  const paths =
    select === undefined ? orderBy : orderBy.map((each, index) => ({ ...each, path: [`$${index}`] }))
  let size: number = PAGE_LIMITS.documentsMin
  let left = limit
  let after: OrderPlace | undefined
  while (left > 0) {
    const filters: readonly Filter[] = [where, after && behind(orderBy, after)].filter(
      (each) => each !== undefined,
    )
    const { documents } = await readOne(database, {
      kind: 'query',
      ...query,
      ...ordered,
      ...(filters.length === 0 ? {} : { where: { kind: 'and', filters } }),
      limit: Math.min(size, left),
      offset: after === undefined ? offset : 0,
    })
    const last = documents.at(-1)
    if (last === undefined) return
    yield documents
    if (documents.length < size) return
    left -= documents.length
    after = placeOf(paths, JSON.parse(last.text), last.id)
    size = nextSize(documents)
  }
}

function nextSize(documents: readonly StoredDocument[]): number {
  const characters = documents.reduce((sum, { text }) => sum + text.length, 0)
  const fitting = Math.floor((PAGE_LIMITS.charactersAimed * documents.length) / Math.max(1, characters))
  return Math.max(PAGE_LIMITS.documentsMin, Math.min(fitting, PAGE_LIMITS.documentsMax))
}
