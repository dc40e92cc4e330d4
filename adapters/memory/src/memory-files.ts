import { millraceError, type Random, type Scheduler } from '@millrace/kernel'
import type { AnnouncementListener, Announcer, FileLock, Files, Listening, OpenFile } from '@millrace/log'
import { MemoryAnnouncements } from './memory-announcements.ts'
import {
  type FaultCode,
  type FaultOptions,
  type FileOperation,
  MemoryFaults,
  systemError,
} from './memory-faults.ts'
import { type Disk, MemoryFile } from './memory-file.ts'
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

/** What a power cut leaves of what was not synced. */
export interface CrashOptions {
  /** With it, any 512-byte sectors and any first few changes of names survive; without it, nothing does. */
  readonly random?: Random
}

/** A disk in memory that forgets, at a power cut, what was not synced. */
export interface MemoryFiles extends Files {
  /** Bytes in all files. */
  readonly bytes: number
  /** Size of the disk in bytes; can be changed at any time. */
  diskBytesMax: number
  /** Calls made so far. */
  readonly operations: number
  /** Lets the next matching calls fail. A failed sync also forgets what it was to write, as Linux does. */
  failNext(operation: FileOperation, code: FaultCode, options?: FaultOptions): void
  /** Every call after the first `count` from now fails with `EIO`, as if the machine had stopped there. */
  stopAfter(count: number): void
  /** Inverts the bits of `mask` in one byte of a file, on the disk itself. */
  flip(path: string, position: number, mask: number): void
  /** The contents of a file as programs see them now. */
  contents(path: string): Uint8Array
  /** What a power cut at this moment would leave, as a new disk; this one goes on. */
  afterCrash(options?: CrashOptions): MemoryFiles
  /** Cuts the power: this disk fails every call from now on, the returned one has what is left. */
  crash(options?: CrashOptions): MemoryFiles
}

/** A new, empty disk. */
export function memoryFiles(options: MemoryFilesOptions = {}): MemoryFiles {
  return new MemoryDisk(options, new MemoryNames())
}

class MemoryDisk implements MemoryFiles, Disk {
  diskBytesMax: number
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
    return this.call('list', directory, () => this.#names.list(directory))
  }

  makeDirectory(directory: string): Promise<void> {
    return this.call('makeDirectory', directory, () => this.#names.makeDirectory(directory))
  }

  open(path: string, mode: 'create' | 'write' | 'read'): Promise<OpenFile> {
    return this.call('open', path, () => new MemoryFile(this, path, mode, this.#openInode(path, mode)))
  }

  rename(from: string, to: string): Promise<void> {
    return this.call('rename', from, () => {
      const inode = this.#existing(from)
      this.#requireDirectory(to)
      this.#names.change([from, undefined], [to, inode])
    })
  }

  remove(path: string): Promise<void> {
    return this.call('remove', path, () => {
      if (this.#names.get(path) !== undefined) this.#names.change([path, undefined])
    })
  }

  syncDirectory(directory: string): Promise<void> {
    const finish = this.#names.beginSync(directory)
    return this.call('syncDirectory', directory, () => {}, finish)
  }

  lock(directory: string): Promise<FileLock> {
    return this.call('open', `${directory}/lock`, () => {
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
    return this.call('open', directory, () => this.#announcements.announce(directory))
  }

  listen(directory: string, listener: AnnouncementListener): Promise<Listening | undefined> {
    return this.call('open', directory, () => this.#announcements.listen(directory, listener))
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

  afterCrash(options: CrashOptions = {}): MemoryFiles {
    const { random } = options
    return new MemoryDisk(
      this.#options,
      this.#names.afterCrash(random, (inode) => inode.afterCrash(random)),
    )
  }

  crash(options: CrashOptions = {}): MemoryFiles {
    this.#isOff = true
    return this.afterCrash(options)
  }

  /**
   * One call: `act` takes effect at once, `finish` when the call is answered, and only then are its promises
   * kept. A crash in between leaves what `act` did as unsynced as any other change.
   */
  call<Result>(
    operation: FileOperation,
    path: string,
    act: () => Result,
    finish?: () => void,
  ): Promise<Result> {
    this.#operations += 1
    return new Promise((resolve, reject) => {
      let result: Result
      try {
        this.#throwIfStopped(operation, path)
        this.#faults.check(operation, path)
        result = act()
      } catch (error) {
        return this.#later(operation, () => reject(error))
      }
      this.#later(operation, () => {
        if (this.#isOff) return reject(systemError('EIO', operation, path))
        finish?.()
        resolve(result)
      })
    })
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
