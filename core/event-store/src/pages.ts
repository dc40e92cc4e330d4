import { isMillraceError } from '@millrace/kernel'

/** A page, and how many entries it could have held. */
export interface Page<Answer> {
  readonly answer: Answer
  readonly limit: number
}

/**
 * Reads a page of at most `limit` entries. Large events may be more than an engine answers at once (QUERY_INVALID): then
 * half as many are asked for, down to one.
 */
export async function readPage<Answer>(
  limit: number,
  read: (limit: number) => Promise<Answer>,
): Promise<Page<Answer>> {
  for (let size = limit; ; size = Math.ceil(size / 2)) {
    try {
      return { answer: await read(size), limit: size }
    } catch (error) {
      if (size <= 1 || !isMillraceError(error, 'QUERY_INVALID')) throw error
    }
  }
}
