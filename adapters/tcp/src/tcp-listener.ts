import { type AddressInfo, createServer, type Server } from 'node:net'
import type { Connection, Listener, ListeningAddress } from '@millrace/devices'
import { assert, errorText, millraceError } from '@millrace/kernel'
import { Arrivals } from './arrivals.ts'
import { TcpConnection } from './tcp-connection.ts'

/** Where {@link tcpListener} listens. */
export interface TcpListenerOptions {
  /** A name or address; 127.0.0.1 for this machine only, 0.0.0.0 or :: for everybody. */
  readonly host: string
  /** 0 chooses a free one. */
  readonly port: number
  /** What is to be changed when the address is taken, for the error message. Default: "devices.mqtt.port". */
  readonly setting?: string
  /** Who listens, for the error message. Default: "MQTT devices". */
  readonly purpose?: string
}

/**
 * Connections that the system keeps ready while we accept others, enough for a fleet that comes back at once. How
 * many may be open is for the caller to say, who is told of each.
 */
const BACKLOG = 4_096

/** Accepts TCP connections, without Nagle's delay. */
export function tcpListener(options: TcpListenerOptions): Listener {
  return new TcpListener(options)
}

class TcpListener implements Listener {
  readonly #options: TcpListenerOptions
  #server: Server | undefined

  constructor(options: TcpListenerOptions) {
    this.#options = options
  }

  listen(accept: (connection: Connection) => void): Promise<ListeningAddress> {
    assert(this.#server === undefined, 'a listener listens once')
    const { host, port } = this.#options
    const arrivals = new Arrivals()
    const server = createServer((socket) => accept(new TcpConnection(socket, arrivals)))
    this.#server = server
    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(this.#unusable(error)))
      server.listen({ host, port, backlog: BACKLOG }, () => {
        server.removeAllListeners('error')
        // Running out of descriptors ends the one connection, not the listener.
        server.on('error', () => {})
        const { address, port: chosen } = server.address() as AddressInfo
        resolve({ host: address, port: chosen })
      })
    })
  }

  async close(): Promise<void> {
    if (this.#server?.listening === true) this.#server.close()
  }

  #unusable(error: NodeJS.ErrnoException): Error {
    const { host, port, setting = 'devices.mqtt.port', purpose = 'MQTT devices' } = this.#options
    const address = `${host}:${port}`
    if (error.code === 'EADDRINUSE') {
      return millraceError('LISTENER_ADDRESS_IN_USE', { address, purpose, setting }, { cause: error })
    }
    const reason = errorText(error)
    return millraceError('LISTENER_ADDRESS_UNUSABLE', { address, purpose, setting, reason }, { cause: error })
  }
}
