import { connect, createServer, type Socket } from 'node:net'

/** A way to a server that can be cut. */
export interface CuttingProxy extends AsyncDisposable {
  readonly url: string
  /** How many connections it has carried. */
  readonly connections: number
  /** How much it has carried to the server. */
  readonly bytesToServer: number
  /** What the server says no longer arrives, as when the link fails in one direction: acknowledgements are lost. */
  muteServer(): void
  /** Ends every connection at once, in the middle of whatever it carries; new ones work. */
  cut(): void
}

/** Carries TCP connections to a port of this machine. */
export async function cuttingProxy(port: number): Promise<CuttingProxy> {
  const pairs = new Set<{ readonly client: Socket; readonly server: Socket; muted: boolean }>()
  let connections = 0
  let bytesToServer = 0
  const listener = createServer((client) => {
    connections += 1
    const server = connect(port, '127.0.0.1')
    const pair = { client, server, muted: false }
    pairs.add(pair)
    const end = () => {
      pairs.delete(pair)
      client.destroy()
      server.destroy()
    }
    client.on('data', (bytes) => {
      bytesToServer += bytes.length
      server.write(bytes)
    })
    server.on('data', (bytes) => pair.muted || client.write(bytes))
    for (const socket of [client, server]) socket.on('error', end).on('close', end)
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const address = listener.address() as { port: number }
  const cut = () => {
    for (const { client, server } of pairs) {
      client.resetAndDestroy()
      server.resetAndDestroy()
    }
  }
  return {
    url: `nats://127.0.0.1:${address.port}`,
    get connections() {
      return connections
    },
    get bytesToServer() {
      return bytesToServer
    },
    muteServer: () => {
      for (const pair of pairs) pair.muted = true
    },
    cut,
    [Symbol.asyncDispose]: async () => {
      cut()
      listener.close()
    },
  }
}
