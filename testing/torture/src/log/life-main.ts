import { setTimeout as wait } from 'node:timers/promises'
import { type Random, randomInteger, seededRandom } from '@millrace/kernel'
import { type Durability, type Log, openLog } from '@millrace/log'
import { nodeFiles, nodeRuntime } from '@millrace/node'
import { liveByPlan, reporter } from '../process/started-process.ts'
import {
  APPEND_RECORDS_MAX,
  APPENDS_UNDER_WAY_MAX,
  type LifePlan,
  type LogKind,
  retentionBytesMax,
} from './life-plan.ts'
import type { LifeReport } from './life-report.ts'
import { nameText, type RecordName, recordOf, recordReport } from './record-name.ts'

/** The program that is killed: one life of a log. */

const report = reporter<LifeReport>()

/** How often the log is asked to remove what may go, in milliseconds. */
const MAINTENANCE_MS = 15
/** How long the removal of a key stays, in milliseconds: so short that it goes within a life or two. */
const TOMBSTONE_MS_MIN = 100

async function live(plan: LifePlan): Promise<void> {
  const startMs = performance.now()
  const { root, segmentBytesMax, allocateAheadBytesMax } = plan
  const log = await openLog({
    files: nodeFiles(root),
    directory: 'log',
    runtime: nodeRuntime(),
    segmentBytesMax,
    allocateAheadBytesMax,
    ...optionsOf(plan),
  })
  const openMs = Math.round(performance.now() - startMs)
  report({ kind: 'opened', startOffset: log.startOffset, endOffset: log.endOffset, openMs })
  await tellRecords(log)
  await new Work(log, plan).run()
  report({ kind: 'closing' })
  await log.close()
  report({ kind: 'closed' })
}

function optionsOf(plan: LogKind) {
  if (plan.removal === 'retention') return { retention: { bytesMax: retentionBytesMax(plan) } }
  if (plan.removal !== 'compaction') return {}
  return { compaction: { dirtyShareMin: 0.3, tombstoneMsMin: TOMBSTONE_MS_MIN } }
}

async function tellRecords(log: Log): Promise<void> {
  for (let next = log.startOffset; next < log.endOffset; ) {
    const records = await log.read(next)
    report(...records.map(recordReport))
    const last = records.at(-1)
    if (last === undefined) break
    next = last.offset + 1
  }
  for (const { from, to, reason } of log.gaps) report({ kind: 'gap', from, to, reason })
  report({ kind: 'told', bytes: log.bytes })
}

/** Producers that append until their time is over, and what removes what may go meanwhile. */
class Work {
  readonly #log: Log
  readonly #plan: LifePlan
  readonly #random: Random
  readonly #endMs: number
  /** What the next append gets, as long as nobody else appends; only a liar needs it. */
  #nextOffset: number

  constructor(log: Log, plan: LifePlan) {
    this.#log = log
    this.#plan = plan
    this.#random = seededRandom(plan.seed)
    this.#endMs = performance.now() + plan.workMs
    this.#nextOffset = log.endOffset
  }

  async run(): Promise<void> {
    if (this.#plan.workMs === 0) return
    const producers = Array.from({ length: this.#plan.producers }, (_, producer) => this.#produce(producer))
    await Promise.all([...producers, this.#maintain()])
  }

  get #goesOn(): boolean {
    return performance.now() < this.#endMs
  }

  async #produce(producer: number): Promise<void> {
    const { life } = this.#plan
    for (let first = 0; this.#goesOn; ) {
      const appends: Promise<void>[] = []
      const width = randomInteger(this.#random, 1, APPENDS_UNDER_WAY_MAX + 1)
      for (let index = 0; index < width; index += 1) {
        const count = this.#random.next() < 0.6 ? 1 : randomInteger(this.#random, 1, APPEND_RECORDS_MAX + 1)
        appends.push(this.#append({ life, producer, number: first, first, count }))
        first += count
      }
      await Promise.all(appends)
    }
  }

  async #append(name: RecordName): Promise<void> {
    const { first, count } = name
    const isKeyed = this.#plan.removal === 'compaction'
    const records = Array.from({ length: count }, (_, index) =>
      recordOf({ ...name, number: first + index }, isKeyed),
    )
    const text = nameText(name)
    if (this.#plan.isLying) {
      report({ kind: 'acknowledged', baseOffset: this.#nextOffset, name: text })
      this.#nextOffset += count
    }
    const { baseOffset } = await this.#log.append(records, { durability: this.#durability() })
    if (!this.#plan.isLying) report({ kind: 'acknowledged', baseOffset, name: text })
  }

  #durability(): Durability {
    const { durabilities } = this.#plan
    return durabilities[randomInteger(this.#random, 0, durabilities.length)] ?? 'disk'
  }

  async #maintain(): Promise<void> {
    while (this.#goesOn) {
      await wait(MAINTENANCE_MS)
      await this.#remove()
    }
  }

  async #remove(): Promise<void> {
    const { startOffset, endOffset } = this.#log
    switch (this.#plan.removal) {
      case 'none':
        return
      case 'retention':
        await this.#log.applyRetention()
        return
      case 'trim': {
        const offset = randomInteger(this.#random, startOffset, endOffset + 1)
        report({ kind: 'trimming', offset })
        await this.#log.trimBefore(offset)
        return
      }
      case 'compaction':
        await this.#log.compact()
        return
      default:
        this.#plan.removal satisfies never
    }
  }
}

await liveByPlan(live)
