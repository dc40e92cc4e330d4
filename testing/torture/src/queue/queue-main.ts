import { type Random, randomInteger, seededRandom } from '@millrace/kernel'
import { type ItemPlace, openQueue, type Queue, type QueueConsumer, type QueueItem } from '@millrace/log'
import { nodeFiles, nodeRuntime } from '@millrace/node'
import { digestOf, keyOf, nameText, parseName, type RecordName, recordValue } from '../log/record-name.ts'
import { liveByPlan, reporter } from '../process/started-process.ts'
import { CONSUMERS, LANES, PUT_ITEMS_MAX, PUTS_UNDER_WAY_MAX, type QueuePlan } from './queue-plan.ts'
import type { QueueReport, TakenItem } from './queue-report.ts'

/** The program that is killed: one life of a queue. */

const report = reporter<QueueReport>()

/** Longer than any life: within one, nothing comes again by itself. */
const LEASE_MS = 600_000
/** So many that no item ever goes to the dead letters. */
const DELIVERIES_MAX = 1000
const TAKE_ITEMS_MAX = 12
/** How long a taker waits for items before it looks whether its time is over, in milliseconds. */
const TAKE_MS = 10

async function live(plan: QueuePlan): Promise<void> {
  const startMs = performance.now()
  const queue = await openQueue({
    files: nodeFiles(plan.root),
    directory: 'queue',
    runtime: nodeRuntime(),
    lanes: LANES,
    deliveriesMax: DELIVERIES_MAX,
    segmentBytesMax: 64 * 1024,
    itemBytesMax: 8 * 1024,
  })
  const consumers = await Promise.all(CONSUMERS.map((name) => queue.consumer(name)))
  report({ kind: 'opened', openMs: Math.round(performance.now() - startMs) })
  await new Work(queue, consumers, plan).run()
  report({ kind: 'closing' })
  await queue.close()
  report({ kind: 'closed' })
}

class Work {
  readonly #queue: Queue
  readonly #consumers: readonly QueueConsumer[]
  readonly #plan: QueuePlan
  readonly #random: Random
  readonly #endMs: number

  constructor(queue: Queue, consumers: readonly QueueConsumer[], plan: QueuePlan) {
    this.#queue = queue
    this.#consumers = consumers
    this.#plan = plan
    this.#random = seededRandom(plan.seed)
    this.#endMs = performance.now() + plan.workMs
  }

  async run(): Promise<void> {
    const { workMs, producers, takers } = this.#plan
    if (workMs === 0) return this.#empty()
    await Promise.all([
      ...Array.from({ length: producers }, (_, producer) => this.#produce(producer)),
      ...this.#consumers.flatMap((consumer) => Array.from({ length: takers }, () => this.#take(consumer))),
    ])
  }

  get #goesOn(): boolean {
    return performance.now() < this.#endMs
  }

  async #produce(producer: number): Promise<void> {
    const { life } = this.#plan
    for (let first = 0; this.#goesOn; ) {
      const puts: Promise<void>[] = []
      const width = randomInteger(this.#random, 1, PUTS_UNDER_WAY_MAX + 1)
      for (let index = 0; index < width; index += 1) {
        const count = randomInteger(this.#random, 1, PUT_ITEMS_MAX + 1)
        puts.push(this.#put({ life, producer, number: first, first, count }))
        first += count
      }
      await Promise.all(puts)
    }
  }

  async #put(name: RecordName): Promise<void> {
    const lane = LANES[randomInteger(this.#random, 0, LANES.length)] ?? 'normal'
    const items = Array.from({ length: name.count }, (_, index) => {
      const item = { ...name, number: name.first + index }
      const key = keyOf(item)
      return { lane, value: recordValue(item), ...(key === undefined ? {} : { key }) }
    })
    const durability = this.#random.next() < 0.7 ? 'disk' : 'os'
    const places = await this.#queue.put(items, { durability })
    report({ kind: 'put', lane, offsets: places.map(({ offset }) => offset), name: nameText(name) })
  }

  /** One of several that compete for the items of a consumer: most it finishes, some it puts back or just keeps. */
  async #take(consumer: QueueConsumer): Promise<void> {
    while (this.#goesOn) {
      const items = await consumer.take({ countMax: TAKE_ITEMS_MAX, leaseMs: LEASE_MS, waitMsMax: TAKE_MS })
      if (items.length === 0) continue
      tellTaken(consumer, items)
      const chance = this.#random.next()
      if (chance < 0.75) await this.#acknowledge(consumer, items)
      else if (chance < 0.85) await this.#return(consumer, items, () => consumer.delay(items, TAKE_MS))
      else if (chance < 0.95)
        await this.#return(consumer, items, () =>
          consumer.reject(items, { reason: 'once more', retryAfterMs: TAKE_MS }),
        )
    }
  }

  async #acknowledge(consumer: QueueConsumer, items: readonly QueueItem[]): Promise<void> {
    const told = { consumer: consumer.name, places: placesOf(items) }
    report({ kind: 'acknowledging', ...told })
    if (this.#plan.isLying) report({ kind: 'acknowledged', ...told })
    const { count, lost } = await consumer.acknowledge(items)
    if (count !== items.length)
      report({ kind: 'failed', what: `${lost.length} leases of ${consumer.name} were lost within one life` })
    if (!this.#plan.isLying) report({ kind: 'acknowledged', ...told })
  }

  /** Told before: it may come again before the call has returned. */
  async #return(
    consumer: QueueConsumer,
    items: readonly QueueItem[],
    act: () => Promise<unknown>,
  ): Promise<void> {
    report({ kind: 'returned', consumer: consumer.name, places: placesOf(items) })
    await act()
  }

  /** Takes and acknowledges until nothing is left, and says what is not as it should be then. */
  async #empty(): Promise<void> {
    for (const consumer of this.#consumers) {
      for (;;) {
        const items = await consumer.take({ countMax: 1000, leaseMs: LEASE_MS, waitMsMax: 2 * TAKE_MS })
        const { lanes } = this.#queue.status().consumers.find((each) => each.consumer === consumer.name) ?? {}
        if (items.length === 0 && lanes?.every(({ delayed }) => delayed === 0) !== false) break
        tellTaken(consumer, items)
        await this.#acknowledge(consumer, items)
      }
    }
    report({ kind: 'emptied', complaints: this.#complaints() })
  }

  #complaints(): string[] {
    const { consumers, count, deadLetters, drops, alarms, lanes } = this.#queue.status()
    const outstanding = consumers.flatMap(({ consumer, lanes: all }) =>
      all
        .filter((lane) => lane.outstanding > 0)
        .map((lane) => `${consumer} has ${lane.outstanding} outstanding in ${lane.lane}`),
    )
    const dropped = Object.entries(drops).filter(([, value]) => JSON.stringify(value).match(/[1-9]/))
    return [
      ...outstanding,
      ...(count > 0 ? [`${count} items count towards the quota`] : []),
      ...(deadLetters.count > 0 ? [`${deadLetters.count} dead letters`] : []),
      ...dropped.map(([cause, value]) => `dropped: ${cause} ${JSON.stringify(value)}`),
      ...alarms.map(({ kind, text }) => `${kind}: ${text}`),
      ...lanes
        .filter(({ gaps, diskBytes }) => gaps.length === 0 && diskBytes > 3 * 64 * 1024)
        .map(({ lane, diskBytes }) => `lane ${lane} is empty and has ${diskBytes} bytes on the disk`),
    ]
  }
}

function tellTaken(consumer: QueueConsumer, items: readonly QueueItem[]): void {
  const told = items.map(({ lane, offset, key, value, deliveries }): TakenItem => {
    const name = parseName(value)
    const text = name === undefined ? 'nobody put it' : nameText(name)
    return { lane, offset, key, deliveries, name: text, digest: digestOf(value) }
  })
  report({ kind: 'taken', consumer: consumer.name, items: told })
}

function placesOf(items: readonly QueueItem[]): ItemPlace[] {
  return items.map(({ lane, offset }) => ({ lane, offset }))
}

await liveByPlan(live)
