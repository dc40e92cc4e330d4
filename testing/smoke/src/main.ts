import { parseArgs } from 'node:util'
import { type Hop, roundTrip } from './round-trip.ts'

/** `npm run smoke`: proves the whole round trip against the greenhouse that `npm start` runs, and prints each hop. */
const HELP = `npm run smoke -- [--data DIR] [--json]

Sends one hot reading through a running greenhouse (npm start) and follows it: acknowledged, on the bus, decided,
command to the device, answer, document. Exit code 0: every hop happened. 1: one did not. 3: nothing runs there.

  --data DIR   data directory of the running instance (default: .millrace)
  --json       one JSON line a hop`

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: process.env.MILLRACE_DATA ?? '.millrace' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(HELP)
else process.exitCode = await smoke(values.data, values.json)

async function smoke(dataDirectory: string, json: boolean): Promise<number> {
  const show = (hop: Hop) => console.log(json ? JSON.stringify(hop) : line(hop))
  try {
    await roundTrip(dataDirectory, `smoke-${process.pid}`, show)
    if (!json) console.log('the round trip is complete')
    return 0
  } catch (error) {
    const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT'
    const reason = error instanceof Error ? error.message : String(error)
    const text = isAbsent ? `nothing runs on ${dataDirectory}; start it with "npm start"` : reason
    console.error(json ? JSON.stringify({ error: text }) : `✗ ${text}`)
    return isAbsent ? 3 : 1
  }
}

function line({ hop, detail, atMs }: Hop): string {
  return `✓ ${atMs.toFixed(1).padStart(8)} ms  ${hop.padEnd(42)} ${detail}`
}
