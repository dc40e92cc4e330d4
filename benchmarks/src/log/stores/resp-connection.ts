import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

interface Waiting {
  replies: number
  resolve(): void
  reject(error: Error): void
}

const NEW_LINE = 10
const MINUS = 45
const DOLLAR = 36

/**
 * As much of Redis's protocol (RESP 2) as a writer needs: commands go out pipelined, in order; of the replies, which are
 * simple or bulk strings, only their number and errors count. What is sent in one turn of the loop is one write.
 */
export class RespConnection implements AsyncDisposable {
  readonly #socket: Socket
  readonly #waiting: Waiting[] = []
  /** True if the next line is the content of a bulk string. */
  #inBulk = false
  #line = ''
  #corked = false

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => this.#read(bytes))
    socket.on('close', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('Redis closed the connection'))
    })
    socket.on('error', () => {})
  }

  static async open(path: string): Promise<RespConnection> {
    const socket = connect(path)
    await once(socket, 'connect')
    return new RespConnection(socket)
  }

  /** Sends commands; resolves when all of them are answered. */
  all(commands: readonly (readonly (string | Uint8Array)[])[]): Promise<void> {
    if (!this.#corked) {
      this.#corked = true
      this.#socket.cork()
      process.nextTick(() => {
        this.#corked = false
        this.#socket.uncork()
      })
    }
    for (const command of commands) for (const part of command) this.#socket.write(part)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ replies: commands.length, resolve, reject })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy()
  }

  #read(bytes: Buffer): void {
    let start = 0
    for (;;) {
      const end = bytes.indexOf(NEW_LINE, start)
      if (end < 0) break
      const line = this.#line + bytes.toString('latin1', start, end)
      this.#line = ''
      this.#takeLine(line)
      start = end + 1
    }
    this.#line += bytes.toString('latin1', start)
  }

  #takeLine(line: string): void {
    const kind = line.charCodeAt(0)
    if (!this.#inBulk && kind === DOLLAR) {
      this.#inBulk = true
      return
    }
    const failed = !this.#inBulk && kind === MINUS
    this.#inBulk = false
    const [first] = this.#waiting
    if (first === undefined) return
    first.replies -= 1
    if (failed) first.reject(new Error(`Redis: ${line.slice(1)}`))
    if (first.replies > 0) return
    this.#waiting.shift()
    first.resolve()
  }
}
