import { setTimeout } from 'node:timers/promises'
import { openLog } from '@millrace/log'
import { nodeDirectory } from '@millrace/node'

/** Appends a reading every so often, and says so when it is on the disk. Kill it as you like. */
const [directory = 'data/readings', pauseMs = '200'] = process.argv.slice(2)
const encoder = new TextEncoder()

const log = await openLog(nodeDirectory(directory))
console.log(`${log.endOffset} readings are on the disk already`)
for (const { from, to, reason } of log.gaps) console.log(`lost: ${from} to ${to - 1}, ${reason}`)

for (let celsius = 21; ; celsius += Math.random() - 0.5) {
  const reading = { celsius: Number(celsius.toFixed(1)), time: new Date().toISOString() }
  const { baseOffset } = await log.append([{ value: encoder.encode(JSON.stringify(reading)) }])
  console.log(`acknowledged ${baseOffset}`)
  await setTimeout(Number(pauseMs))
}
