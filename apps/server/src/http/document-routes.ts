import {
  bodyOf,
  type Database,
  etagOf,
  type QueryRead,
  readOne,
  type StoredDocument,
} from '@millrace/documents'
import { millraceError } from '@millrace/kernel'
import * as z from 'zod'
import { type DocumentBody, documentBody, documentListBody, queryBody, queryRequest } from '../api-shapes.ts'
import { collectionsOf } from '../app-schema.ts'
import type { RouteContext, TypedApi } from './http-server.ts'

const tags = ['documents']

/** The application's documents. */
export function documentRoutes(api: TypedApi, { backbone: { definition, database } }: RouteContext): void {
  const names = new Set(collectionsOf(definition).map(({ name }) => name))
  const assertKnown = (collection: string) => {
    if (!names.has(collection)) throw millraceError('COLLECTION_UNKNOWN', { collection })
  }
  api.get(
    '/collections/:collection/documents',
    {
      schema: {
        summary: 'Documents of a collection, by id',
        tags,
        params: z.object({ collection: z.string() }),
        querystring: z.object({
          after: z.string().optional(),
          limit: z.coerce.number().int().min(1).max(1000).default(100),
        }),
        response: { 200: documentListBody },
      },
    },
    async ({ params: { collection }, query: { after, limit } }) => {
      assertKnown(collection)
      const { documents: found } = await readOne(database, {
        kind: 'query',
        collection,
        limit,
        ...(after === undefined ? {} : { where: { kind: 'id', operator: 'gt', value: after } }),
      })
      const last = found.length === limit ? found.at(-1)?.id : undefined
      return { documents: found.map(toDocumentBody), ...(last === undefined ? {} : { next: last }) }
    },
  )
  api.get(
    '/collections/:collection/documents/:id',
    {
      schema: {
        summary: 'One document',
        tags,
        params: z.object({ collection: z.string(), id: z.string() }),
        response: { 200: documentBody, 304: z.null() },
      },
    },
    async ({ params: { collection, id }, url, headers }, reply) => {
      assertKnown(collection)
      const [stored] = await readOne(database, { kind: 'load', collection, ids: [id] })
      if (stored === undefined) throw millraceError('API_NOT_FOUND', { path: url })
      const etag = etagOf(stored)
      reply.header('etag', etag)
      // RFC 9110, section 13.1.2: a list of tags, or a star for whatever there is.
      const known = headers['if-none-match']?.split(',').map((each) => each.trim()) ?? []
      if (known.includes(etag) || known.includes('*')) return reply.code(304).send(null)
      return toDocumentBody(stored)
    },
  )
  queryRoute(api, database, assertKnown)
}

function queryRoute(api: TypedApi, database: Database, assertKnown: (collection: string) => void): void {
  api.post(
    '/collections/:collection/query',
    {
      schema: {
        summary: 'Documents that match a filter, in an order',
        tags,
        params: z.object({ collection: z.string() }),
        body: queryRequest,
        response: { 200: queryBody },
      },
    },
    async ({ params: { collection }, body }) => {
      assertKnown(collection)
      // The port checks the tree itself: it takes queries of untyped callers.
      const read = { ...body, kind: 'query', collection } as unknown as QueryRead
      const { documents, total } = await readOne(database, read)
      return { documents: documents.map(toDocumentBody), ...(total === undefined ? {} : { total }) }
    },
  )
}

function toDocumentBody(stored: StoredDocument): DocumentBody {
  return { id: stored.id, revision: stored.revision, document: bodyOf(stored) }
}
