import { millraceError } from '@millrace/kernel'
import type { OpenFile } from '@millrace/log'
import { type DueFault, type FileOperation, systemError } from './memory-faults.ts'
import type { MemoryInode } from './memory-inode.ts'

/** One call on a disk. */
export interface Call<Result> {
  readonly operation: FileOperation
  readonly path: string
  /** Takes effect at once; what it did is as unsynced as any other change. */
  readonly act: () => Result
  /** Done when the call is answered; only then its promises are kept. */
  readonly finish?: (() => void) | undefined
  /** Done instead of `act` when a fault waits for the call, while the power is on. */
  readonly fail?: ((fault: DueFault) => void) | undefined
}

/** What an open file needs of the disk it is on. */
export interface Disk {
  readonly bytes: number
  readonly diskBytesMax: number
  call<Result>(call: Call<Result>): Promise<Result>
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
    return this.#call({ operation: 'read', act: () => this.#inode.size })
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return this.#call({ operation: 'read', act: () => this.#inode.read(target, position) })
  }

  write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    return this.#call({
      operation: 'write',
      act: () => this.#write(buffers, position),
      fail: ({ takesBytes }) => this.#writeSome(buffers, position, takesBytes),
    })
  }

  async writeDurable(buffers: readonly Uint8Array[], position: number): Promise<void> {
    await this.write(buffers, position)
    await this.sync()
  }

  sync(): Promise<void> {
    const { finish, fail } = this.#inode.beginSync()
    return this.#call({ operation: 'sync', act: () => {}, finish, fail })
  }

  truncate(size: number): Promise<void> {
    return this.#call({
      operation: 'truncate',
      act: () => {
        this.#requireWritable()
        this.#inode.truncate(size)
      },
    })
  }

  async close(): Promise<void> {
    this.#isOpen = false
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** A full disk takes what fits, and then says so. */
  #write(buffers: readonly Uint8Array[], position: number): void {
    this.#requireWritable()
    const wanted = buffers.reduce((sum, buffer) => sum + buffer.length, 0)
    const lacking = this.#lacking(position + wanted)
    this.#writeSome(buffers, position, wanted - lacking)
    if (lacking > 0) throw millraceError('DISK_FULL', { path: this.#path })
  }

  #writeSome(buffers: readonly Uint8Array[], position: number, bytesMax: number): void {
    let next = position
    for (const buffer of buffers) {
      const taken = buffer.subarray(0, Math.max(0, position + bytesMax - next))
      this.#inode.write(next, taken)
      next += taken.length
    }
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

  #call<Result>(call: Omit<Call<Result>, 'path'>): Promise<Result> {
    if (!this.#isOpen) return Promise.reject(systemError('EBADF', call.operation, this.#path))
    return this.#disk.call({ ...call, path: this.#path })
  }
}
