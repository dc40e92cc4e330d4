import type { Socket } from 'node:net'
import type { Connection, ConnectionObserver } from '@millrace/devices'
import type { Arrivals, Arrived } from './arrivals.ts'

/** How long a peer may take to close its side after we have ended ours, in milliseconds; then it is cut off. */
const LINGER_MS = 5_000

/** A socket as a {@link Connection}. */
export class TcpConnection implements Connection, Arrived {
  readonly remoteAddress: string
  readonly #socket: Socket
  readonly #arrivals: Arrivals
  /** What the socket has given and the observer has not. */
  #arrived: Uint8Array[] = []
  #observer: ConnectionObserver | undefined
  #error: Error | undefined
  /** One function for all writes: called when a write has been handed to the system. */
  readonly #written = () => {
    if (this.#socket.writableLength === 0 && !this.#socket.destroyed) this.#observer?.drained()
  }

  constructor(socket: Socket, arrivals: Arrivals) {
    this.#socket = socket
    this.#arrivals = arrivals
    this.remoteAddress = `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`
    socket.setNoDelay(true)
    socket.on('error', (error) => {
      this.#error = error
    })
    socket.on('close', () => {
      this.handOver()
      this.#observer?.closed(this.#error)
    })
    socket.on('data', (bytes) => {
      if (this.#arrived.push(bytes) === 1) this.#arrivals.add(this)
    })
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength
  }

  observe(observer: ConnectionObserver): void {
    this.#observer = observer
  }

  write(bytes: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes, this.#written)
  }

  pauseReading(): void {
    this.#socket.pause()
  }

  resumeReading(): void {
    this.#socket.resume()
    if (this.#arrived.length > 0) this.#arrivals.add(this)
  }

  /** Stops as soon as the observer pauses; the rest follows when it resumes. */
  handOver(): void {
    while (this.#arrived.length > 0 && !this.#socket.isPaused()) {
      const bytes = this.#arrived.shift()
      if (bytes !== undefined) this.#observer?.data(bytes)
    }
  }

  end(): void {
    if (this.#socket.destroyed) return
    this.#socket.end()
    // A socket that is not read does not see the other side's end.
    this.#socket.resume()
    const cutOff = setTimeout(() => this.#socket.destroy(), LINGER_MS)
    cutOff.unref()
    this.#socket.once('close', () => clearTimeout(cutOff))
  }

  destroy(): void {
    this.#arrived = []
    this.#socket.destroy()
  }
}
