import type { Database } from './database.ts'
import type { StoredDocument } from './document-operation.ts'
import type { Read, ReadAnswer } from './read.ts'
import { TYPES } from './type-tree.ts'

/** The answer to one question; throws as `Database.read`. */
export async function readOne<const R extends Read>(
  database: Pick<Database, 'read'>,
  read: R,
): Promise<ReadAnswer<R>> {
  const [answer] = await database.read([read])
  return answer as ReadAnswer<R>
}

/**
 * The stored JSON of a document whose collection is not typed, for people and programs that take JSON; each call gives a
 * new one. What a serializer has noted for itself is not part of it, and numbers beyond 2^53 are rounded.
 */
export function bodyOf({ text }: Pick<StoredDocument, 'text'>): Readonly<Record<string, unknown>> {
  const body: Readonly<Record<string, unknown>> = JSON.parse(text)
  if (!Object.hasOwn(body, TYPES)) return body
  const { [TYPES]: _, ...rest } = body
  return rest
}
