/** Accepts byte-stream connections: TCP in production, pairs of buffers in simulation. */
export interface Listener {
  /**
   * Starts accepting; resolves when connections can come in. `LISTENER_ADDRESS_IN_USE` if somebody else has the address.
   */
  listen(accept: (connection: Connection) => void): Promise<ListeningAddress>
  /** Stops accepting; connections that are open stay open. Idempotent. */
  close(): Promise<void>
}

/** Where a listener listens. */
export interface ListeningAddress {
  readonly host: string
  readonly port: number
}

/** One connection. The callbacks are set once, in the call to `accept`, before any of them can be called. */
export interface Connection {
  readonly remoteAddress: string
  /** Bytes handed to `write` that the other side's system has not taken yet. */
  readonly bufferedBytes: number
  /** Sets who is told of what happens. */
  observe(observer: ConnectionObserver): void
  /** Queues bytes; the connection owns them from now on. Without effect after a close. */
  write(bytes: Uint8Array): void
  /** Stops and restarts reading; what the other side sends meanwhile waits in its own system. */
  pauseReading(): void
  resumeReading(): void
  /** Sends what is queued, then closes. */
  end(): void
  /** Closes at once. */
  destroy(): void
}

/** Is told what happens on a connection. */
export interface ConnectionObserver {
  data(bytes: Uint8Array): void
  /** What was written has been taken: `bufferedBytes` is 0 again. */
  drained(): void
  /** The last call; `error` if it did not end in peace. */
  closed(error?: Error): void
}
