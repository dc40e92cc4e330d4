import { millraceError } from '@millrace/kernel'
import type { OpenFile } from '@millrace/log'
import { type FileOperation, systemError } from './memory-faults.ts'
import type { MemoryInode } from './memory-inode.ts'

/** What an open file needs of the disk it is on. */
export interface Disk {
  readonly bytes: number
  readonly diskBytesMax: number
  /** True when the power is off: then nothing happens any more, not even failures. */
  readonly isStopped: boolean
  /**
   * One call: `act` takes effect at once, `finish` when the call is answered. A power cut in between leaves what
   * `act` did as unsynced as any other change.
   */
  call<Result>(
    operation: FileOperation,
    path: string,
    act: () => Result,
    finish?: () => void,
  ): Promise<Result>
}

/** An open file of a disk in memory. */
export class MemoryFile implements OpenFile {
  readonly #disk: Disk
  readonly #path: string
  readonly #mode: 'create' | 'write' | 'read'
  readonly #inode: MemoryInode
  #isOpen = true

  constructor(disk: Disk, path: string, mode: 'create' | 'write' | 'read', inode: MemoryInode) {
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
        const lacking = this.#lacking(next + buffer.length)
        this.#inode.write(next, buffer.subarray(0, buffer.length - lacking))
        if (lacking > 0) throw millraceError('DISK_FULL', { path: this.#path })
        next += buffer.length
      }
    })
  }

  async writeDurable(buffers: readonly Uint8Array[], position: number): Promise<void> {
    await this.write(buffers, position)
    await this.sync()
  }

  async sync(): Promise<void> {
    const finish = this.#inode.beginSync()
    try {
      await this.#call('sync', () => {}, finish)
    } catch (error) {
      if (!this.#disk.isStopped) this.#inode.failSync()
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
  #lacking(end: number): number {
    const growth = Math.max(0, end - this.#inode.size)
    if (growth === 0 || this.#disk.diskBytesMax === Number.POSITIVE_INFINITY) return 0
    return Math.min(growth, Math.max(0, this.#disk.bytes + growth - this.#disk.diskBytesMax))
  }

  #requireWritable(): void {
    if (this.#mode === 'read') throw systemError('EBADF', 'write', this.#path)
  }

  #call<Result>(operation: FileOperation, act: () => Result, finish?: () => void): Promise<Result> {
    if (!this.#isOpen) return Promise.reject(systemError('EBADF', operation, this.#path))
    return this.#disk.call(operation, this.#path, act, finish)
  }
}
