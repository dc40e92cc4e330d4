import { parentPort, workerData } from 'node:worker_threads'
import { assert, unreachable } from '@millrace/kernel'
import { CommitGroup, type UnitOutcome } from './commit-group.ts'
import { Connection } from './connection.ts'
import { runRaw } from './raw-statement.ts'
import { ReadAnswers } from './read-answers.ts'
import { failureOf } from './sqlite-failure.ts'
import { closeFile, openFile } from './sqlite-file.ts'
import { planSchema, prepareSchema } from './store-preparation.ts'
import { TouchedDocuments } from './touched-documents.ts'
import { transformDocuments } from './transform-run.ts'
import type { Request, RequestBatch, Response, WorkerSettings } from './worker-protocol.ts'

type Of<Kind extends Request['kind']> = Extract<Request, { readonly kind: Kind }>

/** The thread that owns one connection: one list of answers for each batch of requests. */
class SqliteWorker {
  readonly #settings: WorkerSettings
  #connection: Connection | undefined
  /** What works on the open file, made when it is first needed: a connection that reads has no use for the one. */
  #group: CommitGroup | undefined
  #answers: ReadAnswers | undefined

  constructor(settings: WorkerSettings) {
    this.#settings = settings
  }

  /** All commits of a batch share one transaction; the other requests come after it. */
  answer({ requests, atMs }: RequestBatch): readonly Response[] {
    const units = requests.flatMap((request) => (request.kind === 'commit' ? [request.unit] : []))
    const outcomes = units.length === 0 ? [] : this.#writing.commit(units, atMs)
    let unit = 0
    return requests.map((request) => {
      if (request.kind === 'commit') return this.#responseOf(outcomes[unit++])
      return this.#respond(() => this.#do(request, atMs))
    })
  }

  #responseOf(outcome: UnitOutcome | undefined): Response {
    assert(outcome !== undefined, 'every unit of a group has an outcome')
    if ('error' in outcome) return { ok: false, failure: failureOf(outcome.error, this.#settings.file) }
    return { ok: true, value: outcome.results }
  }

  #respond(work: () => unknown): Response {
    try {
      return { ok: true, value: work() }
    } catch (error) {
      return { ok: false, failure: failureOf(error, this.#settings.file) }
    }
  }

  get #opened(): Connection {
    assert(this.#connection !== undefined, 'the file is opened first')
    return this.#connection
  }

  get #writing(): CommitGroup {
    this.#group ??= new CommitGroup(this.#opened)
    return this.#group
  }

  get #reading(): ReadAnswers {
    this.#answers ??= new ReadAnswers(this.#opened, this.#settings.statementsMax)
    return this.#answers
  }

  #do(request: Exclude<Request, Of<'commit'>>, atMs: number): unknown {
    switch (request.kind) {
      case 'open':
        this.#connection = new Connection(openFile(this.#settings), this.#settings.statementsMax)
        return undefined
      case 'prepare':
        return prepareSchema(this.#opened, request.schema, request.options)
      case 'transform':
        return this.#transform(request, atMs)
      case 'plan':
        return planSchema(this.#opened, request.schema)
      case 'read':
        return this.#reading.answer(request.reads)
      case 'explain':
        return this.#reading.explain(request.read)
      case 'raw':
        return runRaw(this.#opened.database, request.sql, request.parameters)
      case 'close':
        if (this.#connection !== undefined) closeFile(this.#connection.database)
        return undefined
      default:
        return unreachable(request)
    }
  }

  #transform({ step }: Of<'transform'>, atMs: number): unknown {
    const connection = this.#opened
    return connection.write(() => {
      const { statements, declarations } = connection
      const declared = declarations.current
      const writer = this.#writing.documents.writerOf(step.collection, declared)
      const touched = new TouchedDocuments()
      const unit = { atMs, correlationId: null, causationId: null, touched }
      const outcome = transformDocuments(step, { statements, writer, unit })
      touched.check(statements, declared)
      return outcome
    })
  }
}

function main(): void {
  const port = parentPort
  assert(port !== null, 'this file runs as a worker')
  const worker = new SqliteWorker(workerData as WorkerSettings)
  port.on('message', (batch: RequestBatch) => {
    port.postMessage(worker.answer(batch))
    if (batch.requests.some(({ kind }) => kind === 'close')) port.close()
  })
}

main()
