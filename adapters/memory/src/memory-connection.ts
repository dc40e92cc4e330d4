import type { Connection, ConnectionObserver } from '@millrace/devices'
import { assert } from '@millrace/kernel'

/** One end of a pair of byte streams. */
export interface MemoryConnection extends Connection {
  /**
   * Cuts the line without either side being told, as a lost link does: what is written from now on, and what is on
   * its way, arrives nowhere.
   */
  cut(): void
}

/**
 * Two ends joined. What one writes the other is told on a later turn of the microtask queue, in order and in the
 * same pieces, so that a run is the same every time.
 */
export function memoryConnectionPair(
  addresses: readonly [string, string],
): readonly [MemoryConnection, MemoryConnection] {
  const near = new MemoryEnd(addresses[1])
  const far = new MemoryEnd(addresses[0])
  near.join(far)
  far.join(near)
  return [near, far]
}

class MemoryEnd implements MemoryConnection {
  readonly remoteAddress: string
  #other: MemoryEnd | undefined
  #observer: ConnectionObserver | undefined
  /** What the other end has written and this one has not been told. */
  #inbox: Uint8Array[] = []
  #inboxBytes = 0
  #error: Error | undefined
  #isPaused = false
  #isScheduled = false
  #isCut = false
  /** open: both ways; ended: has said its last; closed: its observer has had the last call. */
  #state: 'open' | 'ended' | 'closed' = 'open'

  constructor(remoteAddress: string) {
    this.remoteAddress = remoteAddress
  }

  join(other: MemoryEnd): void {
    this.#other = other
  }

  get #peer(): MemoryEnd {
    assert(this.#other !== undefined, 'both ends of a memory connection are joined')
    return this.#other
  }

  get bufferedBytes(): number {
    return this.#peer.#inboxBytes
  }

  observe(observer: ConnectionObserver): void {
    this.#observer = observer
    if (this.#state === 'closed') queueMicrotask(() => observer.closed(this.#error))
    else this.#schedule()
  }

  write(bytes: Uint8Array): void {
    const peer = this.#peer
    if (this.#state !== 'open' || peer.#state === 'closed' || this.#isCut || bytes.length === 0) return
    peer.#inbox.push(bytes)
    peer.#inboxBytes += bytes.length
    peer.#schedule()
  }

  pauseReading(): void {
    this.#isPaused = true
  }

  resumeReading(): void {
    this.#isPaused = false
    this.#schedule()
  }

  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ended'
    // Like a socket, an end that has said its last reads on, if only to see the other's end.
    this.resumeReading()
    if (this.#isCut) queueMicrotask(() => this.#close())
    else this.#peer.#schedule()
  }

  destroy(): void {
    if (this.#state === 'closed') return
    this.#state = 'ended'
    this.#dropInbox()
    queueMicrotask(() => this.#close())
    if (this.#isCut) return
    const peer = this.#peer
    peer.#dropInbox()
    queueMicrotask(() => peer.#close(new Error('the other side reset the connection')))
  }

  cut(): void {
    for (const end of [this, this.#peer]) {
      end.#isCut = true
      end.#dropInbox()
    }
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.#deliver()
    })
  }

  #deliver(): void {
    const observer = this.#observer
    if (observer === undefined || this.#state === 'closed') return
    const peer = this.#peer
    const hadBytes = this.#inbox.length > 0
    for (let bytes = this.#next(); bytes !== undefined; bytes = this.#next()) observer.data(bytes)
    if (this.#isPaused) return
    if (hadBytes && peer.#state === 'open') peer.#observer?.drained()
    // The other end has said its last and all of it has been told: both are closed.
    if (peer.#state !== 'ended' || this.#isCut) return
    this.#close()
    peer.#close()
  }

  #next(): Uint8Array | undefined {
    if (this.#isPaused) return undefined
    const bytes = this.#inbox.shift()
    if (bytes !== undefined) this.#inboxBytes -= bytes.length
    return bytes
  }

  #dropInbox(): void {
    this.#inbox = []
    this.#inboxBytes = 0
  }

  #close(error?: Error): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#error = error
    this.#dropInbox()
    this.#observer?.closed(error)
  }
}
