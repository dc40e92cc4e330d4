import { millraceError, type Random, type Scheduler } from '@millrace/kernel'
import type { FileLock, Files, OpenFile } from '@millrace/log'
import { MemoryInode } from './memory-inode.ts'
import { directoryOf, MemoryNames } from './memory-names.ts'

/** A call that can be made to fail. */
export type FileOperation =
  | 'open'
  | 'read'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'list'
  | 'makeDirectory'
  | 'rename'
  | 'remove'
  | 'syncDirectory'

/** Codes that an injected fault can have; `ENOSPC` arrives as `DISK_FULL`. */
export type FaultCode = 'EIO' | 'ENOSPC' | 'EACCES'

/** Options of {@link memoryFiles}. */
export interface MemoryFilesOptions {
  /** With it, calls are answered after `latencyMs` on this scheduler; without it, on the microtask queue. */
  readonly scheduler?: Scheduler
  /** Milliseconds each call takes, or a function that tells them. Default: 0. */
  readonly latencyMs?: number | ((operation: FileOperation) => number)
  /** Size of the disk in bytes; writes beyond it fail with `DISK_FULL`. Default: without limit. */
  readonly diskBytesMax?: number
}

/** A failure to come. */
export interface FaultOptions {
  /** Only for paths that contain this. Default: all. */
  readonly path?: string
  /** How many calls fail. Default: 1. */
  readonly times?: number
  /** How many matching calls still succeed before. Default: 0. */
  readonly after?: number
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

interface Fault {
  readonly operation: FileOperation
  readonly code: FaultCode
  readonly path: string
  after: number
  times: number
}

class MemoryDisk implements MemoryFiles {
  diskBytesMax: number
  readonly #options: MemoryFilesOptions
  readonly #names: MemoryNames<MemoryInode>
  readonly #locked = new Set<string>()
  #faults: Fault[] = []
  #operations = 0
  #stopAt = Number.POSITIVE_INFINITY

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

  list(directory: string): Promise<readonly string[]> {
    return this.#call('list', directory, () => this.#names.list(directory))
  }

  makeDirectory(directory: string): Promise<void> {
    return this.#call('makeDirectory', directory, () => this.#names.makeDirectory(directory))
  }

  open(path: string, mode: 'create' | 'write' | 'read'): Promise<OpenFile> {
    return this.#call('open', path, () => new MemoryFile(this, path, mode, this.#openInode(path, mode)))
  }

  rename(from: string, to: string): Promise<void> {
    return this.#call('rename', from, () => {
      const inode = this.#existing(from)
      this.#requireDirectory(to)
      this.#names.change([from, undefined], [to, inode])
    })
  }

  remove(path: string): Promise<void> {
    return this.#call('remove', path, () => {
      if (this.#names.get(path) !== undefined) this.#names.change([path, undefined])
    })
  }

  syncDirectory(directory: string): Promise<void> {
    const finish = this.#names.beginSync(directory)
    return this.#call('syncDirectory', directory, () => {}, finish)
  }

  lock(directory: string): Promise<FileLock> {
    return this.#call('open', `${directory}/lock`, () => {
      if (this.#locked.has(directory)) {
        throw millraceError('DIRECTORY_LOCKED', { directory, owner: 'this process' })
      }
      this.#locked.add(directory)
      const release = async () => {
        this.#locked.delete(directory)
      }
      return { release, [Symbol.asyncDispose]: release }
    })
  }

  failNext(operation: FileOperation, code: FaultCode, options: FaultOptions = {}): void {
    const { path = '', times = 1, after = 0 } = options
    this.#faults.push({ operation, code, path, times, after })
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
    this.#stopAt = 0
    return this.afterCrash(options)
  }

  /**
   * One call: `act` takes effect at once, `finish` when the call is answered, and only then are its promises
   * kept. A crash in between leaves what `act` did as unsynced as any other change.
   */
  #call<Result>(
    operation: FileOperation,
    path: string,
    act: () => Result,
    finish?: () => void,
  ): Promise<Result> {
    return this.call(operation, path, act, finish)
  }

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
        this.#throwIfFaulty(operation, path)
        result = act()
      } catch (error) {
        return this.#later(operation, () => reject(error))
      }
      this.#later(operation, () => {
        if (this.#stopAt === 0) return reject(systemError('EIO', operation, path))
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
    if (this.#operations > this.#stopAt) throw systemError('EIO', operation, path)
  }

  #throwIfFaulty(operation: FileOperation, path: string): void {
    const fault = this.#faults.find(
      (candidate) => candidate.operation === operation && path.includes(candidate.path),
    )
    if (fault === undefined) return
    if (fault.after > 0) {
      fault.after -= 1
      return
    }
    fault.times -= 1
    if (fault.times === 0) this.#faults = this.#faults.filter((other) => other !== fault)
    throw fault.code === 'ENOSPC'
      ? millraceError('DISK_FULL', { path })
      : systemError(fault.code, operation, path)
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

class MemoryFile implements OpenFile {
  readonly #disk: MemoryDisk
  readonly #path: string
  readonly #mode: 'create' | 'write' | 'read'
  readonly #inode: MemoryInode
  #isOpen = true

  constructor(disk: MemoryDisk, path: string, mode: 'create' | 'write' | 'read', inode: MemoryInode) {
    this.#disk = disk
    this.#path = path
    this.#mode = mode
    this.#inode = inode
  }

  size(): Promise<number> {
    return this.#call('read', () => this.#inode.size)
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return this.#call('read', () => this.#inode.read(target, position))
  }

  write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    return this.#call('write', () => {
      this.#requireWritable()
      let next = position
      for (const buffer of buffers) {
        const room = this.#room(next + buffer.length)
        this.#inode.write(next, buffer.subarray(0, buffer.length - room.lacking))
        if (room.lacking > 0) throw millraceError('DISK_FULL', { path: this.#path })
        next += buffer.length
      }
    })
  }

  async sync(): Promise<void> {
    const finish = this.#inode.beginSync()
    try {
      await this.#call('sync', () => {}, finish)
    } catch (error) {
      this.#inode.failSync()
      throw error
    }
  }

  truncate(size: number): Promise<void> {
    return this.#call('truncate', () => {
      this.#requireWritable()
      this.#inode.truncate(size)
    })
  }

  async close(): Promise<void> {
    this.#isOpen = false
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** How many of the bytes up to `end` the disk has no space for. */
  #room(end: number): { readonly lacking: number } {
    const growth = Math.max(0, end - this.#inode.size)
    return { lacking: Math.min(growth, Math.max(0, this.#disk.bytes + growth - this.#disk.diskBytesMax)) }
  }

  #requireWritable(): void {
    if (this.#mode === 'read') throw systemError('EBADF', 'write', this.#path)
  }

  #call<Result>(operation: FileOperation, act: () => Result, finish?: () => void): Promise<Result> {
    if (!this.#isOpen) return Promise.reject(systemError('EBADF', operation, this.#path))
    return this.#disk.call(operation, this.#path, act, finish)
  }
}

/** An error as the operating system would report it. */
function systemError(code: string, operation: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${operation} '${path}'`), { code })
}
