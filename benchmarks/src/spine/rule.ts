import { Socket } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import mqtt, { type IPublishPacket } from 'mqtt'
import { answerEvery, isAnswered } from './answered.ts'

/**
 * The peer's rule process: subscribes to every reading, commits it to SQLite (WAL, synchronous=FULL), and only then
 * publishes the command. The modes:
 *
 * `each` commits one reading at a time, and the PUBACK to the broker follows the commit. `together` commits all that
 * have arrived in one turn of the loop in one transaction, and acknowledges on arrival, which promises less than we
 * do. `all` is `together`, and keeps what we keep: the command before it is sent, its outcome, and a document a device.
 */
const [url = '', file = '', mode = 'each'] = process.argv.slice(2)
const database = new DatabaseSync(file)
database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
for (const table of [
  'readings (id TEXT PRIMARY KEY, device TEXT, body TEXT)',
  'commands (id TEXT PRIMARY KEY, device TEXT, body TEXT, outcome TEXT)',
  'devices (id TEXT PRIMARY KEY, readings INTEGER, last TEXT)',
]) {
  database.exec(`CREATE TABLE ${table} WITHOUT ROWID`)
}
const insertReading = database.prepare('INSERT OR IGNORE INTO readings VALUES (?, ?, ?)')
const insertCommand = database.prepare('INSERT OR IGNORE INTO commands VALUES (?, ?, ?, NULL)')
const setOutcome = database.prepare('UPDATE commands SET outcome = ? WHERE id = ?')
const foldDevice = database.prepare(
  'INSERT INTO devices VALUES (?1, 1, ?2) ON CONFLICT DO UPDATE SET readings = readings + 1, last = ?2',
)

const client = mqtt.connect(url, { clientId: 'rule', protocolVersion: 5, clean: false })
let waiting: IPublishPacket[] = []

/** Writes a message down; gives the command that is to be sent when it is committed. */
function keep({ topic, payload, properties }: IPublishPacket): (() => void) | undefined {
  const [, device = '', kind, name = ''] = topic.split('/')
  const body = payload.toString()
  if (kind === 'outcomes') {
    setOutcome.run(body, name)
    return undefined
  }
  const cause = String(properties?.userProperties?.id)
  insertReading.run(cause, device, body)
  if (mode === 'all') foldDevice.run(device, body)
  if (!isAnswered(JSON.parse(body).index, answerEvery)) return undefined
  const deadline = new Date(Date.now() + 30_000).toISOString()
  const command = JSON.stringify({ id: `answer-${cause}`, name: 'answer', data: { cause }, deadline })
  if (mode === 'all') {
    insertCommand.run(`answer-${cause}`, device, command)
  }
  return () => client.publish(`devices/${device}/commands/answer`, command, { qos: 1 })
}

function commitWaiting(): void {
  const packets = waiting
  waiting = []
  database.exec('BEGIN')
  const answers = packets.map(keep)
  database.exec('COMMIT')
  for (const answer of answers) answer?.()
}

client.handleMessage = (packet, done) => {
  if (mode === 'each') {
    keep(packet)?.()
  } else {
    if (waiting.length === 0) setImmediate(commitWaiting)
    waiting.push(packet)
  }
  done()
}
// As for everybody here: no waiting for a fuller packet (Nagle's algorithm).
client.on('connect', () => {
  if (client.stream instanceof Socket) client.stream.setNoDelay(true)
})
const topics = mode === 'all' ? ['devices/+/events/+', 'devices/+/outcomes/+'] : ['devices/+/events/+']
await client.subscribeAsync(topics, { qos: 1 })
process.send?.('ready')

const stop = () => {
  client.end(true)
  database.close()
  process.exit()
}
process.once('SIGTERM', stop)
process.once('disconnect', stop)
