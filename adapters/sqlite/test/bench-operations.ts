import { type Database, readOne, type WriteOperation } from '@millrace/documents'
import { isMillraceError } from '@millrace/kernel'

/** What the tests of SQLite alone store. */
export const BENCHES = { collections: [{ name: 'benches' }] } as const

export function store(id: string, body: Readonly<Record<string, unknown>> = {}): WriteOperation {
  return { kind: 'store', collection: 'benches', id, text: JSON.stringify(body) }
}

export function append(stream: string, count: number): WriteOperation {
  const events = Array.from({ length: count }, (_, index) => {
    const id = `${stream}-${index}`
    return { id, type: 'reading', text: JSON.stringify({ id, type: 'reading' }) }
  })
  return { kind: 'append', stream, events }
}

export async function allIds(database: Database): Promise<string[]> {
  const { documents } = await readOne(database, { kind: 'query', collection: 'benches', limit: 10_000 })
  return documents.map(({ id }) => id)
}

/** The catalogue code that work rejects with; 'no error' if it does not, and anything else as it is. */
export async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'no error',
    (error: unknown) => (isMillraceError(error) ? error.code : error),
  )
}
