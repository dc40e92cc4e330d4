import type { Database } from './database.ts'
import type { StoredDocument } from './document-operation.ts'
import type { Filter } from './filter.ts'
import { behind, type OrderPlace, placeOf } from './keyset.ts'
import { nextPageSize, pageLimits } from './page-size.ts'
import type { DocumentQuery } from './read.ts'
import { readOne } from './single-read.ts'

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
  let size: number = pageLimits.documentsMin
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
    size = nextPageSize(documents)
  }
}
