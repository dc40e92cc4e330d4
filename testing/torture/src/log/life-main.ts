import { readSync, writeSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { errorText, type Random, randomInteger, seededRandom } from '@millrace/kernel'
import { type Log, type NewRecord, openLog } from '@millrace/log'
import { nodeFiles, nodeRuntime } from '@millrace/node'
import { APPEND_RECORDS_MAX, APPENDS_UNDER_WAY_MAX, type LifePlan } from './life-plan.ts'
import { type LifeReport, reportLine } from './life-report.ts'
import { digestOf, nameText, parseName, type RecordName, recordValue } from './record-name.ts'

/**
 * The program that is killed: one life of a log. It is started ahead and says "ready" when its code is loaded; then it
 * waits, without touching any file, for its plan. What it reports is written synchronously, so that whatever it has
 * said before it dies arrives.
 */

/** How often the log is asked to remove what is too much, in milliseconds. */
const MAINTENANCE_MS = 15

function report(line: LifeReport): void {
  writeSync(1, reportLine(line))
}

function readPlan(): LifePlan {
  const bytes = new Uint8Array(4096)
  let length = 0
  while (!bytes.subarray(0, length).includes(0x0a)) {
    const count = readSync(0, bytes, length, bytes.length - length, null)
    if (count === 0) process.exit(0)
    length += count
  }
  return JSON.parse(new TextDecoder().decode(bytes.subarray(0, length))) as LifePlan
}

async function live(plan: LifePlan): Promise<void> {
  const startMs = performance.now()
  const { root, segmentBytesMax, allocateAheadBytesMax, retentionBytesMax } = plan
  const log = await openLog({
    files: nodeFiles(root),
    directory: 'log',
    runtime: nodeRuntime(),
    segmentBytesMax,
    allocateAheadBytesMax,
    ...(retentionBytesMax === undefined ? {} : { retention: { bytesMax: retentionBytesMax } }),
  })
  const openMs = Math.round(performance.now() - startMs)
  report({ kind: 'opened', startOffset: log.startOffset, endOffset: log.endOffset, openMs })
  await tellRecords(log)
  await new Work(log, plan).run()
  report({ kind: 'closing' })
  await log.close()
  report({ kind: 'closed' })
}

async function tellRecords(log: Log): Promise<void> {
  for (let next = log.startOffset; next < log.endOffset; ) {
    const records = await log.read(next)
    let lines = ''
    for (const { offset, value } of records) {
      const name = parseName(value)
      const text = name === undefined ? 'nobody wrote it' : nameText(name)
      lines += reportLine({ kind: 'record', offset, name: text, digest: digestOf(value) })
    }
    writeSync(1, lines)
    const last = records.at(-1)
    if (last === undefined) break
    next = last.offset + 1
  }
  for (const { from, to, reason } of log.gaps) report({ kind: 'gap', from, to, reason })
  report({ kind: 'told', bytes: log.bytes })
}

/** Producers that append until their time is over, and what removes old segments meanwhile. */
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
    const records = Array.from({ length: count }, (_, index): NewRecord => {
      return { value: recordValue({ ...name, number: first + index }) }
    })
    const text = nameText(name)
    if (this.#plan.isLying) {
      report({ kind: 'acknowledged', baseOffset: this.#nextOffset, name: text })
      this.#nextOffset += count
    }
    const { baseOffset } = await this.#log.append(records)
    if (!this.#plan.isLying) report({ kind: 'acknowledged', baseOffset, name: text })
  }

  async #maintain(): Promise<void> {
    while (this.#goesOn) {
      await wait(MAINTENANCE_MS)
      await this.#log.applyRetention()
    }
  }
}

writeSync(1, 'ready\n')
try {
  await live(readPlan())
} catch (error) {
  report({ kind: 'failed', what: errorText(error) })
  process.exitCode = 1
}
