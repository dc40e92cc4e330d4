import type { Connection, ConnectionObserver, Listener } from '@millrace/devices'
import { describe, expect, test, vi } from 'vitest'

/** What a {@link listenerSuite} tries. */
export interface ListenerUnderTest {
  readonly listener: Listener
  /** A second listener for the same address, to be opened while the first listens. */
  rival(): Listener
  /** The client's end of a new connection, once the server has it. */
  connect(): Promise<Connection>
}

/** Remembers what one end of a connection was told. */
class Ear implements ConnectionObserver {
  readonly chunks: Uint8Array[] = []
  drains = 0
  readonly ends: (Error | undefined)[] = []
  readonly connection: Connection

  constructor(connection: Connection) {
    this.connection = connection
    connection.observe(this)
  }

  get text(): string {
    return new TextDecoder().decode(Buffer.concat(this.chunks))
  }

  get bytes(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  }

  data(bytes: Uint8Array): void {
    this.chunks.push(bytes)
  }

  drained(): void {
    this.drains += 1
  }

  closed(error?: Error): void {
    this.ends.push(error)
  }
}

const bytesOf = (text: string) => new TextEncoder().encode(text)
const LIMIT = { timeout: 5_000, interval: 1 }
/** More than any system buffers for one connection. */
const MUCH_BYTES = 32 * 1024 * 1024

/** The contract of the Listener port. `factory` makes a listener that does not listen yet. */
export function listenerSuite(name: string, factory: () => Promise<ListenerUnderTest>): void {
  const pair = async () => {
    const made = await factory()
    const accepted: Ear[] = []
    await made.listener.listen((connection) => accepted.push(new Ear(connection)))
    const client = new Ear(await made.connect())
    await vi.waitFor(() => expect(accepted).toHaveLength(1), LIMIT)
    const server = accepted[0] as Ear
    const end = async () => {
      client.connection.destroy()
      server.connection.destroy()
      await made.listener.close()
    }
    return { ...made, accepted, client, server, [Symbol.asyncDispose]: end }
  }

  describe(name, () => {
    describeTransport(pair)
    describeEnds(pair)
    describeListening(factory, pair)
  })
}

type Pair = ListenerUnderTest & {
  readonly accepted: readonly Ear[]
  readonly client: Ear
  readonly server: Ear
} & AsyncDisposable

function describeTransport(pair: () => Promise<Pair>): void {
  test('carries bytes both ways, in order', async () => {
    await using open = await pair()
    const { client, server } = open
    for (let index = 0; index < 100; index += 1) client.connection.write(bytesOf(`${index} `))
    server.connection.write(bytesOf('welcome'))
    const expected = Array.from({ length: 100 }, (_, index) => `${index} `).join('')
    await vi.waitFor(() => expect(server.text).toBe(expected), LIMIT)
    await vi.waitFor(() => expect(client.text).toBe('welcome'), LIMIT)
    expect(server.connection.remoteAddress).toMatch(/.+:\d+$/)
  })

  test('holds bytes back while reading is paused, counts them at the sender, and says when they are taken', async () => {
    await using open = await pair()
    const { client, server } = open
    client.connection.pauseReading()
    const chunk = new Uint8Array(1024 * 1024)
    for (let sent = 0; sent < MUCH_BYTES; sent += chunk.length) server.connection.write(chunk)
    await vi.waitFor(() => expect(server.connection.bufferedBytes).toBeGreaterThan(0), LIMIT)
    const seenBytes = client.bytes
    expect(seenBytes).toBeLessThan(MUCH_BYTES)
    expect(server.drains).toBe(0)
    client.connection.resumeReading()
    await vi.waitFor(() => expect(client.bytes).toBe(MUCH_BYTES), LIMIT)
    await vi.waitFor(() => expect(server.drains).toBeGreaterThan(0), LIMIT)
    expect(server.connection.bufferedBytes).toBe(0)
  })

  test('says that even a small write has been taken', async () => {
    await using open = await pair()
    open.server.connection.write(bytesOf('x'))
    await vi.waitFor(() => expect(open.server.drains).toBeGreaterThan(0), LIMIT)
  })
}

function describeEnds(pair: () => Promise<Pair>): void {
  test('end sends what is queued first; both sides are closed in peace, once', async () => {
    await using open = await pair()
    const { client, server } = open
    server.connection.write(bytesOf('goodbye'))
    server.connection.end()
    await vi.waitFor(() => expect(client.ends).toHaveLength(1), LIMIT)
    await vi.waitFor(() => expect(server.ends).toHaveLength(1), LIMIT)
    expect(client.text).toBe('goodbye')
    expect(client.ends).toEqual([undefined])
    expect(server.ends).toEqual([undefined])
    server.connection.destroy()
    server.connection.end()
    expect(server.ends).toHaveLength(1)
  })

  test('the other side ending closes this one', async () => {
    await using open = await pair()
    open.client.connection.end()
    await vi.waitFor(() => expect(open.server.ends).toHaveLength(1), LIMIT)
  })

  test('destroy closes both at once, also when nobody reads', async () => {
    await using open = await pair()
    open.client.connection.pauseReading()
    open.server.connection.write(new Uint8Array(1024))
    open.server.connection.destroy()
    open.client.connection.resumeReading()
    await vi.waitFor(() => expect(open.server.ends).toHaveLength(1), LIMIT)
    await vi.waitFor(() => expect(open.client.ends).toHaveLength(1), LIMIT)
  })

  test('writing after the end has no effect and does no harm', async () => {
    await using open = await pair()
    open.server.connection.end()
    open.server.connection.write(bytesOf('late'))
    await vi.waitFor(() => expect(open.client.ends).toHaveLength(1), LIMIT)
    open.server.connection.write(bytesOf('later'))
    expect(open.client.text).toBe('')
  })
}

function describeListening(factory: () => Promise<ListenerUnderTest>, pair: () => Promise<Pair>): void {
  test('tells where it listens', async () => {
    const { listener } = await factory()
    const address = await listener.listen((connection) => connection.destroy())
    expect(address.host).not.toBe('')
    expect(address.port).toBeGreaterThan(0)
    await listener.close()
  })

  test('an address that is in use is LISTENER_ADDRESS_IN_USE, and the first listener goes on', async () => {
    await using open = await pair()
    const rival = open.rival()
    await expect(rival.listen(() => {})).rejects.toMatchObject({ code: 'LISTENER_ADDRESS_IN_USE' })
    await rival.close()
    new Ear(await open.connect())
    await vi.waitFor(() => expect(open.accepted).toHaveLength(2), LIMIT)
  })

  test('closing stops accepting, leaves open connections open, and may be repeated', async () => {
    await using open = await pair()
    const { client, server, listener } = open
    await listener.close()
    await listener.close()
    client.connection.write(bytesOf('still here'))
    await vi.waitFor(() => expect(server.text).toBe('still here'), LIMIT)
    const refused = await open.connect().then(
      (connection) => new Ear(connection),
      () => undefined,
    )
    if (refused !== undefined) await vi.waitFor(() => expect(refused.ends).toHaveLength(1), LIMIT)
    expect(open.accepted).toHaveLength(1)
    expect(client.ends).toEqual([])
  })
}
