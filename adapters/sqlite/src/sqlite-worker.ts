import type { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { resultMeter, type StoredPosition } from '@millrace/documents'
import { assert } from '@millrace/kernel'
import { commitGroup } from './commit-group.ts'
import { type Compiled, compileCount, compileQuery } from './compiled-query.ts'
import { failureOf } from './sqlite-failure.ts'
import { closeFile, collectionsIn, openFile } from './sqlite-file.ts'
import { createCollection, tableOf } from './sqlite-tables.ts'
import { StatementCache } from './statement-cache.ts'
import type { DocumentRow, Request, RequestBatch, Response, WorkerSettings } from './worker-protocol.ts'

/**
 * The thread that owns one connection. First answer: the collections, or why it could not open. Then one list of
 * answers for each batch of requests.
 */
class SqliteWorker {
  readonly #settings: WorkerSettings
  readonly #database: DatabaseSync
  readonly #statements: StatementCache

  constructor(settings: WorkerSettings) {
    this.#settings = settings
    this.#database = openFile(settings)
    this.#statements = new StatementCache(this.#database, settings.statementsMax)
  }

  /** Asked of the writer only: the reader must not look into the file while the writer still makes it. */
  get collections(): string[] {
    return this.#settings.role === 'writer' ? collectionsIn(this.#database) : []
  }

  /** All commits of a batch share one transaction; the other requests come after it. */
  answer({ requests, atMs }: RequestBatch): Response[] {
    const commits = requests.filter((request) => request.kind === 'commit')
    const target = { database: this.#database, statements: this.#statements }
    const units = commits.map(({ operations }) => operations)
    const outcomes = units.length === 0 ? [] : commitGroup(target, units, atMs)
    let unit = 0
    return requests.map((request) =>
      this.#respond(() => {
        if (request.kind !== 'commit') return this.#do(request)
        const outcome = outcomes[unit++]
        assert(outcome !== undefined, 'every unit of a group has an outcome')
        if ('error' in outcome) throw outcome.error
        return outcome.revisions
      }),
    )
  }

  #respond(work: () => unknown): Response {
    try {
      return { ok: true, value: work() }
    } catch (error) {
      return { ok: false, failure: failureOf(error, this.#settings.file) }
    }
  }

  #do(request: Exclude<Request, { kind: 'commit' }>): unknown {
    switch (request.kind) {
      case 'prepare':
        return this.#prepare(request.collections)
      case 'load':
        return this.#load(request.collection, request.ids)
      case 'query':
        return this.#rows(request.query.collection, compileQuery(request.query))
      case 'count':
        return this.#count(compileCount(request.query))
      case 'positions':
        return this.#positions(request.processor)
      case 'close':
        return closeFile(this.#database)
      default:
        return request satisfies never
    }
  }

  #prepare(collections: readonly string[]): void {
    try {
      this.#database.exec(['BEGIN IMMEDIATE', ...collections.map(createCollection), 'COMMIT'].join(';'))
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  #load(collection: string, ids: readonly string[]): DocumentRow[] {
    const sql = `SELECT id, revision, body FROM ${tableOf(collection)} WHERE id IN (SELECT value FROM json_each(?))`
    return this.#rows(collection, { sql, parameters: [JSON.stringify(ids)] })
  }

  #rows(collection: string, { sql, parameters }: Compiled): DocumentRow[] {
    const measure = resultMeter(collection)
    const rows: DocumentRow[] = []
    for (const row of this.#statements.get(sql).iterate(...parameters)) {
      const text = String(row.body)
      measure(text)
      rows.push({ id: String(row.id), revision: Number(row.revision), text })
    }
    return rows
  }

  #count({ sql, parameters }: Compiled): number {
    return Number(this.#statements.get(sql).get(...parameters)?.count)
  }

  #positions(processor: string): StoredPosition[] {
    const sql =
      'SELECT topic, partition, "offset" FROM positions WHERE processor = ? ORDER BY topic, partition'
    const rows = this.#statements.get(sql).all(processor)
    return rows.map(({ topic, partition, offset }) => ({
      topic: String(topic),
      partition: Number(partition),
      offset: Number(offset),
    }))
  }
}

function main(): void {
  const port = parentPort
  assert(port !== null, 'this file runs as a worker')
  const settings = workerData as WorkerSettings
  let worker: SqliteWorker
  try {
    worker = new SqliteWorker(settings)
  } catch (error) {
    port.postMessage({ ok: false, failure: failureOf(error, settings.file) } satisfies Response)
    return
  }
  port.postMessage({ ok: true, value: worker.collections } satisfies Response)
  port.on('message', (batch: RequestBatch) => {
    port.postMessage(worker.answer(batch))
    if (batch.requests.some(({ kind }) => kind === 'close')) port.close()
  })
}

main()
