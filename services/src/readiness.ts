import { connect } from 'node:net'

/** A server that has not answered by then is asked anew. */
const ANSWER_MS_MAX = 1_000

/** A NATS server greets with INFO; it is ready when it answers a PING and says that JetStream is there. */
export async function natsIsReady(port: number): Promise<void> {
  await converse(port, 'CONNECT {"verbose":false}\r\nPING\r\n', (text) => {
    if (!text.includes('PONG')) return 'more'
    return /"jetstream":\s*true/.test(text) ? 'ready' : 'not ready'
  })
}

/** Redis answers with an error while it loads. */
export async function redisIsReady(port: number): Promise<void> {
  await converse(port, 'PING\r\n', (text) => {
    if (!text.includes('\r\n')) return 'more'
    return text.startsWith('+PONG') ? 'ready' : 'not ready'
  })
}

/** PostgreSQL asks for the password (R) when it takes connections, and answers with an error (E) while it recovers. */
export async function postgresIsReady(port: number): Promise<void> {
  const words = Buffer.from('user\0postgres\0database\0postgres\0\0')
  const head = Buffer.alloc(8)
  head.writeInt32BE(head.length + words.length, 0)
  head.writeInt32BE(POSTGRES_PROTOCOL, 4)
  await converse(port, Buffer.concat([head, words]), (text) => (text.startsWith('R') ? 'ready' : 'not ready'))
}

const POSTGRES_PROTOCOL = 0x0003_0000

function converse(
  port: number,
  question: string | Uint8Array,
  judge: (answer: string) => 'more' | 'ready' | 'not ready',
): Promise<void> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(question))
    const end = (error?: Error) => {
      socket.destroy()
      if (error === undefined) resolve()
      else reject(error)
    }
    socket.setTimeout(ANSWER_MS_MAX, () => end(new Error('it accepts connections but does not answer')))
    socket.on('error', end)
    socket.on('close', () => end(new Error('it closed the connection')))
    socket.on('data', (bytes) => {
      answer += bytes.toString('latin1')
      const judgement = judge(answer)
      if (judgement === 'ready') end()
      if (judgement === 'not ready') end(new Error(`it answered ${JSON.stringify(answer.slice(0, 200))}`))
    })
  })
}
