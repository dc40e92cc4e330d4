import { assert, type Runtime } from '@millrace/kernel'
import type { Files } from '../files.ts'
import type { Durability, Log, LogRecord, NewRecord } from '../log.ts'
import { openLog } from '../open-log.ts'
import type { LogTable, PutOptions, TableEntry } from './table.ts'

/** Options of {@link openLogTable}. */
export interface LogTableOptions {
  readonly files: Files
  readonly runtime: Runtime
  readonly directory: string
  /** A log smaller than this is not rewritten. Default: 4 MiB. */
  readonly rewriteBytesMin?: number
  readonly recordBytesMax: number
  /** See `LogOptions`. Default: 64 MiB. */
  readonly segmentBytesMax?: number
  /** See `LogOptions`; one put may not be larger. */
  readonly pendingBytesMax?: number
  /** See `LogOptions`. */
  readonly allocateAheadBytesMax?: number
}

const REWRITE_BYTES_MIN_DEFAULT = 4 * 1024 * 1024
/** What one page of a scan, and one append that gathers several puts, may hold. */
const PAGE_BYTES_MAX = 1024 * 1024
const REMOVED = new Uint8Array([0])

const encoder = new TextEncoder()
const decoder = new TextDecoder()

type SideName = 'a' | 'b'

/** One of the two logs of a table, as it was found. */
interface Side {
  readonly name: SideName
  readonly log: Log
  /** 0 for an empty one. */
  readonly generation: number
  /** Everything that was to be copied into it is there. */
  readonly complete: boolean
  readonly index: Map<string, number>
}

interface PendingPut {
  readonly entries: readonly TableEntry[]
  readonly durability: Durability
  readonly done: PromiseWithResolvers<void>
}

/**
 * A table on a log: each change is a record, and memory holds where the last value of each key is. When the log has
 * grown to twice of what lives in it, the living entries are copied into a second log, which takes over with the record
 * that says "complete"; then the first one is removed. A crash anywhere in between leaves one of the two complete.
 */
export async function openLogTable(options: LogTableOptions): Promise<LogTable> {
  const sides: Side[] = []
  try {
    for (const name of ['a', 'b'] as const) {
      const names = await options.files.list(`${options.directory}/${name}`)
      if (names.length > 0) sides.push(await openSide(options, name))
    }
    const [best, other] = sides.sort(byWorth)
    if (other !== undefined) {
      await other.log.close()
      await wipe(options, other.name)
    }
    if (best === undefined) sides.push(await openSide(options, 'a'))
    const side = best ?? (sides[0] as Side)
    const isNew = side.generation === 0 && side.index.size === 0
    // Nothing to copy into it: a new table's log is complete from the beginning.
    if (isNew) await side.log.append([marker(1), marker(1)])
    return new TableOnLog(options, side, isNew)
  } catch (error) {
    for (const { log } of sides) await log.close()
    throw error
  }
}

class TableOnLog implements LogTable {
  readonly isNew: boolean
  readonly damage: string | undefined
  readonly #options: LogTableOptions
  #side: SideName
  #log: Log
  #generation: number
  readonly #index: Map<string, number>
  #rewriteAtBytes: number
  #pending: PendingPut[] = []
  #writing: Promise<void> | undefined

  constructor(options: LogTableOptions, side: Side, isNew: boolean) {
    const { name, log, generation, index } = side
    this.isNew = isNew
    this.damage = damageOf(side, isNew)
    this.#options = options
    this.#side = name
    this.#log = log
    this.#generation = Math.max(1, generation)
    this.#index = index
    this.#rewriteAtBytes = options.rewriteBytesMin ?? REWRITE_BYTES_MIN_DEFAULT
  }

  async *load(): AsyncGenerator<readonly Required<TableEntry>[]> {
    for await (const records of pagesOf(this.#log)) yield this.#living(records).map(toEntry)
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const offset = this.#index.get(key)
    if (offset === undefined) return undefined
    const [record] = await this.#log.read(offset, { countMax: 1 })
    return record?.offset === offset ? record.value.subarray(1) : undefined
  }

  put(entries: readonly TableEntry[], { durability = 'disk' }: PutOptions = {}): Promise<void> {
    const done = Promise.withResolvers<void>()
    this.#pending.push({ entries, durability, done })
    this.#writing ??= this.#write()
    return done.promise
  }

  async close(): Promise<void> {
    await this.#writing
    await this.#log.close()
  }

  /** Writes what is pending, several puts to an append, until nothing is left. */
  async #write(): Promise<void> {
    // A turn later, so that everything that is put in the same turn shares the first append.
    await undefined
    for (let puts = this.#takePuts(); puts.length > 0; puts = this.#takePuts()) {
      try {
        await this.#append(
          puts.flatMap((put) => put.entries),
          strongest(puts),
        )
        for (const { done } of puts) done.resolve()
      } catch (error) {
        for (const { done } of puts) done.reject(error)
      }
      if (this.#log.bytes > this.#rewriteAtBytes) await this.#rewrite()
    }
    this.#writing = undefined
  }

  #takePuts(): readonly PendingPut[] {
    let bytes = 0
    const count = this.#pending.findIndex(({ entries }) => {
      for (const { value } of entries) bytes += value?.length ?? 0
      return bytes > PAGE_BYTES_MAX
    })
    return this.#pending.splice(0, count === -1 ? this.#pending.length : Math.max(1, count))
  }

  async #append(entries: readonly TableEntry[], durability: Durability): Promise<void> {
    if (entries.length === 0) return
    const { baseOffset } = await this.#log.append(entries.map(toRecord), { durability })
    entries.forEach(({ key, value }, index) => {
      if (value === undefined) this.#index.delete(key)
      else this.#index.set(key, baseOffset + index)
    })
  }

  /** Copies what lives into the other log. If that fails (disk full, say), this one goes on and it is tried later. */
  async #rewrite(): Promise<void> {
    const name = this.#side === 'a' ? 'b' : 'a'
    let target: Log | undefined
    try {
      await wipe(this.#options, name)
      target = await openTableLog(this.#options, name)
      await this.#copyTo(target)
    } catch {
      this.#rewriteAtBytes = this.#log.bytes * 2
      await target?.close().catch(() => undefined)
      return
    }
    const [oldName, oldLog] = [this.#side, this.#log]
    this.#side = name
    this.#log = target
    this.#generation += 1
    this.#rewriteAtBytes = Math.max(
      this.#options.rewriteBytesMin ?? REWRITE_BYTES_MIN_DEFAULT,
      target.bytes * 2,
    )
    // The old log is behind from now on, whatever is left of it: the next start, or rewrite, removes the rest.
    await oldLog.close().catch(() => undefined)
    await wipe(this.#options, oldName).catch(() => undefined)
  }

  /** The index changes only when everything is copied, because a failure must leave it as it was. */
  async #copyTo(target: Log): Promise<void> {
    const moved: [string, number][] = []
    await target.append([marker(this.#generation + 1)])
    for await (const records of pagesOf(this.#log)) {
      const living = this.#living(records)
      if (living.length === 0) continue
      const { baseOffset } = await target.append(
        living.map(({ timestampMs, key, value }) => ({ timestampMs, key, value })),
      )
      living.forEach(({ key }, index) => void moved.push([decoder.decode(key), baseOffset + index]))
    }
    await target.append([marker(this.#generation + 1)])
    assert(moved.length === this.#index.size, 'every entry of a table has a record in its log')
    for (const [key, offset] of moved) this.#index.set(key, offset)
  }

  #living(records: readonly LogRecord[]): KeyedRecord[] {
    return records.filter(
      (record): record is KeyedRecord =>
        record.key !== undefined && this.#index.get(decoder.decode(record.key)) === record.offset,
    )
  }
}

type KeyedRecord = LogRecord & { readonly key: Uint8Array }

async function openSide(options: LogTableOptions, name: SideName): Promise<Side> {
  const log = await openTableLog(options, name)
  const index = new Map<string, number>()
  const generations: number[] = []
  for await (const records of pagesOf(log)) {
    for (const { key, value, offset } of records) {
      if (key === undefined) generations.push(new DataView(value.buffer, value.byteOffset).getFloat64(0))
      else if (value[0] === 0) index.delete(decoder.decode(key))
      else index.set(decoder.decode(key), offset)
    }
  }
  // The marker stands before and behind the copied entries: twice means that none of them is missing.
  return { name, log, generation: generations[0] ?? 0, complete: generations.length === 2, index }
}

function damageOf({ log, complete }: Side, isNew: boolean): string | undefined {
  const gap = log.gaps.find(({ isPast = false }) => !isPast)
  if (gap !== undefined) return `records ${gap.from} up to, not including, ${gap.to}: ${gap.reason}`
  return complete || isNew ? undefined : 'neither of the two logs is complete'
}

/** Puts that share an append share the durability of the one that asks for most. */
function strongest(puts: readonly PendingPut[]): Durability {
  const asked = puts.map(({ durability }) => durability)
  if (asked.includes('disk')) return 'disk'
  return asked.includes('interval') ? 'interval' : 'os'
}

/** First the newer of those that are complete; if none is (a crash in the beginning, a damaged disk), the one that knows more. */
function byWorth(left: Side, right: Side): number {
  if (left.complete !== right.complete) return left.complete ? -1 : 1
  return left.complete ? right.generation - left.generation : right.index.size - left.index.size
}

function openTableLog(
  { rewriteBytesMin: _, directory, ...options }: LogTableOptions,
  name: SideName,
): Promise<Log> {
  return openLog({ ...options, announce: false, directory: `${directory}/${name}` })
}

async function wipe({ files, directory }: LogTableOptions, name: SideName): Promise<void> {
  const path = `${directory}/${name}`
  for (const file of await files.list(path)) await files.remove(`${path}/${file}`)
  await files.syncDirectory(path)
}

async function* pagesOf(log: Log): AsyncGenerator<readonly LogRecord[]> {
  const { endOffset } = log
  for (let next = log.startOffset; next < endOffset; ) {
    const records = await log.read(next, { bytesMax: PAGE_BYTES_MAX })
    const last = records.at(-1)
    if (last === undefined) return
    yield records
    next = last.offset + 1
  }
}

/** The generation of a log: a record without key. */
function marker(generation: number): NewRecord {
  const value = new Uint8Array(8)
  new DataView(value.buffer).setFloat64(0, generation)
  return { value }
}

function toRecord({ key, value }: TableEntry): NewRecord {
  if (value === undefined) return { key: encoder.encode(key), value: REMOVED }
  const tagged = new Uint8Array(value.length + 1)
  tagged[0] = 1
  tagged.set(value, 1)
  return { key: encoder.encode(key), value: tagged }
}

function toEntry({ key, value }: KeyedRecord): Required<TableEntry> {
  return { key: decoder.decode(key), value: value.subarray(1) }
}
