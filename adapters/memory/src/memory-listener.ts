import type { Connection, Listener, ListeningAddress } from '@millrace/devices'
import { assert, millraceError } from '@millrace/kernel'
import { type MemoryConnection, memoryConnectionPair } from './memory-connection.ts'

/** A listener without a network. */
export interface MemoryListener extends Listener {
  /**
   * Connects; gives the client's end. `remoteAddress` is what the server sees. Nobody listening closes it at once,
   * as a refused connection.
   */
  connect(options?: { readonly remoteAddress?: string }): MemoryConnection
}

/** Options of {@link memoryListener}. */
export interface MemoryListenerOptions {
  /** Two listeners with one address on one network are in each other's way. Default: a network of its own. */
  readonly network?: Set<string>
  readonly host?: string
  readonly port?: number
}

/** Accepts connections from this process only: for tests and simulation. Deterministic. */
export function memoryListener(options: MemoryListenerOptions = {}): MemoryListener {
  const { network = new Set<string>(), host = 'memory', port = 1 } = options
  const address = `${host}:${port}`
  let accept: ((connection: Connection) => void) | undefined
  let clients = 0
  return {
    async listen(given): Promise<ListeningAddress> {
      assert(accept === undefined, 'a listener listens once')
      if (network.has(address)) {
        throw millraceError('LISTENER_ADDRESS_IN_USE', { address, purpose: 'MQTT devices', setting: 'port' })
      }
      network.add(address)
      accept = given
      return { host, port }
    },
    async close() {
      if (accept !== undefined) network.delete(address)
      accept = undefined
    },
    connect({ remoteAddress } = {}) {
      clients += 1
      const [near, far] = memoryConnectionPair([remoteAddress ?? `client:${clients}`, address])
      if (accept === undefined) far.destroy()
      else accept(far)
      return near
    },
  }
}
