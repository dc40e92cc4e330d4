import { type FSWatcher, watch } from 'node:fs'
import { chmod, open, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { ANNOUNCEMENT_BYTES, type AnnouncementListener, type Announcer, type Listening } from '@millrace/log'

const SOCKET_FILE = 'announcements.sock'
/** The system's limit for the path of a socket is 108 bytes with its end on Linux, 104 on macOS. */
const SOCKET_PATH_BYTES_MAX = 100
const OWNER_ONLY = 0o600
const LISTENERS_MAX = 1_000
/** While nobody announces, a listener looks this often whether somebody has begun to. */
const RETRY_MS_MIN = 10
const RETRY_MS_MAX = 1_000
const NOTHING = new Uint8Array(0)

/** A way to a socket in a directory, which is given back when it has been used. */
interface SocketPath extends AsyncDisposable {
  readonly path: string
}

/**
 * Announces on a socket in the directory itself, so that whoever may read the files may listen. A listener that does
 * not read is sent nothing more until it has read what it has, and then the newest only.
 */
export async function announceFrom(directory: string): Promise<Announcer> {
  const announcer = new SocketAnnouncer()
  await using socket = await socketIn(directory)
  await rm(join(directory, SOCKET_FILE), { force: true })
  await announcer.listenAt(socket.path)
  if (process.platform !== 'win32') await chmod(join(directory, SOCKET_FILE), OWNER_ONLY)
  return announcer
}

/** Listens until it is closed; see `Files.listen`. */
export async function listenTo(directory: string, listener: AnnouncementListener): Promise<Listening> {
  const listening = new SocketListening(directory, listener)
  await listening.connect()
  return listening
}

class SocketAnnouncer implements Announcer {
  readonly #server: Server
  /** With what each was sent last. */
  readonly #listeners = new Map<Socket, Uint8Array>()
  #state: Uint8Array | undefined

  constructor() {
    this.#server = createServer((socket) => this.#welcome(socket))
    this.#server.maxConnections = LISTENERS_MAX
    // A listener that cannot be served is on its own: nothing that is announced is anybody's only source.
    this.#server.on('error', () => {})
  }

  listenAt(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(path, () => {
        this.#server.off('error', reject)
        this.#server.unref()
        resolve()
      })
    })
  }

  say(state: Uint8Array): void {
    // Copied: a socket keeps what it is given until it is sent.
    this.#state = state.slice()
    for (const socket of this.#listeners.keys()) this.#send(socket)
  }

  async close(): Promise<void> {
    for (const socket of this.#listeners.keys()) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #welcome(socket: Socket): void {
    socket.unref()
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#listeners.delete(socket))
    socket.on('drain', () => this.#send(socket))
    // Listeners have nothing to say; reading is how their end is seen.
    socket.resume()
    this.#listeners.set(socket, NOTHING)
    this.#send(socket)
  }

  #send(socket: Socket): void {
    const state = this.#state
    if (state === undefined || socket.writableLength > 0 || this.#listeners.get(socket) === state) return
    this.#listeners.set(socket, state)
    socket.write(state)
  }
}

/** Connected to the announcer, or waiting to try it again. */
class SocketListening implements Listening {
  readonly #directory: string
  readonly #listener: AnnouncementListener
  #connection: Socket | undefined
  #timer: NodeJS.Timeout | undefined
  #watcher: FSWatcher | undefined
  #retryMs = RETRY_MS_MIN
  #isClosed = false

  constructor(directory: string, listener: AnnouncementListener) {
    this.#directory = directory
    this.#listener = listener
  }

  /** Tries once; resolves when something was heard, or nobody is there. Tries again by itself. */
  async connect(): Promise<void> {
    await using socket = await socketIn(this.#directory).catch(() => undefined)
    if (this.#isClosed) return
    if (socket === undefined) return this.#retryLater()
    const connection = connect(socket.path)
    this.#connection = connection
    const first = Promise.withResolvers<void>()
    let hasHeard = false
    receive(connection, (state) => {
      if (this.#isClosed) return
      hasHeard = true
      this.#retryMs = RETRY_MS_MIN
      this.#listener.said(state)
      first.resolve()
    })
    connection.on('error', () => connection.destroy())
    connection.on('close', () => {
      this.#connection = undefined
      if (!this.#isClosed && hasHeard) this.#listener.fellSilent()
      this.#retryLater()
      first.resolve()
    })
    await first.promise
  }

  close(): void {
    this.#isClosed = true
    this.#stopWaiting()
    this.#connection?.destroy()
  }

  #retryLater(): void {
    if (this.#isClosed) return
    const retry = () => {
      this.#stopWaiting()
      void this.connect()
    }
    this.#timer = setTimeout(retry, this.#retryMs)
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX)
    try {
      this.#watcher = watch(this.#directory, (_, name) => {
        if (name !== SOCKET_FILE) return
        // The socket is there a moment before anybody answers on it.
        this.#retryMs = RETRY_MS_MIN
        retry()
      }).on('error', () => this.#watcher?.close())
    } catch {
      // No directory yet, or a system that cannot watch: then it is found out a little later.
    }
  }

  #stopWaiting(): void {
    clearTimeout(this.#timer)
    this.#watcher?.close()
    this.#watcher = undefined
  }
}

/** Hands over whole announcements; of several that arrive together, the newest. */
function receive(connection: Socket, said: (state: Uint8Array) => void): void {
  let rest: Uint8Array = new Uint8Array(0)
  connection.on('data', (bytes) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    const whole = rest.length - (rest.length % ANNOUNCEMENT_BYTES)
    if (whole === 0) return
    const newest = rest.subarray(whole - ANNOUNCEMENT_BYTES, whole)
    rest = rest.subarray(whole)
    said(newest)
  })
}

/** On Windows a named pipe; where the path would be too long, Linux takes the way through an open directory. */
async function socketIn(directory: string): Promise<SocketPath> {
  const nothing = { [Symbol.asyncDispose]: async () => {} }
  if (process.platform === 'win32') {
    const name = directory.replaceAll(/[\\/:]/g, '-').toLowerCase()
    return { path: `\\\\.\\pipe\\millrace-${name}`, ...nothing }
  }
  const path = join(directory, SOCKET_FILE)
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX || process.platform !== 'linux')
    return { path, ...nothing }
  const handle = await open(directory, 'r')
  return {
    path: `/proc/self/fd/${handle.fd}/${SOCKET_FILE}`,
    [Symbol.asyncDispose]: () => handle.close(),
  }
}
