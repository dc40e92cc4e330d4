import { parseArgs } from 'node:util'
import type { Figure } from '../figure.ts'
import { benchSpine } from './spine-bench.ts'

/** What `npm run bench -- spine --help` prints. */
export const SPINE_HELP = `npm run bench -- spine [options]

A device's reading on its way to the PUBACK, and to the command that answers it; Mosquitto with a rule process beside it.

  --seconds N    measured time (default: 30)
  --warm-up N    seconds of the same load before (default: 5)
  --rate N       readings a second over all devices (default: 1000)
  --devices N    default: 100
  --answer-every N  only every Nth reading is answered with a command (default: 1)
  --no-peer      only us
  --dir DIR      where the data is written meanwhile (default: .cache/bench)
  --profile DIR  a CPU profile of the server
  --node ARG     an argument for the server's Node, such as --node=--max-semi-space-size=4; may be repeated`

/** Runs the spine bench as the command line says. */
export function spineCommand(args: readonly string[], progress: (line: string) => void): Promise<Figure[]> {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      seconds: { type: 'string', default: '30' },
      'warm-up': { type: 'string', default: '5' },
      rate: { type: 'string', default: '1000' },
      devices: { type: 'string', default: '100' },
      'answer-every': { type: 'string', default: '1' },
      peer: { type: 'boolean', default: true },
      dir: { type: 'string', default: '.cache/bench' },
      profile: { type: 'string' },
      node: { type: 'string', multiple: true, default: [] },
    },
  })
  return benchSpine({
    seconds: positive('--seconds', values.seconds),
    warmUpSeconds: Number(values['warm-up']),
    ratePerSecond: positive('--rate', values.rate),
    devices: positive('--devices', values.devices),
    answerEvery: positive('--answer-every', values['answer-every']),
    peer: values.peer,
    directory: values.dir,
    rawSeconds: Math.min(3, Number(values.seconds)),
    nodeArgs: [...values.node, ...profileArgs(values.profile)],
    progress,
  })
}

function profileArgs(directory: string | undefined): string[] {
  return directory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${directory}`]
}

function positive(option: string, text: string): number {
  const value = Number(text)
  if (value > 0 && Number.isFinite(value)) return value
  throw new Error(`${option} is ${text}, expected a number above 0`)
}
