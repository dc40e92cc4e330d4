import { followLog, openLogReader } from '@millrace/log'
import { nodeDirectory } from '@millrace/node'

/** Prints every reading as soon as it is on the disk, also when the producer dies and another one takes over. */
const [directory = 'data/readings', from = '0'] = process.argv.slice(2)
const decoder = new TextDecoder()

await using log = await openLogReader(nodeDirectory(directory))
const stop = new AbortController()
process.once('SIGINT', () => stop.abort())
process.once('SIGTERM', () => stop.abort())

for await (const records of followLog(log, Number(from), stop.signal)) {
  for (const { offset, value } of records) console.log(`read ${offset} ${decoder.decode(value)}`)
}
