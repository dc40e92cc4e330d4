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
 * The way to one worker thread.
 *
 * - *Closed*: there is no open file. The first request starts a thread, if there is none, and has it open the file.
 * - *Opening*: requests wait. If it fails, all of them fail as well, and it is closed again.
 * - *Open*: one batch is on its way; what arrives meanwhile waits and goes together next. That is how commits come to
 *   share a transaction.
 * - A thread that ends unasked takes all requests with it, those that wait too; what was on its way may have been done.
 *   Then it is closed, and the next request starts another thread: the engine has rolled back what was not committed
 *   when the connection went.
 *
 * {@link close} is the end of it: what waits is done, then the file is closed, and the thread ends.
 */
export class WorkerLink {
  readonly #options: WorkerLinkOptions
  readonly #waiting: BoundedQueue<Waiting>
  #worker: Worker | undefined
  #state: 'closed' | 'opening' | 'open' = 'closed'
  #underWay: readonly Waiting[] = []
  #isScheduled = false
  #ending: Promise<void> | undefined
  /** The request to close: it goes when nothing else waits, and needs no room in the queue. */
  #last: Waiting | undefined

  constructor(options: WorkerLinkOptions) {
    this.#options = options
    const { requestsMax: itemsMax, requestBytesMax: bytesMax } = options
    const name = `requests to the database ${options.settings.file}`
    this.#waiting = new BoundedQueue({ name, itemsMax, bytesMax, sizeOf: ({ bytes }) => bytes })
  }

  /** Starts the thread ahead of the first request, since that takes a while. The file is not touched. */
  start(): void {
    this.#worker ??= this.#startWorker()
  }

  /** Opens the file. @throws what keeps it from being opened */
  open(): Promise<void> {
    this.#state = 'opening'
    this.start()
    return new Promise<unknown>((resolve, reject) => {
      this.#post([{ request: { kind: 'open' }, bytes: 0, resolve, reject }])
    }).then(
      () => {
        this.#state = 'open'
        this.#schedule()
      },
      async (error: MillraceError) => {
        await this.#stop(error)
        throw error
      },
    )
  }

  /** Resolves with the worker's answer. @throws QUEUE_FULL, DATABASE_FAILED if the thread died, and what it answers */
  send(request: Request, bytes = 0): Promise<unknown> {
    return new Promise((resolve, reject) => {
      assert(this.#ending === undefined, 'nothing is sent to a link that has been closed')
      this.#waiting.push({ request, bytes, resolve, reject })
      this.#schedule()
    })
  }

  /** Does what is waiting, then closes the file and ends the thread. Nothing may be sent after it. */
  close(): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  async #end(): Promise<void> {
    if (this.#waiting.size > 0) this.start()
    const worker = this.#worker
    if (worker === undefined) return
    const ended = new Promise((resolve) => worker.once('exit', resolve))
    await new Promise<unknown>((resolve) => {
      this.#last = { request: { kind: 'close' }, bytes: 0, resolve, reject: resolve }
      this.#schedule()
    })
    worker.ref()
    await ended
  }

  #startWorker(): Worker {
    const worker = new Worker(this.#options.script, { workerData: this.#options.settings })
    worker.on('message', (responses: readonly Response[]) => {
      if (worker === this.#worker) this.#settle(responses)
    })
    worker.once('error', (error) => this.#fail(worker, errorText(error)))
    worker.once('exit', (code) => this.#fail(worker, `its thread ended with ${code}`))
    // A database that waits for work does not keep the process alive; one that works does.
    worker.unref()
    return worker
  }

  /** Ends a thread that could not open the file. */
  async #stop(error: MillraceError): Promise<void> {
    const worker = this.#worker
    this.#reset(error)
    await worker?.terminate()
  }

  /** On a later turn, so that requests of one turn go together. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.#sendBatch()
    })
  }

  #sendBatch(): void {
    if (this.#state === 'opening' || this.#underWay.length > 0) return
    if (this.#state === 'closed' && this.#waiting.size > 0) {
      this.open().catch(() => {
        // All that waits has been told.
      })
      return
    }
    const batch: Waiting[] = []
    while (batch.length < this.#options.batchMax) {
      const next = this.#waiting.shift()
      if (next === undefined) break
      batch.push(next)
    }
    if (batch.length === 0 && this.#last !== undefined) {
      batch.push(this.#last)
      this.#last = undefined
    }
    if (batch.length > 0) this.#post(batch)
  }

  #post(batch: readonly Waiting[]): void {
    const message: RequestBatch = { atMs: this.#options.now(), requests: batch.map(({ request }) => request) }
    this.#underWay = batch
    this.#worker?.ref()
    this.#worker?.postMessage(message)
  }

  #settle(responses: readonly Response[]): void {
    const settled = this.#underWay
    assert(settled.length === responses.length, 'a worker answers every request of a batch')
    this.#underWay = []
    this.#worker?.unref()
    this.#schedule()
    settled.forEach(({ resolve, reject }, index) => {
      const response = responses[index] as Response
      if (response.ok) resolve(response.value)
      else reject(errorOf(response.failure))
    })
  }

  #fail(worker: Worker, reason: string): void {
    if (worker !== this.#worker) return
    this.#reset(millraceError('DATABASE_FAILED', { reason: `${this.#options.settings.file}: ${reason}` }))
  }

  /** Back to *closed*: rejects all that is on its way or waits. */
  #reset(error: MillraceError): void {
    const lost = [...this.#underWay, ...this.#waiting.drain()]
    if (this.#last !== undefined) lost.push(this.#last)
    this.#worker = undefined
    this.#state = 'closed'
    this.#underWay = []
    this.#last = undefined
    for (const { reject } of lost) reject(error)
  }
}
