import type { ServerResponse } from 'node:http'

/** Bytes that may wait for a slow reader before events are left out. */
const WAITING_BYTES_MAX = 1_048_576
/** A comment keeps proxies from closing a quiet stream, in milliseconds. */
const HEARTBEAT_MS = 15_000

/**
 * One reader of server-sent events. A reader that is too slow never holds up anybody: events are left out and an event
 * `lost` says how many.
 *
 * Source: WHATWG HTML, section 9.2 (server-sent events).
 */
export class SseStream {
  readonly #response: ServerResponse
  readonly #heartbeat: NodeJS.Timeout
  #lost = 0

  constructor(response: ServerResponse) {
    this.#response = response
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    response.write(': welcome\n\n')
    this.#heartbeat = setInterval(() => this.#write(': still here\n\n'), HEARTBEAT_MS)
    response.once('close', () => clearInterval(this.#heartbeat))
  }

  get isOpen(): boolean {
    return !this.#response.writableEnded && !this.#response.destroyed
  }

  /** Tells `listener` once when the reader has gone, for whatever reason. */
  onClose(listener: () => void): void {
    this.#response.once('close', listener)
  }

  /** Sends one event, or counts it as lost if the reader is too slow. `data` becomes JSON. */
  send(name: string, data: unknown, id?: string): void {
    if (!this.isOpen) return
    if (this.#response.writableLength > WAITING_BYTES_MAX) {
      this.#lost += 1
      return
    }
    if (this.#lost > 0) this.#write(frame('lost', { count: this.#lost }))
    this.#lost = 0
    this.#write(frame(name, data, id))
  }

  /** Counts events that were left out before they came here. */
  countLost(count: number): void {
    this.#lost += count
  }

  close(): void {
    clearInterval(this.#heartbeat)
    this.#response.end()
  }

  #write(text: string): void {
    if (this.isOpen) this.#response.write(text)
  }
}

function frame(name: string, data: unknown, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}
