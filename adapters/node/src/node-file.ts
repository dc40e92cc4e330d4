import { close, fdatasync, fstat, ftruncate, read, writev } from 'node:fs'
import type { OpenFile } from '@millrace/log'
import { diskError } from './disk-error.ts'

type Done<Result> = (error: NodeJS.ErrnoException | null, result: Result) => void

/** A file by its descriptor. The callback functions of `node:fs` take half the time of its promises. */
export class NodeFile implements OpenFile {
  readonly #descriptor: number
  readonly #path: string
  /** True if a write is durable when it returns. */
  readonly #writesAreDurable: boolean
  /** True if something was changed that only a sync makes durable. */
  #needsSync = false
  #isOpen = true

  constructor(descriptor: number, path: string, writesAreDurable: boolean) {
    this.#descriptor = descriptor
    this.#path = path
    this.#writesAreDurable = writesAreDurable
  }

  async size(): Promise<number> {
    const { size } = await this.#call((done: Done<{ size: number }>) => fstat(this.#descriptor, done))
    return size
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    let filled = 0
    while (filled < target.length) {
      const start = filled
      const count = await this.#call((done: Done<number>) =>
        read(this.#descriptor, target, start, target.length - start, position + start, done),
      )
      if (count === 0) break
      filled += count
    }
    return filled
  }

  async write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    this.#needsSync ||= !this.#writesAreDurable
    let rest = buffers
    let next = position
    while (rest.length > 0) {
      const current = rest
      const at = next
      const written = await this.#call((done: Done<number>) => writev(this.#descriptor, current, at, done))
      next += written
      rest = withoutFirst(current, written)
    }
  }

  async sync(): Promise<void> {
    if (!this.#needsSync) return
    this.#needsSync = false
    await this.#call((done: Done<void>) => fdatasync(this.#descriptor, (error) => done(error, undefined)))
  }

  async truncate(size: number): Promise<void> {
    this.#needsSync = true
    await this.#call((done: Done<void>) =>
      ftruncate(this.#descriptor, size, (error) => done(error, undefined)),
    )
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await this.#call((done: Done<void>) => close(this.#descriptor, (error) => done(error ?? null, undefined)))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #call<Result>(start: (done: Done<Result>) => void): Promise<Result> {
    return new Promise((resolve, reject) => {
      start((error, result) => (error ? reject(diskError(error, this.#path)) : resolve(result)))
    })
  }
}

/** What is left of `buffers` after the first `bytes` were written. */
function withoutFirst(buffers: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let written = bytes
  let index = 0
  for (; index < buffers.length; index += 1) {
    const length = buffers[index]?.length ?? 0
    if (written < length) break
    written -= length
  }
  const [first, ...others] = buffers.slice(index)
  return first === undefined ? [] : [first.subarray(written), ...others]
}
