import { millraceError } from '@millrace/kernel'
import type { LogTable, TableEntry } from '../table/table.ts'
import { type Consumer, laneStatusOf } from './consumer.ts'
import { CursorWriter } from './cursor-writer.ts'
import type { Lane, LaneMark } from './lane.ts'
import { fact, LaneCursor } from './lane-cursor.ts'
import { LaneProgress } from './lane-progress.ts'
import type { ConsumerStatus, ItemPlace } from './queue.ts'
import type { SpaceReserve } from './space-reserve.ts'

/** A consumer that the queue knows, open or not. */
export interface Registered {
  readonly name: string
  /** In all lanes that it ever had a cursor in. */
  readonly cursors: ReadonlyMap<string, LaneCursor>
  /** In the listed lanes. */
  readonly progress: readonly LaneProgress[]
  readonly writer: CursorWriter
  consumer: Consumer | undefined
}

export interface RegistryOptions {
  readonly table: LogTable
  readonly reserve: SpaceReserve
  /** The listed lanes, the most urgent first. */
  readonly lanes: readonly Lane[]
  readonly countMax: number
  /** Cursors were lost: nobody knows what a consumer without one has seen. */
  readonly isDamaged: boolean
}

/** The consumers of a queue and their cursors. */
export class Registry {
  readonly #options: RegistryOptions
  readonly #registered = new Map<string, Registered>()

  constructor(options: RegistryOptions) {
    this.#options = options
  }

  get all(): readonly Registered[] {
    return [...this.#registered.values()]
  }

  get(name: string): Registered | undefined {
    return this.#registered.get(name)
  }

  /** Takes over a consumer as it was found. A lane without a cursor is newer than the consumer: it sees all of it. */
  async restore(name: string, cursors: ReadonlyMap<string, LaneCursor>): Promise<void> {
    const all = new Map(cursors)
    for (const { name: lane } of this.#options.lanes)
      if (!all.has(lane)) all.set(lane, new LaneCursor(name, lane))
    await this.#add(name, all)
  }

  /** Registers a consumer durably. QUEUE_LIMIT_REACHED. */
  async register(name: string, from: 'start' | 'end'): Promise<Registered> {
    const { table, reserve, lanes, countMax, isDamaged } = this.#options
    if (this.#registered.size >= countMax)
      throw millraceError('QUEUE_LIMIT_REACHED', {
        what: 'consumers',
        limit: countMax,
        setting: 'consumersMax',
      })
    const cursors = new Map<string, LaneCursor>()
    const entries: TableEntry[] = [{ key: `consumer/${name}`, value: fact({}) }]
    for (const lane of lanes) {
      const cursor = new LaneCursor(name, lane.name)
      const isAtEnd = from === 'end' && !isDamaged
      cursor.doneBefore = isAtEnd ? lane.log.endOffset : Math.max(lane.log.startOffset, lane.floor.offset)
      cursors.set(lane.name, cursor)
      entries.push({ key: cursor.key('cursor'), value: fact(cursor.doneBefore) })
    }
    await reserve.write(() => table.put(entries))
    return this.#add(name, cursors)
  }

  /** Forgets a consumer durably. QUEUE_CONSUMER_UNKNOWN. */
  async remove(name: string): Promise<void> {
    const registered = this.#registered.get(name)
    if (registered === undefined) throw millraceError('QUEUE_CONSUMER_UNKNOWN', { consumer: name })
    const keys = [...registered.cursors.values()].flatMap((cursor) => [...cursor.keys()])
    const entries = [`consumer/${name}`, ...keys].map((key) => ({ key }))
    await this.#options.reserve.write(() => this.#options.table.put(entries))
    this.#registered.delete(name)
  }

  /** The oldest place in a lane that some consumer needs; undefined without consumers. */
  headOf(lane: Lane): LaneMark | undefined {
    let head: LaneMark | undefined
    for (const { progress } of this.#registered.values()) {
      const mark = progress.find((each) => each.lane === lane)?.mark
      if (mark !== undefined && (head === undefined || mark.offset < head.offset)) head = mark
    }
    return head
  }

  /** Items of a lane that the consumer which is furthest behind has before it; undefined without consumers. */
  outstandingIn(lane: Lane): number | undefined {
    let most: number | undefined
    for (const { progress } of this.#registered.values()) {
      const count = progress.find((each) => each.lane === lane)?.outstanding
      if (count !== undefined && (most === undefined || count > most)) most = count
    }
    return most
  }

  isDone(lane: Lane, offset: number): boolean {
    const ofLane = this.#progressIn(lane)
    return ofLane.length > 0 && ofLane.every((progress) => progress.isDone(offset))
  }

  /** True also for a consumer or a lane that is not known. */
  isDoneFor(consumer: string, { lane, offset }: ItemPlace): boolean {
    const progress = this.#registered.get(consumer)?.progress.find((each) => each.lane.name === lane)
    return progress?.isDone(offset) ?? true
  }

  isLeased(lane: Lane, offset: number): boolean {
    return this.#progressIn(lane).some(({ items }) => {
      const state = items.get(offset)?.state
      return state === 'taking' || state === 'leased' || state === 'settling'
    })
  }

  status(): readonly ConsumerStatus[] {
    return this.all.map(
      ({ name, progress, consumer }) =>
        consumer?.status() ?? {
          consumer: name,
          isOpen: false,
          waitingTakes: 0,
          lanes: progress.map(laneStatusOf),
        },
    )
  }

  async #add(name: string, cursors: ReadonlyMap<string, LaneCursor>): Promise<Registered> {
    const progress: LaneProgress[] = []
    for (const lane of this.#options.lanes) {
      const cursor = cursors.get(lane.name)
      if (cursor === undefined) continue
      progress.push(new LaneProgress(lane, cursor, await lane.markAt(cursor.doneBefore)))
    }
    const writer = new CursorWriter(this.#options.table, this.#options.reserve)
    const registered: Registered = { name, cursors, progress, writer, consumer: undefined }
    this.#registered.set(name, registered)
    return registered
  }

  #progressIn(lane: Lane): readonly LaneProgress[] {
    return this.all.flatMap(({ progress }) => progress.filter((each) => each.lane === lane))
  }
}
