import type { Database } from './database.ts'
import type { StoredDocument } from './document-operation.ts'
import type { Read, ReadAnswer } from './read.ts'

/** The answer to one question; throws as `Database.read`. */
export async function readOne<const R extends Read>(
  database: Pick<Database, 'read'>,
  read: R,
): Promise<ReadAnswer<R>> {
  const [answer] = await database.read([read])
  return answer as ReadAnswer<R>
}

/** The body of a document whose collection is not typed; each call gives a new one. */
export function bodyOf({ text }: Pick<StoredDocument, 'text'>): Readonly<Record<string, unknown>> {
  return JSON.parse(text)
}
