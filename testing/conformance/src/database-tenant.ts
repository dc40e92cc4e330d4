import type {
  CommitOptions,
  Database,
  DeletedChoice,
  DocumentQuery,
  OperationResult,
  StoredDocument,
  StoredEvent,
  StreamRead,
  WriteOperation,
} from '@millrace/documents'
import type { DatabaseUnderTest } from './database-harness.ts'
import { append, BENCHES, type Body, store } from './database-operations.ts'

/** A stored document with its text read. */
export type Loaded = Omit<StoredDocument, 'text'> & { readonly body: Body }

type Query = Omit<DocumentQuery, 'collection' | 'tenant'> & { readonly collection?: string }

export function loaded({ text, ...rest }: StoredDocument): Loaded {
  return { ...rest, body: JSON.parse(text) }
}

/** The part of a database that one test works in. */
export class Tenant {
  readonly under: DatabaseUnderTest
  readonly name: string

  constructor(under: DatabaseUnderTest, name: string) {
    this.under = under
    this.name = name
  }

  get database(): Database {
    return this.under.database
  }

  /** Commits one unit. */
  async commit(
    operations: readonly WriteOperation[],
    options: CommitOptions = {},
  ): Promise<readonly OperationResult[]> {
    const { results } = await this.database.commit(operations, { tenant: this.name, ...options })
    return results
  }

  /** Stores documents by id. */
  async put(bodies: Readonly<Record<string, Body>>, collection = BENCHES): Promise<void> {
    await this.commit(Object.entries(bodies).map(([id, body]) => store(id, body, { collection })))
  }

  /** The document with this id; undefined if there is none. */
  async load(id: string, collection = BENCHES, deleted?: DeletedChoice): Promise<Loaded | undefined> {
    const read = { kind: 'load', collection, ids: [id], tenant: this.name } as const
    const [documents] = await this.database.read([deleted === undefined ? read : { ...read, deleted }])
    return documents[0] && loaded(documents[0])
  }

  /** What the document with this id says; undefined if there is none. */
  async body(id: string, collection = BENCHES): Promise<Body | undefined> {
    return (await this.load(id, collection))?.body
  }

  async query(query: Query = {}): Promise<Loaded[]> {
    const [answer] = await this.database.read([
      { kind: 'query', collection: BENCHES, tenant: this.name, ...query },
    ])
    return answer.documents.map(loaded)
  }

  /** The ids that a query finds, in its order. */
  async ids(query: Query = {}): Promise<string[]> {
    return (await this.query(query)).map(({ id }) => id)
  }

  async count(query: Query = {}): Promise<number> {
    const { collection = BENCHES, where, deleted } = query
    const [count] = await this.database.read([
      {
        kind: 'count',
        collection,
        tenant: this.name,
        ...(where === undefined ? {} : { where }),
        ...(deleted === undefined ? {} : { deleted }),
      },
    ])
    return count
  }

  async stream(stream: string, rest: Partial<StreamRead> = {}): Promise<readonly StoredEvent[]> {
    const [events] = await this.database.read([{ kind: 'stream', stream, tenant: this.name, ...rest }])
    return events
  }

  /** The types of a stream's events. */
  async types(stream: string, rest: Partial<StreamRead> = {}): Promise<string[]> {
    return (await this.stream(stream, rest)).map(({ type }) => type)
  }

  /** Returns when what is written from now on gets a later time than what was written before; and a time between. */
  async laterMs(): Promise<number> {
    const beganMs = await this.#writtenMs()
    for (;;) {
      await this.under.advance?.(2)
      const writtenMs = await this.#writtenMs()
      // Two later, so that there is a whole millisecond between them.
      if (writtenMs >= beganMs + 2) return beganMs + 1
    }
  }

  /** The time that the engine gives to an event that is written now. */
  async #writtenMs(): Promise<number> {
    const stream = 'times of the suite'
    await this.commit([append(stream, ['tick'])])
    const [last] = await this.stream(stream, { direction: 'backwards', limit: 1 })
    return last!.recordedAtMs
  }
}
