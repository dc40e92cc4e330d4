import { isMillraceError } from '@millrace/kernel'
import type { LogGap } from '../log.ts'
import { openLogTable } from '../table/log-table.ts'
import type { LogTable, TableEntry } from '../table/table.ts'
import { AlarmList } from './alarm-list.ts'
import { CursorWriter } from './cursor-writer.ts'
import { DeadLetters } from './dead-letters.ts'
import { DropLog } from './drop-log.ts'
import { DurableQueue, type QueueParts } from './durable-queue.ts'
import { Lane, RECORD_EXTRA_BYTES } from './lane.ts'
import { fact, LaneCursor } from './lane-cursor.ts'
import type { Queue, QueueOptions } from './queue.ts'
import { isName, limitsOf, type QueueLimits } from './queue-checks.ts'
import { type FittedCursor, fitCursor, loadState, type QueueState } from './queue-state.ts'
import { Registry } from './registry.ts'
import { SpaceReserve } from './space-reserve.ts'

const LANES_DEFAULT = ['normal']
const LETTERS = 'dead-letters'
/** The letters have a cursor of their own; no consumer can have this name. */
const LETTERS_CURSOR = '!letters'
const LETTER_HEAD_BYTES_MAX = 16 * 1024
const STATE_RECORD_BYTES_MAX = 4 * 1024
const STATE_BYTES_MIN = 1024 * 1024

/**
 * Opens the queue in a directory, or begins one there. Reads the cursors, and of each lane what `openLog` reads and its
 * first and last items; not what is in between, however much that is.
 *
 * @throws QUEUE_OPTION_INVALID, QUEUE_NAME_INVALID, and what `openLog` throws. DISK_FULL for a new queue, and if a cursor
 * is ahead of its lane, which must be corrected before anything is put.
 */
export async function openQueue(options: QueueOptions): Promise<Queue> {
  const limits = limitsOf(options)
  const opened: { close(): Promise<unknown> }[] = []
  const keep = <Part extends { close(): Promise<unknown> }>(part: Part): Part => {
    opened.push(part)
    return part
  }
  try {
    return await openParts(options, limits, keep)
  } catch (error) {
    for (const part of opened.reverse()) await part.close()
    throw error
  }
}

type Keep = <Part extends { close(): Promise<unknown> }>(part: Part) => Part

async function openParts(options: QueueOptions, limits: QueueLimits, keep: Keep): Promise<Queue> {
  const { files, directory, runtime } = options
  await files.makeDirectory(directory)
  // The table comes first, because its lock is the queue's: of two processes, one gets no further.
  const place = { files, runtime, directory: `${directory}/state` }
  const sizes = { recordBytesMax: STATE_RECORD_BYTES_MAX, rewriteBytesMin: STATE_BYTES_MIN }
  const table = keep(await openLogTable({ ...place, ...sizes }))
  const reserve = new SpaceReserve(files, directory, limits.reserveBytes)
  const lanes: Lane[] = []
  for (const name of await laneNames(options)) lanes.push(keep(await openLane(options, limits, name)))
  const dropPlace = { files, runtime, directory: `${directory}/drops`, bytesMax: limits.dropRecordBytesMax }
  const drops = keep(await DropLog.open({ ...dropPlace, reserve }))
  const hasLetters = (await files.list(`${directory}/${LETTERS}`)).length > 0
  const letterLane = hasLetters ? keep(await openLetterLane(options, limits)) : undefined
  await reserve.restore()
  return assemble({ options, limits, table, reserve, lanes, drops, letterLane })
}

interface Opened extends Omit<QueueParts, 'registry' | 'alarms' | 'makeLetters'> {
  readonly letterLane: Lane | undefined
}

/** Brings the state and the lanes together: what the table says must fit what is there. */
async function assemble({ letterLane, ...parts }: Opened): Promise<Queue> {
  const { options, limits, table, reserve, lanes, drops } = parts
  const alarms = new AlarmList(options.runtime.clock)
  const isDamaged = noteDamage(table, lanes, alarms)
  const state = await loadState(table)
  const fitted = fitState(state, letterLane === undefined ? lanes : [...lanes, letterLane], alarms)
  await writeFitted(fitted, table, reserve)
  for (const lane of lanes) await recordLosses(lane, state, parts)
  for (const lane of lanes) {
    lane.floor = await lane.markAt(fitted.floors.get(lane.name) ?? 0)
    lane.head = lane.floor
  }
  const listed = lanes.filter(({ isListed }) => isListed)
  const countMax = limits.consumersMax
  const registry = new Registry({ table, reserve, lanes: listed, countMax, isDamaged })
  for (const name of new Set([...state.consumers, ...fitted.cursors.keys()]))
    if (name !== LETTERS_CURSOR) await registry.restore(name, fitted.cursors.get(name) ?? new Map())
  const letters = {
    openLane: async () => letterLane ?? openLetterLane(options, limits),
    cursor: fitted.cursors.get(LETTERS_CURSOR)?.get(LETTERS) ?? new LaneCursor(LETTERS_CURSOR, LETTERS),
    writer: new CursorWriter(table, reserve),
    drops,
    reserve,
    bytesMax: limits.deadLetterBytesMax,
  }
  const makeLetters: QueueParts['makeLetters'] = (put) => new DeadLetters({ ...letters, put })
  const queue = new DurableQueue({ ...parts, registry, alarms, makeLetters })
  if (letterLane !== undefined)
    await queue.deadLetters.load((consumer, place) => registry.isDoneFor(consumer, place))
  return queue
}

/** The listed lanes in their order, then those that are only on the disk. */
async function laneNames({
  files,
  directory,
  lanes = LANES_DEFAULT,
}: QueueOptions): Promise<readonly string[]> {
  await files.makeDirectory(`${directory}/lanes`)
  const found = await files.list(`${directory}/lanes`)
  return [...lanes, ...found.filter((name) => isName(name) && !lanes.includes(name)).sort()]
}

function openLane(options: QueueOptions, limits: QueueLimits, name: string): Promise<Lane> {
  return Lane.open({
    ...placeOf(options, `lanes/${name}`),
    name,
    isListed: (options.lanes ?? LANES_DEFAULT).includes(name),
    segmentBytesMax: limits.segmentBytesMax,
    recordBytesMax: limits.itemBytesMax + RECORD_EXTRA_BYTES,
    ageMsMax: limits.ageMsMax,
  })
}

function openLetterLane(options: QueueOptions, limits: QueueLimits): Promise<Lane> {
  const recordBytesMax = limits.itemBytesMax + LETTER_HEAD_BYTES_MAX
  const segmentBytesMax = Math.max(limits.segmentBytesMax, 2 * recordBytesMax)
  const sizes = { segmentBytesMax, recordBytesMax, ageMsMax: Number.POSITIVE_INFINITY }
  return Lane.open({ ...placeOf(options, LETTERS), name: LETTERS, isListed: false, ...sizes })
}

function placeOf({ files, runtime, directory }: QueueOptions, folder: string) {
  return { files, runtime, directory: `${directory}/${folder}` }
}

/** True if cursors may be missing: nobody knows then what was acknowledged, so everything that is there comes again. */
function noteDamage(table: LogTable, lanes: readonly Lane[], alarms: AlarmList): boolean {
  const hasItems = lanes.some(({ log }) => log.endOffset > 0)
  for (const { name, isListed, log } of lanes) {
    const kept = `its items from ${log.startOffset} to ${log.endOffset} are kept, and not handed out`
    if (!isListed) alarms.add('unknown-lane', `lane ${name} is on the disk but not in the options: ${kept}`)
    for (const { from, to, reason } of log.gaps.filter(({ isPast = false }) => !isPast))
      alarms.add('items-lost', `lane ${name} lost ${from} up to, not including, ${to}: ${reason}`)
  }
  const damage =
    table.damage ?? (table.isNew && hasItems ? 'the cursors are missing, the items are not' : undefined)
  if (damage === undefined) return false
  alarms.add('state-damaged', `cursors may be old or missing, so items may come twice: ${damage}`)
  return true
}

interface FittedState {
  readonly cursors: ReadonlyMap<string, ReadonlyMap<string, LaneCursor>>
  readonly floors: ReadonlyMap<string, number>
  readonly entries: readonly TableEntry[]
  readonly isUrgent: boolean
}

/** Cursors and floors, each brought into its lane. Those of lanes that are not there are left alone. */
function fitState(state: QueueState, lanes: readonly Lane[], alarms: AlarmList): FittedState {
  const cursors = new Map<string, Map<string, LaneCursor>>()
  const floors = new Map<string, number>()
  const entries: TableEntry[] = []
  let isUrgent = false
  for (const lane of lanes) {
    const { endOffset } = lane.log
    const floor = Math.min(state.floors.get(lane.name) ?? 0, endOffset)
    floors.set(lane.name, floor)
    if (floor < (state.floors.get(lane.name) ?? 0)) {
      isUrgent = true
      entries.push({ key: `floor/${lane.name}`, value: fact(floor) })
    }
    for (const [consumer, raws] of state.cursors) {
      const raw = raws.get(lane.name)
      if (raw === undefined) continue
      const fitted = fitCursor(raw, lane.log, floor)
      cursors.set(
        consumer,
        (cursors.get(consumer) ?? new Map<string, LaneCursor>()).set(lane.name, fitted.cursor),
      )
      entries.push(...fitted.entries)
      if (fitted.wasBeyondEnd) {
        isUrgent = true
        alarms.add('cursor-beyond-end', beyondEnd(fitted, consumer, endOffset))
      }
    }
  }
  return { cursors, floors, entries, isUrgent }
}

function beyondEnd({ cursor }: FittedCursor, consumer: string, endOffset: number): string {
  const what = `${consumer} had been further in lane ${cursor.lane} than its end, ${endOffset}`
  return `${what}: the lane lost its end, and the consumer goes on with what is put from now on`
}

/**
 * What was found to be missing now is recorded once, whether a consumer will come to it or not. What the log had left
 * behind earlier was either recorded then, or never waited for the disk. If the disk is too full for that, each consumer
 * that comes to it records it.
 */
async function recordLosses(
  { name, log, holes }: Lane,
  { lost }: QueueState,
  { drops, table, reserve }: Pick<QueueParts, 'drops' | 'table' | 'reserve'>,
): Promise<void> {
  const isRecorded = (gap: LogGap) => gap.isPast === true || lost.get(name)?.covers(gap) === true
  const gaps = log.gaps.filter((gap) => !isRecorded(gap))
  for (const gap of log.gaps.filter(isRecorded)) holes.add(gap)
  if (gaps.length === 0) return
  try {
    await drops.record(
      gaps.map(({ from, to }) => ({ why: 'damaged', lane: name, from, to, count: to - from, bytes: 0 })),
    )
    const entries = gaps.map(({ from, to }) => ({ key: `lost/${name}/${from}`, value: fact(to) }))
    await reserve.write(() => table.put(entries))
    for (const gap of gaps) holes.add(gap)
  } catch (error) {
    if (!isMillraceError(error, 'DISK_FULL')) throw error
  }
}

/** Before new items get offsets that a cursor says are done. Without such a cursor it can wait for more space. */
async function writeFitted(fitted: FittedState, table: LogTable, reserve: SpaceReserve): Promise<void> {
  const { entries, isUrgent } = fitted
  if (entries.length === 0) return
  await reserve
    .write(() => table.put(entries))
    .catch((error: unknown) => {
      if (isUrgent) throw error
    })
}
