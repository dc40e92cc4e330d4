import { abortable, type Cancel, errorText, millraceError } from '@millrace/kernel'
import type { ReadLimits } from '../log.ts'
import type { LogTable } from '../table/table.ts'
import type { AlarmList } from './alarm-list.ts'
import { Consumer } from './consumer.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { DropLog } from './drop-log.ts'
import { Dropping, type HeadDrop } from './dropping.ts'
import { decodeItem, type ItemDraft, type LaneItem } from './item-codec.ts'
import type { Lane } from './lane.ts'
import { fact } from './lane-cursor.ts'
import { type PutDraft, PutLine, type Usage } from './put-line.ts'
import type {
  ItemPlace,
  LaneStatus,
  NewItem,
  PutOptions,
  Queue,
  QueueConsumer,
  QueueOptions,
  QueueStatus,
  StoredItem,
} from './queue.ts'
import { checkName, checkPut, type QueueLimits, sizeItem } from './queue-checks.ts'
import type { Registered, Registry } from './registry.ts'
import type { SpaceReserve } from './space-reserve.ts'

/** What a queue is made of, opened and fitted together. */
export interface QueueParts {
  readonly options: QueueOptions
  readonly limits: QueueLimits
  /** Those on disk, the listed ones first. */
  readonly lanes: readonly Lane[]
  readonly table: LogTable
  readonly reserve: SpaceReserve
  readonly drops: DropLog
  readonly registry: Registry
  readonly alarms: AlarmList
  readonly makeLetters: (put: (items: readonly ItemDraft[]) => Promise<unknown>) => DeadLetters
}

/** How often it is looked whether something has expired or is too old, while there is something. */
const SWEEP_MS_MIN = 1_000
const SWEEP_MS_MAX = 60_000

/** The queue on logs. Made by `openQueue`. */
export class DurableQueue implements Queue {
  readonly lanes: readonly string[]
  readonly deadLetters: DeadLetters
  readonly #parts: QueueParts
  readonly #listed: readonly Lane[]
  readonly #dropping: Dropping
  readonly #line: PutLine
  #cancelSweep: Cancel | undefined
  #registering: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | undefined

  constructor(parts: QueueParts) {
    const { options, limits, registry } = parts
    this.#parts = parts
    this.#listed = parts.lanes.filter(({ isListed }) => isListed)
    this.lanes = this.#listed.map(({ name }) => name)
    this.deadLetters = parts.makeLetters((items) => this.#put(items))
    const whenFull = options.quota?.whenFull ?? 'block'
    this.#dropping = new Dropping({
      clock: options.runtime.clock,
      ageMsMax: limits.ageMsMax,
      whenFull,
      lanes: this.#listed,
      isDone: (lane, offset) => registry.isDone(lane, offset),
      isLeased: (lane, offset) => registry.isLeased(lane, offset),
      drop: (drop) => this.#drop(drop),
    })
    this.#line = new PutLine({
      ...limits,
      directory: options.directory,
      whenFull,
      usage: () => this.#usage(),
      store: (put) => this.#store(put),
      isReady: () => !parts.reserve.isMissing,
      makeReady: () => parts.reserve.restore(),
      sweep: () => this.#dropping.sweep(),
      makeRoom: (needed, lowest) => this.#dropping.makeRoom(needed, lowest),
    })
    this.#advance()
    this.#armSweep()
  }

  get drops(): DropLog {
    return this.#parts.drops
  }

  put(items: readonly NewItem[], options: PutOptions = {}): Promise<readonly ItemPlace[]> {
    return this.#put(items, options)
  }

  async consumer(name: string, options: { readonly from?: 'start' | 'end' } = {}): Promise<QueueConsumer> {
    this.#throwIfClosed()
    checkName('consumer', name)
    return this.#inTurn(async () => {
      this.#throwIfClosed()
      const { registry } = this.#parts
      const known = registry.get(name)
      if (known?.consumer !== undefined) throw millraceError('QUEUE_CONSUMER_BUSY', { consumer: name })
      const registered = known ?? (await registry.register(name, options.from ?? 'start'))
      for (const progress of registered.progress)
        progress.restart(await progress.lane.markAt(progress.doneBefore))
      this.#advance()
      registered.consumer = this.#open(registered)
      return registered.consumer
    })
  }

  async removeConsumer(name: string): Promise<void> {
    this.#throwIfClosed()
    await this.#inTurn(async () => {
      const { registry } = this.#parts
      if (registry.get(name)?.consumer !== undefined)
        throw millraceError('QUEUE_CONSUMER_BUSY', { consumer: name })
      await registry.remove(name)
      this.#advance()
    })
  }

  async read(name: string, offset: number, limits?: ReadLimits): Promise<readonly StoredItem[]> {
    this.#throwIfClosed()
    const lane = this.#laneNamed(name, this.#parts.lanes)
    // Not by `pages`, which would bring an offset that is not there any more into the lane without a word.
    const items = (await lane.log.read(offset, limits)).map(decodeItem)
    return items.flatMap((item) => (item === undefined ? [] : [storedItem(name, item)]))
  }

  status(): QueueStatus {
    const { lanes, registry, drops, reserve, alarms } = this.#parts
    const { count, bytes } = this.#usage()
    return {
      lanes: lanes.map(laneStatusOf),
      consumers: registry.status(),
      count,
      bytes,
      waitingPuts: this.#line.size,
      deadLetters: { count: this.deadLetters.count, bytes: this.deadLetters.bytes },
      drops: drops.totals,
      isDiskFull: reserve.isDiskFull,
      alarms: alarms.all,
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const { registry, lanes, drops, table } = this.#parts
    this.#cancelSweep?.()
    await this.#line.close(this.#closedError())
    await this.#registering
    await this.#dropping.settle()
    for (const { consumer, writer } of registry.all) {
      await consumer?.close()
      await writer.close()
    }
    await this.deadLetters.close()
    await drops.close()
    for (const lane of lanes) await lane.close()
    await table.close()
  }

  async #put(
    items: readonly ItemDraft[],
    { signal, durability = 'disk' }: PutOptions = {},
  ): Promise<readonly ItemPlace[]> {
    this.#throwIfClosed()
    const { itemBytesMax, segmentBytesMax } = this.#parts.limits
    const drafts = items.map((item) => ({
      lane: this.#laneNamed(item.lane ?? this.#laneDefault, this.#listed),
      draft: sizeItem(item, itemBytesMax),
    }))
    if (drafts.length === 0) return []
    for (const ofLane of Map.groupBy(drafts, ({ lane }) => lane).values())
      checkPut(
        ofLane.map(({ draft }) => draft),
        segmentBytesMax,
      )
    const bytes = drafts.reduce((sum, { draft }) => sum + draft.bytes, 0)
    const urgencies = drafts.map(({ lane }) => this.#listed.indexOf(lane))
    const lowest = this.#listed[Math.max(...urgencies)] as Lane
    return abortable(this.#line.put({ drafts, bytes, lowest, durability }, signal), signal)
  }

  get #laneDefault(): string {
    return this.lanes.includes('normal') ? 'normal' : (this.lanes.at(-1) ?? '')
  }

  #laneNamed(name: string, lanes: readonly Lane[]): Lane {
    const lane = lanes.find((each) => each.name === name)
    if (lane !== undefined) return lane
    throw millraceError('QUEUE_LANE_UNKNOWN', {
      lane: name,
      lanes: lanes.map((each) => each.name).join(', '),
    })
  }

  /** Every lane all or none. */
  async #store({ drafts, durability }: PutDraft): Promise<readonly ItemPlace[]> {
    const places: ItemPlace[] = []
    const indexed = drafts.map((each, index) => ({ ...each, index }))
    const writes = [...Map.groupBy(indexed, ({ lane }) => lane)].map(async ([lane, ofLane]) => {
      const baseOffset = await lane.append(
        ofLane.map(({ draft }) => draft),
        durability,
      )
      ofLane.forEach(({ index }, position) => {
        places[index] = { lane: lane.name, offset: baseOffset + position }
      })
    })
    const outcomes = await Promise.allSettled(writes)
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    this.#parts.reserve.note(failed?.reason)
    for (const { consumer } of this.#parts.registry.all) consumer?.serve()
    this.#line.wake()
    this.#armSweep()
    if (failed !== undefined) throw failed.reason
    return places
  }

  /** Recorded, then durable as the lane's floor, then so. */
  async #drop({ lane, why, to, count, bytes }: HeadDrop): Promise<void> {
    const { drops, table, reserve, registry } = this.#parts
    const from = lane.head.offset
    if (count > 0) await drops.record([{ why, lane: lane.name, from, to: to.offset, count, bytes }])
    await reserve.write(() => table.put([{ key: `floor/${lane.name}`, value: fact(to.offset) }]))
    lane.floor = to
    for (const { progress, consumer, writer } of registry.all) {
      const ofLane = progress.find((each) => each.lane === lane)
      if (ofLane === undefined) continue
      // The floor says it all; this only forgets what was known of the dropped items. The next drop tries it again.
      writer.write((change) => change.done(ofLane.cursor, { from: 0, to: to.offset })).catch(() => undefined)
      if (consumer === undefined) ofLane.settle()
      else consumer.dropBelowFloor(ofLane)
    }
    this.#advance()
  }

  /** Cursors have moved: room for puts, and for the disk. */
  #advance(): void {
    const { registry, alarms, reserve } = this.#parts
    for (const lane of this.#listed) {
      const head = registry.headOf(lane) ?? (lane.floor.offset > lane.head.offset ? lane.floor : lane.head)
      if (head.offset === lane.head.offset) continue
      lane.head = head
      void lane
        .trim()
        .then(async () => {
          if (lane.trimFailure === undefined)
            return this.#closing === undefined ? reserve.restore() : undefined
          alarms.add('space-not-freed', `lane ${lane.name}: ${lane.trimFailure}`)
        })
        .catch((error: unknown) => alarms.add('space-not-freed', errorText(error)))
    }
    this.#line.wake()
  }

  #usage(): Usage {
    let [count, bytes] = [0, 0]
    for (const lane of this.#listed) {
      const outstanding = this.#parts.registry.outstandingIn(lane)
      count += outstanding === undefined ? lane.count : outstanding + lane.inFlightCount
      bytes += lane.bytes
    }
    return { count, bytes }
  }

  #open(registered: Registered): Consumer {
    const { options, limits, drops, alarms } = this.#parts
    return new Consumer({
      ...limits,
      name: registered.name,
      directory: options.directory,
      runtime: options.runtime,
      lanes: registered.progress,
      writer: registered.writer,
      drops,
      letters: this.deadLetters,
      onAdvance: () => this.#advance(),
      onAlarm: (kind, text) => alarms.add(kind, text),
      onClose: () => {
        registered.consumer = undefined
      },
    })
  }

  /** While there are items: expiry and age do not wait for a put or a take. */
  #armSweep(): void {
    if (this.#cancelSweep !== undefined || this.#closing !== undefined) return
    if (!this.#listed.some((lane) => lane.head.offset < lane.log.endOffset)) return
    const everyMs = Math.min(SWEEP_MS_MAX, Math.max(SWEEP_MS_MIN, this.#parts.limits.ageMsMax / 16))
    this.#cancelSweep = this.#parts.options.runtime.scheduler.after(everyMs, () => {
      this.#dropping
        .sweep()
        .catch((error: unknown) => this.#parts.alarms.add('lane-failed', errorText(error)))
        .finally(() => {
          this.#cancelSweep = undefined
          this.#armSweep()
        })
    })
  }

  #inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const run = this.#registering.then(act)
    this.#registering = run.catch(() => undefined)
    return run
  }

  #throwIfClosed(): void {
    if (this.#closing !== undefined) throw this.#closedError()
  }

  #closedError() {
    return millraceError('QUEUE_CLOSED', { what: 'queue', directory: this.#parts.options.directory })
  }
}

function storedItem(lane: string, item: LaneItem): StoredItem {
  const { offset, key, value, putAtMs, expiresAtMs, notBeforeMs } = item
  return { lane, offset, key, value, putAtMs, expiresAtMs, notBeforeMs }
}

function laneStatusOf(lane: Lane): LaneStatus {
  const { name, isListed, head, log, count, bytes } = lane
  return {
    lane: name,
    isListed,
    headOffset: head.offset,
    startOffset: log.startOffset,
    endOffset: log.endOffset,
    count,
    bytes,
    diskBytes: log.bytes,
    gaps: log.gaps,
  }
}
