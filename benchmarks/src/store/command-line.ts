import { parseArgs } from 'node:util'
import type { Figure } from '../figure.ts'
import { installPeers } from '../log/stores/peer-packages.ts'
import { ENGINES, STORE_CASES } from './options.ts'
import { benchStore } from './store-bench.ts'

/** What `npm run bench -- store --help` prints. */
export const STORE_HELP = `npm run bench -- store [options]

Streams, documents and projections on both engines, beside statements written by hand and beside peers, in turns in the
same run. PostgreSQL is a server of its own with its durable defaults, started for the run (npm run services -- install postgres).

  --case LIST           of ${STORE_CASES.join(',')} (default: all)
  --engine LIST         of ${ENGINES.join(',')} (default: both)
  --seconds N           measured time of each contender in each case (default: 10)
  --slices N            pieces that it is cut into; everybody has a turn in each (default: 5)
  --warm-up N           seconds before, for each (default: 1)
  --no-peers            only us, and statements written by hand
  --install-peers       installs the peers' packages (benchmarks/peers, locked, without install scripts) first
  --events N            that are projected (default: 300,000; peers 30,000)
  --memory-events N     of the case memory (default: 10,000,000)
  --quick               everything so short that it proves the bench, and no figure
  --dir DIR             where the data is written meanwhile (default: .cache/bench)`

/** Runs the store bench as the command line says. */
export async function storeCommand(
  args: readonly string[],
  progress: (line: string) => void,
): Promise<Figure[]> {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      case: { type: 'string', default: STORE_CASES.join(',') },
      engine: { type: 'string', default: ENGINES.join(',') },
      seconds: { type: 'string' },
      slices: { type: 'string' },
      'warm-up': { type: 'string' },
      peers: { type: 'boolean', default: true },
      'install-peers': { type: 'boolean', default: false },
      events: { type: 'string' },
      'memory-events': { type: 'string' },
      quick: { type: 'boolean', default: false },
      dir: { type: 'string', default: '.cache/bench' },
    },
  })
  if (values['install-peers']) await installPeers(progress)
  const number = (option: string, text: string | undefined, usual: number, short: number) =>
    text === undefined ? (values.quick ? short : usual) : positive(option, text)
  const events = number('--events', values.events, 300_000, 2_000)
  return benchStore({
    cases: values.case.split(',').map((name) => oneOf('--case', STORE_CASES, name)),
    engines: values.engine.split(',').map((name) => oneOf('--engine', ENGINES, name)),
    schedule: {
      seconds: number('--seconds', values.seconds, 10, 0.2),
      slices: number('--slices', values.slices, 5, 2),
      warmUpSeconds: number('--warm-up', values['warm-up'], 1, 0.05),
    },
    peers: values.peers,
    projection: {
      events,
      peerEvents: Math.ceil(events / 10),
      streams: Math.min(1_000, Math.ceil(events / 20)),
    },
    memoryEvents: number('--memory-events', values['memory-events'], 10_000_000, 5_000),
    directory: values.dir,
    progress,
  })
}

function oneOf<Name extends string>(option: string, names: readonly Name[], name: string): Name {
  const found = names.find((each) => each === name)
  if (found === undefined) throw new Error(`${option} is ${name}, expected some of ${names.join(',')}`)
  return found
}

function positive(option: string, text: string): number {
  const value = Number(text)
  if (value > 0 && Number.isFinite(value)) return value
  throw new Error(`${option} is ${text}, expected a number above 0`)
}
