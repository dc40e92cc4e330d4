import { type ManualRuntime, manualRuntime, seededRandom } from '@millrace/kernel'
import { openQueue, type Queue, type QueueConsumer, type QueueItem, type QueueOptions } from '@millrace/log'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import { QueueOracle } from './queue-oracle.ts'

export const CONSUMERS = ['first', 'second'] as const
const LEASE_MS = 5_000
const DELIVERIES_MAX = 3
const LANES = ['alarm', 'normal', 'bulk']

export type Step =
  | {
      readonly kind: 'put'
      readonly count: number
      readonly key: string | undefined
      readonly lane: string
      readonly life: 'short' | 'late' | 'plain'
    }
  | { readonly kind: 'take'; readonly consumer: number; readonly count: number }
  | { readonly kind: 'acknowledge' | 'reject' | 'delay'; readonly consumer: number; readonly which: number }
  | { readonly kind: 'wait' | 'reopen' | 'kill' }
  | { readonly kind: 'fault'; readonly operation: 'sync' | 'write'; readonly code: 'EIO' | 'ENOSPC' }
  | { readonly kind: 'crash'; readonly after: number; readonly seed: number }

const FORESEEN = [
  'QUEUE_QUOTA_EXCEEDED',
  'EIO',
  'DISK_FULL',
  'LOG_STORAGE_FAILED',
  'LOG_READ_FAILED',
  'LOG_CLOSED',
  'QUEUE_CLOSED',
]

/** Runs steps against one queue, over any number of power cuts, and asks the oracle after each. */
export class QueueWorld {
  readonly #oracle = new QueueOracle()
  readonly #options: Partial<QueueOptions>
  #files: MemoryFiles
  #runtime: ManualRuntime = manualRuntime()
  #queue: Queue | undefined
  #consumers: QueueConsumer[] = []
  #held: QueueItem[][] = [[], []]
  #sequence = 0
  #life = 0
  #crashSeed: number | undefined

  constructor(options: Partial<QueueOptions> = {}, files: MemoryFiles = memoryFiles()) {
    this.#options = options
    this.#files = files
  }

  async run(steps: readonly Step[]): Promise<void> {
    await this.#try(() => this.#open())
    for (const step of steps) {
      if (this.#queue === undefined || (this.#crashSeed !== undefined && step.kind !== 'crash'))
        await this.#crash()
      await this.#try(() => this.#act(step))
    }
    await this.#crash()
    await this.#drain()
  }

  async #try(act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : ''
      if (!FORESEEN.includes(code)) throw error
      // A disk that failed once may have left logs that take no more writes: as after a crash.
      if (code !== 'DISK_FULL' && code !== 'QUEUE_QUOTA_EXCEEDED') this.#crashSeed ??= 0
    }
  }

  async #act(step: Step): Promise<void> {
    switch (step.kind) {
      case 'put':
        return this.#put(step)
      case 'take':
        return this.#take(step.consumer, step.count)
      case 'acknowledge':
      case 'reject':
      case 'delay':
        return this.#settle(step.kind, step.consumer, step.which)
      case 'wait':
        await this.#runtime.advance(LEASE_MS)
        this.#held = [[], []]
        return this.#oracle.leasesEnded(false)
      case 'reopen':
        await this.#queue?.close()
        this.#oracle.leasesEnded(true)
        return this.#open()
      case 'kill':
        this.#files = this.#files.afterKill()
        this.#oracle.leasesEnded(false)
        return this.#open()
      case 'fault':
        if (step.code === 'ENOSPC') this.#oracle.countsAreExact = false
        return this.#files.failNext(step.operation, step.code)
      case 'crash':
        this.#files.stopAfter(step.after)
        this.#crashSeed = step.seed
    }
  }

  async #put({ count, key, lane, life }: Step & { kind: 'put' }): Promise<void> {
    const nowMs = this.#runtime.clock.now()
    const items = Array.from({ length: count }, () => {
      const text = `item ${this.#sequence++}`
      this.#oracle.attempt(text, { lane, ...(key === undefined ? {} : { key }) })
      const value = new TextEncoder().encode(text)
      return {
        value,
        lane,
        ...(key === undefined ? {} : { key }),
        ...(life === 'short' ? { expiresAtMs: nowMs + 7_000 } : {}),
        ...(life === 'late' ? { notBeforeMs: nowMs + 3_000 } : {}),
      }
    })
    const places = await (this.#queue as Queue).put(items)
    places.forEach((place, index) => {
      this.#oracle.stored(new TextDecoder().decode(items[index]?.value), place)
    })
  }

  async #take(index: number, countMax: number): Promise<void> {
    const consumer = this.#consumers[index] as QueueConsumer
    // Two takers, who compete.
    const taking = [0, 1].map(() => consumer.take({ countMax, leaseMs: LEASE_MS, waitMsMax: 0 }))
    for (const outcome of await this.#settled(taking)) {
      if (outcome.status === 'rejected') throw outcome.reason
      for (const item of outcome.value) {
        await this.#oracle.delivered(consumer.name, item, this.#queue as Queue, DELIVERIES_MAX)
        this.#held[index]?.push(item)
      }
    }
  }

  async #settled<Result>(
    calls: readonly Promise<Result>[],
  ): Promise<readonly PromiseSettledResult<Result>[]> {
    let outcomes: readonly PromiseSettledResult<Result>[] | undefined
    void Promise.allSettled(calls).then((settled) => {
      outcomes = settled
    })
    while (outcomes === undefined) await this.#runtime.advance(0)
    return outcomes
  }

  async #settle(kind: 'acknowledge' | 'reject' | 'delay', index: number, which: number): Promise<void> {
    const consumer = this.#consumers[index] as QueueConsumer
    const items = (this.#held[index] ?? []).filter((_, position) => (which >> (position % 8)) & 1)
    this.#held[index] = this.#held[index]?.filter((each) => !items.includes(each)) ?? []
    if (kind === 'acknowledge') {
      this.#oracle.asked(consumer.name, items)
      const { lost } = await consumer.acknowledge(items)
      this.#oracle.returned(consumer.name, lost)
      this.#oracle.done(
        consumer.name,
        items.filter((item) => !lost.includes(item)),
      )
      return
    }
    if (kind === 'reject') await consumer.reject(items, { reason: 'no', retryAfterMs: which * 10 })
    else await consumer.delay(items, which * 10)
    if (kind === 'reject') this.#oracle.returned(consumer.name, items)
    else this.#oracle.uncounted(consumer.name, items)
  }

  async #crash(): Promise<void> {
    this.#files = this.#files.crash({ random: seededRandom(this.#crashSeed ?? 1) })
    this.#crashSeed = undefined
    this.#oracle.powerFailed()
    this.#oracle.leasesEnded(false)
    await this.#open()
  }

  async #open(): Promise<void> {
    this.#queue = undefined
    this.#life += 1
    this.#held = [[], []]
    this.#runtime = manualRuntime({ seed: this.#life, startMs: this.#runtime.clock.now() + 10 })
    this.#queue = await openQueue({
      files: this.#files,
      directory: 'queue',
      runtime: this.#runtime,
      lanes: LANES,
      segmentBytesMax: 4096,
      itemBytesMax: 1024,
      deliveriesMax: DELIVERIES_MAX,
      reserveBytes: 1024,
      ...this.#options,
    })
    this.#consumers = []
    for (const name of CONSUMERS) this.#consumers.push(await this.#queue.consumer(name))
    await this.#oracle.note(this.#queue)
  }

  async #drain(): Promise<void> {
    for (let round = 0; round < 3; round += 1) {
      for (const index of CONSUMERS.keys()) {
        for (let before = -1; before < (this.#held[index]?.length ?? 0); ) {
          before = this.#held[index]?.length ?? 0
          await this.#take(index, 50)
          if ((this.#held[index]?.length ?? 0) === before) break
          await this.#settle('acknowledge', index, 0xff)
          before = -1
        }
      }
      await this.#runtime.advance(30_000)
      this.#oracle.leasesEnded(false)
    }
    await this.#oracle.finish(CONSUMERS, this.#queue as Queue)
    await this.#queue?.close()
  }
}
