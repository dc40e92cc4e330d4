import { Worker } from 'node:worker_threads'
import { assert, BoundedQueue, errorText, type MillraceError, millraceError } from '@millrace/kernel'
import { errorOf } from './sqlite-failure.ts'
import type { Request, RequestBatch, Response, WorkerSettings } from './worker-protocol.ts'

/** How a link is made. */
export interface WorkerLinkOptions {
  readonly script: URL
  readonly settings: WorkerSettings
  readonly now: () => number
  readonly requestsMax: number
  readonly requestBytesMax: number
  /** Requests that go to the worker together. */
  readonly batchMax: number
}

interface Waiting {
  readonly request: Request
  readonly bytes: number
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/**
 * The way to one worker thread. One batch is under way at a time; what arrives meanwhile waits and goes together next:
 * that is how commits come to share a transaction.
 */
export class WorkerLink {
  readonly #options: WorkerLinkOptions
  readonly #worker: Worker
  readonly #waiting: BoundedQueue<Waiting>
  #underWay: readonly Waiting[] = []
  /** The request to close: it goes when nothing else waits, and needs no room in the queue. */
  #last: Waiting | undefined
  #isScheduled = false
  #failure: MillraceError | undefined

  private constructor(options: WorkerLinkOptions, worker: Worker) {
    this.#options = options
    this.#worker = worker
    const { requestsMax: itemsMax, requestBytesMax: bytesMax } = options
    const name = `requests to the database ${options.settings.file}`
    this.#waiting = new BoundedQueue({ name, itemsMax, bytesMax, sizeOf: ({ bytes }) => bytes })
  }

  /** Starts the worker; `collections` are those that the file has. Throws what keeps the file from being opened. */
  static async open(
    options: WorkerLinkOptions,
  ): Promise<{ link: WorkerLink; collections: readonly string[] }> {
    const worker = new Worker(options.script, { workerData: options.settings })
    const link = new WorkerLink(options, worker)
    const opened = await new Promise<Response>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', (error) => reject(link.#fail(errorText(error))))
      worker.once('exit', (code) => reject(link.#fail(`its thread ended with ${code}`)))
    })
    if (!opened.ok) throw errorOf(opened.failure)
    worker.on('message', (responses: readonly Response[]) => link.#settle(responses))
    // A database that waits for work does not keep the process alive; one that works does.
    worker.unref()
    return { link, collections: opened.value as readonly string[] }
  }

  /** Resolves with the worker's answer. @throws QUEUE_FULL, DATABASE_FAILED if the worker died, and what it answers */
  send(request: Request, bytes = 0): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) throw this.#failure
      this.#waiting.push({ request, bytes, resolve, reject })
      this.#schedule()
    })
  }

  /** Does what is waiting, then closes the file and ends the thread. Nothing may be sent after it. */
  async close(): Promise<void> {
    if (this.#failure !== undefined) return
    const ended = new Promise((resolve) => this.#worker.once('exit', resolve))
    const closed = new Promise((resolve, reject) => {
      this.#last = { request: { kind: 'close' }, bytes: 0, resolve, reject }
    })
    this.#schedule()
    await closed
    this.#worker.ref()
    await ended
  }

  /** On a later turn, so that requests of one turn go together. */
  #schedule(): void {
    if (this.#isScheduled || this.#underWay.length > 0) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.#sendBatch()
    })
  }

  #sendBatch(): void {
    const batch: Waiting[] = []
    while (batch.length < this.#options.batchMax) {
      const next = this.#waiting.shift()
      if (next === undefined) break
      batch.push(next)
    }
    if (batch.length === 0 && this.#last !== undefined) batch.push(this.#last)
    if (batch.length === 0 || this.#failure !== undefined) return
    this.#underWay = batch
    this.#worker.ref()
    const message: RequestBatch = { atMs: this.#options.now(), requests: batch.map(({ request }) => request) }
    this.#worker.postMessage(message)
  }

  #settle(responses: readonly Response[]): void {
    const settled = this.#underWay
    assert(settled.length === responses.length, 'a worker answers every request of a batch')
    this.#underWay = []
    this.#worker.unref()
    this.#schedule()
    settled.forEach(({ resolve, reject }, index) => {
      const response = responses[index] as Response
      if (response.ok) resolve(response.value)
      else reject(errorOf(response.failure))
    })
  }

  /** Rejects all that waits, now and later; what was under way may have been written. */
  #fail(reason: string): MillraceError {
    const error = millraceError('DATABASE_FAILED', { reason: `${this.#options.settings.file}: ${reason}` })
    this.#failure ??= error
    const lost = [
      ...this.#underWay,
      ...this.#waiting.drain(),
      ...(this.#last === undefined ? [] : [this.#last]),
    ]
    this.#underWay = []
    for (const { reject } of lost) reject(this.#failure)
    return this.#failure
  }
}
