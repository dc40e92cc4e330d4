import { Socket } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import mqtt, { type IPublishPacket } from 'mqtt'

/**
 * The peer's rule process: subscribes to every reading, commits it to SQLite (WAL, synchronous=FULL), and only then
 * publishes the command. `each` commits one reading at a time, and the PUBACK to the broker follows the commit.
 * `together` commits all that have arrived in one turn of the loop in one transaction, and acknowledges on arrival,
 * which promises less than we do.
 */
const [url = '', file = '', mode = 'each'] = process.argv.slice(2)
const database = new DatabaseSync(file)
database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
database.exec('CREATE TABLE readings (id TEXT PRIMARY KEY, device TEXT, body TEXT) WITHOUT ROWID')
const insert = database.prepare('INSERT OR IGNORE INTO readings VALUES (?, ?, ?)')

const client = mqtt.connect(url, { clientId: 'rule', protocolVersion: 5, clean: false })
let waiting: IPublishPacket[] = []

function keep({ topic, payload, properties }: IPublishPacket): void {
  insert.run(String(properties?.userProperties?.id), String(topic.split('/')[1]), payload.toString())
}

function answer({ topic, properties }: IPublishPacket): void {
  const cause = String(properties?.userProperties?.id)
  const command = { id: `answer-${cause}`, name: 'answer', data: { cause }, deadline: deadline() }
  client.publish(`devices/${topic.split('/')[1]}/commands/answer`, JSON.stringify(command), { qos: 1 })
}

function deadline(): string {
  return new Date(Date.now() + 30_000).toISOString()
}

function commitWaiting(): void {
  const packets = waiting
  waiting = []
  database.exec('BEGIN')
  for (const packet of packets) keep(packet)
  database.exec('COMMIT')
  for (const packet of packets) answer(packet)
}

client.handleMessage = (packet, done) => {
  if (mode === 'together') {
    if (waiting.length === 0) setImmediate(commitWaiting)
    waiting.push(packet)
  } else {
    keep(packet)
    answer(packet)
  }
  done()
}
// As for everybody here: no waiting for a fuller packet (Nagle's algorithm).
client.on('connect', () => {
  if (client.stream instanceof Socket) client.stream.setNoDelay(true)
})
await client.subscribeAsync('devices/+/events/+', { qos: 1 })
process.send?.('ready')

const stop = () => {
  client.end(true)
  database.close()
  process.exit()
}
process.once('SIGTERM', stop)
process.once('disconnect', stop)
