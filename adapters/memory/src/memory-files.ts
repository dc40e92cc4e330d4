import { millraceError, type Random, type Scheduler } from '@millrace/kernel'
import type { AnnouncementListener, Announcer, FileLock, Files, Listening, OpenFile } from '@millrace/log'
import { Outcomes } from './crash-states.ts'
import { MemoryAnnouncements } from './memory-announcements.ts'
import {
  type FaultCode,
  type FaultOptions,
  type FileOperation,
  MemoryFaults,
  systemError,
} from './memory-faults.ts'
import { type Call, type Disk, MemoryFile } from './memory-file.ts'
import { MemoryInode } from './memory-inode.ts'
import { directoryOf, MemoryNames } from './memory-names.ts'

/** Options of {@link memoryFiles}. */
export interface MemoryFilesOptions {
  /** With it, calls are answered after `latencyMs` on this scheduler; without it, on the microtask queue. */
  readonly scheduler?: Scheduler
  /** Milliseconds each call takes, or a function that tells them. Default: 0. */
  readonly latencyMs?: number | ((operation: FileOperation) => number)
  /** Size of the disk in bytes; writes beyond it fail with `DISK_FULL`. Default: without limit. */
  readonly diskBytesMax?: number
}

/** A call on a disk in memory, at one of its moments. */
export interface DiskCall {
  /** Counts the calls of the disk, from 1 on. */
  readonly number: number
  readonly operation: FileOperation
  readonly path: string
  /**
   * `begun`: nothing has happened yet. `acted`: what the call does is done, and nothing is promised; a sync is under
   * way. `answered`: its promises are kept, and who called is about to hear of it. `refused`: it has failed.
   */
  readonly moment: 'begun' | 'acted' | 'answered' | 'refused'
}

/** What a power cut leaves of what was not synced. */
export interface CrashOptions {
  /**
   * With it, any 512-byte sectors survive, and of each directory any first few changes of names; without it,
   * nothing does.
   */
  readonly random?: Random
}

/**
 * Everything that a power cut at one moment can leave: of each file any size that it had since the last sync, and of
 * each 512-byte sector any content that it had since; of each directory the first few changes of names. Each disk that
 * it makes is new, and shares memory with the others as long as nobody writes to it.
 */
export interface CrashStates {
  /** How many there are, all different; made of the choices, without making them. */
  readonly count: number
  /** What was synced, and nothing else. */
  least(): MemoryFiles
  /** One of them, by chance. */
  random(random: Random): MemoryFiles
  /** `countMax` different ones by chance, what was synced among them; all if there are not more. */
  sample(countMax: number, random: Random): readonly MemoryFiles[]
  /** All of them, each when it is asked for. */
  [Symbol.iterator](): Iterator<MemoryFiles>
}

/** A disk in memory that forgets, at a power cut, what was not synced. */
export interface MemoryFiles extends Files {
  /** Bytes in all files. */
  readonly bytes: number
  /** Size of the disk in bytes; can be changed at any time. */
  diskBytesMax: number
  /** Calls made so far. */
  readonly operations: number
  /** Told of every call, at each of its moments: what records operations, and looks at the disk between them. */
  onCall: ((call: DiskCall) => void) | undefined
  /** Lets the next matching calls fail. A failed sync also forgets what it was to write, as Linux does. */
  failNext(operation: FileOperation, code: FaultCode, options?: FaultOptions): void
  /** Every call after the first `count` from now fails with `EIO`, as if the machine had stopped there. */
  stopAfter(count: number): void
  /** Inverts the bits of `mask` in one byte of a file, on the disk itself. */
  flip(path: string, position: number, mask: number): void
  /** Gives a file another size, on the disk itself, as a damaged file system does: a stale one, or 0. */
  damageSize(path: string, size: number): void
  /** The contents of a file as programs see them now. */
  contents(path: string): Uint8Array
  /**
   * Everything that a power cut at this moment can leave; this disk goes on. `options` are those of the disks that are
   * left. Default: the same as this one's.
   */
  crashStates(options?: MemoryFilesOptions): CrashStates
  /** What a power cut at this moment would leave, as a new disk; this one goes on. */
  afterCrash(options?: CrashOptions): MemoryFiles
  /** What the next process would see if this one were killed now: nothing is lost, and nothing more is synced. */
  afterKill(): MemoryFiles
  /** Cuts the power: this disk fails every call from now on, the returned one has what is left. */
  crash(options?: CrashOptions): MemoryFiles
}

/** A new, empty disk. */
export function memoryFiles(options: MemoryFilesOptions = {}): MemoryFiles {
  return new MemoryDisk(options, new MemoryNames())
}

class MemoryDisk implements MemoryFiles, Disk {
  diskBytesMax: number
  onCall: ((call: DiskCall) => void) | undefined
  readonly #options: MemoryFilesOptions
  readonly #names: MemoryNames<MemoryInode>
  readonly #locks = new Map<string, FileLock>()
  readonly #faults = new MemoryFaults()
  readonly #announcements = new MemoryAnnouncements()
  #operations = 0
  #stopAt = Number.POSITIVE_INFINITY
  #isOff = false

  constructor(options: MemoryFilesOptions, names: MemoryNames<MemoryInode>) {
    this.#options = options
    this.#names = names
    this.diskBytesMax = options.diskBytesMax ?? Number.POSITIVE_INFINITY
  }

  get bytes(): number {
    let bytes = 0
    for (const inode of this.#names.entries) bytes += inode.size
    return bytes
  }

  get operations(): number {
    return this.#operations
  }

  get isStopped(): boolean {
    return this.#isOff || this.#operations > this.#stopAt
  }

  list(directory: string): Promise<readonly string[]> {
    return this.#act('list', directory, () => this.#names.list(directory))
  }

  makeDirectory(directory: string): Promise<void> {
    return this.#act('makeDirectory', directory, () => this.#names.makeDirectory(directory))
  }

  open(path: string, mode: 'create' | 'write' | 'read'): Promise<OpenFile> {
    return this.#act('open', path, () => new MemoryFile(this, path, mode, this.#openInode(path, mode)))
  }

  rename(from: string, to: string): Promise<void> {
    return this.#act('rename', from, () => {
      const inode = this.#existing(from)
      this.#requireDirectory(to)
      this.#names.change([from, undefined], [to, inode])
    })
  }

  remove(path: string): Promise<void> {
    return this.#act('remove', path, () => {
      if (this.#names.get(path) !== undefined) this.#names.change([path, undefined])
    })
  }

  syncDirectory(directory: string): Promise<void> {
    const finish = this.#names.beginSync(directory)
    return this.call({ operation: 'syncDirectory', path: directory, act: () => {}, finish })
  }

  lock(directory: string): Promise<FileLock> {
    return this.#act('open', `${directory}/lock`, () => {
      if (this.#locks.has(directory))
        throw millraceError('DIRECTORY_LOCKED', { directory, owner: 'this process' })
      const lock: FileLock = {
        release: async () => {
          if (this.#locks.get(directory) === lock) this.#locks.delete(directory)
        },
        [Symbol.asyncDispose]: () => lock.release(),
      }
      this.#locks.set(directory, lock)
      return lock
    })
  }

  announce(directory: string): Promise<Announcer> {
    return this.#act('open', directory, () => this.#announcements.announce(directory))
  }

  listen(directory: string, listener: AnnouncementListener): Promise<Listening> {
    return this.#act('open', directory, () => this.#announcements.listen(directory, listener))
  }

  failNext(operation: FileOperation, code: FaultCode, options: FaultOptions = {}): void {
    this.#faults.add(operation, code, options)
  }

  stopAfter(count: number): void {
    this.#stopAt = this.#operations + count
  }

  flip(path: string, position: number, mask: number): void {
    this.#existing(path).flip(position, mask)
  }

  contents(path: string): Uint8Array {
    const inode = this.#existing(path)
    const bytes = new Uint8Array(inode.size)
    inode.read(bytes, 0)
    return bytes
  }

  damageSize(path: string, size: number): void {
    this.#existing(path).damageSize(size)
  }

  crashStates(options: MemoryFilesOptions = this.#options): CrashStates {
    const outcomes = new Outcomes(this.#names.moment)
    const diskOf = (names: MemoryNames<MemoryInode>) => new MemoryDisk(options, names)
    return {
      get count() {
        return outcomes.count
      },
      least: () => diskOf(outcomes.least()),
      random: (random) => diskOf(outcomes.random(random).names),
      sample: (countMax, random) => outcomes.sample(countMax, random).map(diskOf),
      *[Symbol.iterator]() {
        for (const names of outcomes.all()) yield diskOf(names)
      },
    }
  }

  afterCrash({ random }: CrashOptions = {}): MemoryFiles {
    const states = this.crashStates()
    return random === undefined ? states.least() : states.random(random)
  }

  crash(options: CrashOptions = {}): MemoryFiles {
    this.#isOff = true
    return this.afterCrash(options)
  }

  afterKill(): MemoryFiles {
    return new MemoryDisk(
      this.#options,
      this.#names.copy((inode) => inode.copy()),
    )
  }

  /** See {@link Call}. A crash while a call is under way leaves what `act` did as unsynced as any other change. */
  call<Result>(call: Call<Result>): Promise<Result> {
    const { operation, path, act, finish, fail } = call
    this.#operations += 1
    const number = this.#operations
    const tell = (moment: DiskCall['moment']) => this.onCall?.({ number, operation, path, moment })
    tell('begun')
    return new Promise((resolve, reject) => {
      let result: Result
      try {
        this.#throwIfStopped(operation, path)
        const fault = this.#faults.take(operation, path)
        if (fault !== undefined) {
          fail?.(fault)
          throw fault.error
        }
        result = act()
      } catch (error) {
        tell('refused')
        return this.#later(operation, () => reject(error))
      }
      tell('acted')
      this.#later(operation, () => {
        if (this.#isOff) return reject(systemError('EIO', operation, path))
        finish?.()
        tell('answered')
        resolve(result)
      })
    })
  }

  #act<Result>(operation: FileOperation, path: string, act: () => Result): Promise<Result> {
    return this.call({ operation, path, act })
  }

  #later(operation: FileOperation, task: () => void): void {
    const { scheduler, latencyMs = 0 } = this.#options
    if (scheduler === undefined) queueMicrotask(task)
    else scheduler.after(typeof latencyMs === 'number' ? latencyMs : latencyMs(operation), task)
  }

  #throwIfStopped(operation: FileOperation, path: string): void {
    if (this.isStopped) throw systemError('EIO', operation, path)
  }

  #openInode(path: string, mode: 'create' | 'write' | 'read'): MemoryInode {
    if (mode !== 'create') return this.#existing(path)
    this.#requireDirectory(path)
    if (this.#names.get(path) !== undefined) throw systemError('EEXIST', 'open', path)
    const inode = new MemoryInode()
    this.#names.change([path, inode])
    return inode
  }

  #existing(path: string): MemoryInode {
    const inode = this.#names.get(path)
    if (inode === undefined) throw systemError('ENOENT', 'open', path)
    return inode
  }

  #requireDirectory(path: string): void {
    if (!this.#names.hasDirectory(directoryOf(path))) throw systemError('ENOENT', 'open', path)
  }
}
