import {
  type CheckedQuery,
  type CommitResult,
  checkCollectionKnown,
  checkCollectionName,
  checkLoad,
  checkQuery,
  compareDocuments,
  compareTexts,
  type Database,
  type DocumentQuery,
  matches,
  type PreparedOperation,
  prepareCommit,
  resultMeter,
  type StoredDocument,
  type StoredPosition,
  type WriteOperation,
} from '@millrace/documents'
import { millraceError } from '@millrace/kernel'

/** A document in memory. `body` is for filters and never leaves; readers get their own copy of `text`. */
interface Entry {
  readonly id: string
  readonly revision: number
  readonly text: string
  readonly body: Readonly<Record<string, unknown>>
}

type Documents = Map<string, Entry>
type Undo = () => void

/** The Database port in memory: the same behaviour as on disk, gone with the process. */
export function memoryDatabase(): Database {
  return new MemoryDatabase()
}

class MemoryDatabase implements Database {
  readonly supports = { engine: 'memory', durable: false }
  readonly #collections = new Map<string, Documents>()
  /** Positions by processor, then by topic and partition. */
  readonly #positions = new Map<string, Map<string, StoredPosition>>()
  #isClosed = false

  async prepare(collections: readonly string[]): Promise<void> {
    this.#checkOpen()
    for (const name of collections) checkCollectionName(name)
    for (const name of collections) {
      if (!this.#collections.has(name)) this.#collections.set(name, new Map())
    }
  }

  async commit(operations: readonly WriteOperation[]): Promise<CommitResult> {
    this.#checkOpen()
    const commit = prepareCommit(operations, (name) => this.#collections.has(name))
    const undone: Undo[] = []
    try {
      return { revisions: commit.operations.map((each) => this.#apply(each, undone)) }
    } catch (error) {
      for (const undo of undone.reverse()) undo()
      throw error
    }
  }

  async load(collection: string, ids: readonly string[]): Promise<readonly StoredDocument[]> {
    this.#checkOpen()
    const documents = this.#documentsOf(collection)
    checkLoad(collection, ids)
    return copies(
      collection,
      [...new Set(ids)].flatMap((id) => documents.get(id) ?? []),
    )
  }

  async query(query: DocumentQuery): Promise<readonly StoredDocument[]> {
    this.#checkOpen()
    const checked = checkQuery(query)
    const { collection, orderBy, offset, limit } = checked
    const found = this.#find(checked).sort((left, right) => compareDocuments(orderBy, left, right))
    return copies(collection, found.slice(offset, offset + limit))
  }

  async count(query: Pick<DocumentQuery, 'collection' | 'where'>): Promise<number> {
    this.#checkOpen()
    return this.#find(checkQuery(query)).length
  }

  async positions(processor: string): Promise<readonly StoredPosition[]> {
    this.#checkOpen()
    const positions = [...(this.#positions.get(processor)?.values() ?? [])]
    return positions.sort(
      (left, right) => compareTexts(left.topic, right.topic) || left.partition - right.partition,
    )
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #checkOpen(): void {
    if (this.#isClosed) throw millraceError('DATABASE_CLOSED', {})
  }

  #documentsOf(collection: string): Documents {
    checkCollectionKnown(collection, (name) => this.#collections.has(name))
    return this.#collections.get(collection) ?? new Map()
  }

  #find({ collection, where }: CheckedQuery): Entry[] {
    const entries = [...this.#documentsOf(collection).values()]
    return where === undefined ? entries : entries.filter((each) => matches(where, each.body))
  }

  /** The operation's new revision; 0 for a delete and a position. */
  #apply(operation: PreparedOperation, undone: Undo[]): number {
    if (operation.kind === 'position') return this.#applyPosition(operation, undone)
    const { collection, id, expectedRevision } = operation
    const documents = this.#documentsOf(collection)
    const before = documents.get(id)
    const seen = before?.revision ?? 0
    if (expectedRevision !== undefined && expectedRevision !== seen) {
      throw millraceError('DOCUMENT_CONFLICT', { collection, id, seen, expected: expectedRevision })
    }
    undone.push(() => restore(documents, id, before))
    if (operation.kind === 'delete') {
      documents.delete(id)
      return 0
    }
    const { text } = operation
    documents.set(id, { id, revision: seen + 1, text, body: JSON.parse(text) })
    return seen + 1
  }

  #applyPosition(operation: Extract<PreparedOperation, { kind: 'position' }>, undone: Undo[]): number {
    const { processor, position, expectedOffset } = operation
    const { topic, partition } = position
    const positions = this.#positions.get(processor) ?? new Map<string, StoredPosition>()
    const key = `${partition} ${topic}`
    const before = positions.get(key)
    const seen = before?.offset ?? 0
    if (expectedOffset !== undefined && expectedOffset !== seen) {
      throw millraceError('POSITION_CONFLICT', {
        processor,
        topic,
        partition,
        seen,
        expected: expectedOffset,
      })
    }
    undone.push(() => restore(positions, key, before))
    positions.set(key, position)
    this.#positions.set(processor, positions)
    return 0
  }
}

function restore<Value>(map: Map<string, Value>, key: string, before: Value | undefined): void {
  if (before === undefined) map.delete(key)
  else map.set(key, before)
}

function copies(collection: string, entries: readonly Entry[]): StoredDocument[] {
  const measure = resultMeter(collection)
  return entries.map(({ id, revision, text }) => {
    measure(text)
    return { id, revision, body: JSON.parse(text) }
  })
}
