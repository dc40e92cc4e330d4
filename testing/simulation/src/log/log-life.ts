import { errorText, isMillraceError } from '@millrace/kernel'
import { type Durability, followLog, type Log, openLog, openLogReader, type ReadableLog } from '@millrace/log'
import type { MemoryFiles } from '@millrace/memory'
import { quiet } from '../quiet.ts'
import { LOG_DIRECTORY, type LogSettings, readAll } from './inspection.ts'
import type { Fact } from './knowledge.ts'
import type { LightRuntime } from './light-runtime.ts'
import type { LogAction, PlannedAppend } from './log-trace.ts'
import type { RecordBook } from './record-book.ts'
import { fail, Violation } from './violation.ts'

/** What a process that uses a log is started with. */
export interface LifeSurroundings {
  readonly disk: MemoryFiles
  readonly settings: LogSettings
  readonly runtime: LightRuntime
  readonly book: RecordBook
  readonly hasFollower: boolean
  readonly hasReader: boolean
  /** Records may be missing between others. */
  readonly isCompacted: boolean
  readonly tell: (fact: Fact) => void
  readonly note: (what: string) => void
}

/** Virtual time that an action may take before it counts as hanging, in milliseconds. */
const PATIENCE_MS = 120_000
const PATIENCE_STEP_MS = 10_000

/** A process that uses a log, until it is killed or the power fails. */
export class LogLife {
  readonly #around: LifeSurroundings
  #log: Log | undefined
  #isDead = false
  /** True from the first fault on: then calls may fail. */
  #isTroubled = false
  #following: AbortController | undefined
  /** Everything before this offset was to be synced before long. */
  #syncedSoonEnd = 0
  /** What went wrong where nobody waits for it. */
  #escaped: unknown

  constructor(around: LifeSurroundings) {
    this.#around = around
  }

  get isDead(): boolean {
    return this.#isDead
  }

  /** Ends it: what it hears from now on does not count. */
  die(): void {
    this.#isDead = true
    this.#following?.abort()
  }

  /** Opens the log; false if the disk did not let it. */
  async open(): Promise<boolean> {
    const { disk, settings, runtime } = this.#around
    this.#log = await this.#expect(
      'open',
      openLog({ files: disk, directory: LOG_DIRECTORY, runtime, ...settings }),
    )
    if (this.#log === undefined || this.#isDead) return false
    for (const record of await this.#allowing('read', () => readAll(this.#log as Log), []))
      this.#see(record.offset, this.#around.book.identify(record))
    if (this.#around.hasFollower) this.#watch(async () => this.#log)
    if (this.#around.hasReader)
      this.#watch(() => openLogReader({ files: disk, directory: LOG_DIRECTORY, runtime }))
    return true
  }

  /** Does it, and returns when it is over or the process has died. */
  async act(action: LogAction): Promise<void> {
    let isOver = false
    this.#around.book.beginTurn()
    const doing = this.#act(action).finally(() => {
      isOver = true
    })
    doing.catch(() => {})
    for (let waitedMs = 0; !isOver && !this.#isDead; waitedMs += PATIENCE_STEP_MS) {
      await quiet()
      if (isOver || this.#isDead) break
      if (waitedMs > PATIENCE_MS) fail(`${action.kind} does not come to an end`)
      // Before it does, since what follows from the time may be on the disk before this is over.
      this.#around.tell({ kind: 'clock', nowMs: this.#around.runtime.clock.now() + PATIENCE_STEP_MS })
      await this.#around.runtime.advance(PATIENCE_STEP_MS)
    }
    if (!this.#isDead) await doing
    await quiet()
    if (this.#escaped !== undefined) throw this.#escaped
  }

  async #act(action: LogAction): Promise<void> {
    const { disk, runtime } = this.#around
    switch (action.kind) {
      case 'append':
        return this.#append(action.calls)
      case 'read':
        return this.#read(action.share)
      case 'retain':
        return this.#retain()
      case 'trim':
        return this.#trim(action.share)
      case 'sync':
        return this.#sync()
      case 'compact':
        await this.#allowing('compaction', async () => void (await this.#log?.compact()), undefined)
        return
      case 'wait':
        return this.#wait(action.durationMs)
      case 'jump':
        runtime.jump(action.deltaMs)
        return this.#tell({ kind: 'clock', nowMs: runtime.clock.now() })
      case 'reopen':
        await this.close()
        await this.#reopen()
        return
      case 'fault': {
        const { operation, code, path, after, takesBytes } = action.fault
        this.#trouble()
        return disk.failNext(operation, code, { path, after, takesBytes })
      }
      case 'fill':
        this.#trouble()
        disk.diskBytesMax = disk.bytes + action.roomBytes
        return
      case 'empty':
        disk.diskBytesMax = Number.POSITIVE_INFINITY
        return
      case 'together':
        await Promise.all(action.actions.map((each) => this.#act(each)))
        return
      case 'crash':
        return
    }
  }

  #trouble(): void {
    this.#isTroubled = true
    this.#around.tell({ kind: 'trouble' })
  }

  async #append(calls: readonly PlannedAppend[]): Promise<void> {
    const offsets = await Promise.all(calls.map((call) => this.#appendOne(call)))
    const taken = offsets.filter((offset) => offset !== undefined)
    taken.forEach((offset, index) => {
      const before = taken[index - 1]
      if (before !== undefined && offset <= before)
        fail(`appends were given offsets ${taken.join()}, in this order`)
    })
  }

  async #appendOne({ shapes, durability }: PlannedAppend): Promise<number | undefined> {
    const { book, runtime, settings } = this.#around
    const log = this.#log
    if (log === undefined) return undefined
    this.#tell({ kind: 'clock', nowMs: runtime.clock.now() })
    const numbers = book.book(shapes, runtime.clock.now())
    try {
      const { baseOffset, count } = await log.append(
        book.records(numbers),
        durability === undefined ? {} : { durability },
      )
      if (this.#isDead) return undefined
      if (count !== numbers.length) fail(`${numbers.length} records were appended, and ${count} acknowledged`)
      this.#acknowledged(baseOffset, numbers, durability ?? settings.durability ?? 'disk')
      return baseOffset
    } catch (error) {
      if (this.#isDead) return undefined
      this.#refused(numbers, error)
      return undefined
    }
  }

  /** What is acknowledged as durable makes everything before it durable, too; and the log must know it. */
  #acknowledged(baseOffset: number, numbers: readonly number[], durability: Durability): void {
    const end = baseOffset + numbers.length
    const durableOffset = this.#log?.durableOffset ?? 0
    this.#tell({ kind: 'acknowledged', baseOffset, numbers, isDurable: end <= durableOffset })
    if (durability === 'disk' && durableOffset < end)
      fail(
        `the append of offset ${baseOffset} was to be durable, and the log says that ${durableOffset} is not`,
      )
    if (durability !== 'os') this.#syncedSoonEnd = Math.max(this.#syncedSoonEnd, end)
    this.#tellDurable(durableOffset)
  }

  /** Refused is not written; but for two codes that say that nobody knows. */
  #refused(numbers: readonly number[], error: unknown): void {
    if (!this.#isTroubled) fail(`an append was refused on a disk without faults: ${errorText(error)}`)
    if (isMillraceError(error, 'DISK_FULL') || isMillraceError(error, 'LOG_CLOSED'))
      this.#tell({ kind: 'refused', numbers })
    else if (!isMillraceError(error, 'LOG_STORAGE_FAILED')) throw error
  }

  async #read(share: number): Promise<void> {
    const log = this.#log
    if (log === undefined) return
    const from = log.startOffset + Math.floor(share * (log.endOffset - log.startOffset))
    const read = async () => {
      const records = await log.read(from, { bytesMax: 2000 })
      for (const record of records) this.#see(record.offset, this.#around.book.identify(record))
    }
    await this.#allowing('read', read, undefined)
  }

  /** When the interval has passed, everything that asked for it is on the disk. */
  async #wait(durationMs: number): Promise<void> {
    const { runtime, settings } = this.#around
    const end = this.#syncedSoonEnd
    await runtime.advance(durationMs)
    if (this.#isDead) return
    this.#tell({ kind: 'clock', nowMs: runtime.clock.now() })
    if (this.#log === undefined) return
    if (
      durationMs >= (settings.syncIntervalMsMax ?? 1000) &&
      !this.#isTroubled &&
      this.#log.durableOffset < end
    )
      fail(
        `${durationMs} ms after offset ${end - 1} was appended only ${this.#log.durableOffset} are durable`,
      )
    this.#tellDurable(this.#log.durableOffset)
  }

  async #sync(): Promise<void> {
    const log = this.#log
    if (log === undefined) return
    const end = log.endOffset
    const synced = async () => {
      await log.sync()
      this.#tellDurable(end)
    }
    await this.#allowing('sync', synced, undefined)
  }

  async #trim(share: number): Promise<void> {
    const log = this.#log
    if (log === undefined) return
    const offset = log.startOffset + Math.floor(share * (log.endOffset - log.startOffset + 1))
    this.#tell({ kind: 'trimmed', offset })
    const trimmed = async () => {
      const { startOffset } = await log.trimBefore(offset)
      if (startOffset > Math.max(offset, log.startOffset))
        fail(`what was kept by trimBefore(${offset}) is gone`)
      this.#tell({ kind: 'removed', offset: startOffset })
    }
    await this.#allowing('trim', trimmed, undefined)
  }

  async #retain(): Promise<void> {
    const log = this.#log
    if (log === undefined) return
    const retained = async () => {
      const { startOffset } = await log.applyRetention()
      this.#tell({ kind: 'removed', offset: startOffset })
    }
    await this.#allowing('retention', retained, undefined)
  }

  /** Closes the log in order. */
  async close(): Promise<void> {
    const log = this.#log
    this.#following?.abort()
    this.#following = undefined
    if (log === undefined) return
    const end = log.endOffset
    await this.#allowing('close', () => log.close(), undefined)
    // What the mark says after a fault is not known; the log says that it is a help, not a promise.
    if (this.#isTroubled) return
    this.#tellDurable(end)
    this.#tell({ kind: 'closed' })
  }

  /** After a fault the disk works again in the end; a log that did not open then would be lost. */
  async #reopen(): Promise<void> {
    for (let attempt = 0; attempt < 12 && !this.#isDead; attempt += 1) if (await this.open()) return
    if (!this.#isDead && this.#around.disk.diskBytesMax === Number.POSITIVE_INFINITY)
      fail('the log does not open, although the faults have passed')
  }

  /** Somebody who follows the log, in this process or in another one. */
  #watch(open: () => Promise<ReadableLog | undefined>): void {
    this.#following ??= new AbortController()
    const { signal } = this.#following
    this.#follow(open, signal).catch((error: unknown) => {
      const isAllowed = this.#isDead || signal.aborted || (this.#isTroubled && !(error instanceof Violation))
      if (!isAllowed) this.#escaped ??= error
    })
  }

  async #follow(open: () => Promise<ReadableLog | undefined>, signal: AbortSignal): Promise<void> {
    const log = await open()
    if (log === undefined || signal.aborted) return
    let next = log.startOffset
    for await (const records of followLog(log, next, signal)) {
      for (const record of records) {
        const { offset } = record
        // One gap may begin where another ends, as two crashes in a row leave them.
        const named = log.gaps.reduce((at, { from, to }) => (from <= at && at < to ? to : at), next)
        const isNamed = this.#around.isCompacted || named >= offset
        if (offset < next || (offset > next && log.startOffset <= next && !isNamed))
          fail(`a follower was shown offset ${offset} after ${next - 1}`)
        next = offset + 1
        this.#see(offset, this.#around.book.identify(record))
      }
    }
  }

  #see(offset: number, number: number | undefined): void {
    if (this.#isDead) return
    if (number === undefined) fail(`a reader was shown at offset ${offset} what nobody appended`)
    const isDurable = offset < (this.#log?.durableOffset ?? 0)
    this.#tell({ kind: 'seen', offset, number, isDurable })
  }

  #tellDurable(offset: number): void {
    this.#tell({ kind: 'durable', offset, lost: this.#isTroubled ? (this.#log?.gaps ?? []) : [] })
  }

  /** A dead process says nothing. */
  #tell(fact: Fact): void {
    if (!this.#isDead) this.#around.tell(fact)
  }

  /** The result; undefined if it failed and may fail. */
  #expect<Result>(what: string, doing: Promise<Result>): Promise<Result | undefined> {
    return this.#allowing<Result | undefined>(what, () => doing, undefined)
  }

  async #allowing<Result>(what: string, run: () => Promise<Result>, otherwise: Result): Promise<Result> {
    try {
      return await run()
    } catch (error) {
      if (this.#isDead) return otherwise
      if (!this.#isTroubled || (error instanceof Violation && what !== 'read')) throw error
      this.#around.note(`${what} failed: ${errorText(error)}`)
      return otherwise
    }
  }
}
