import { parseArgs } from 'node:util'
import type { Figure } from '../figure.ts'
import { benchLog } from './log-bench.ts'
import { LOG_CASES, type LogCase } from './options.ts'
import { installPeers } from './stores/peer-packages.ts'
import { PEER_NAMES } from './stores/store-plans.ts'

const MIB = 1024 * 1024

/** What `npm run bench -- log --help` prints. */
export const LOG_HELP = `npm run bench -- log [options]

The log beside raw writes to the same file system and beside its peers, in turns in the same run.

  --case LIST        of ${LOG_CASES.join(',')} (default: all)
  --seconds N        measured time of each contender in each case (default: 10)
  --slices N         pieces that it is cut into; everybody has a turn in each (default: 5)
  --warm-up N        seconds before, for each (default: 1)
  --no-peers         only us
  --peer NAME        only this one of ${PEER_NAMES.join(', ')}; may be repeated
  --install-peers    installs the peers' packages (benchmarks/peers, locked, without install scripts) first
  --backlog-bytes N  of the backlog, in all (default: 1 GiB; the kept figures have 10 GiB)
  --backlog-logs N   logs that it is in (default: 100)
  --idle-seconds N   how long the open backlog is watched doing nothing (default: 10)
  --cold             what the system has cached of files is forgotten before the backlog is opened (Linux, root)
  --quick            everything so short that it proves the bench, and no figure
  --dir DIR          where the data is written meanwhile (default: .cache/bench)
  --profile DIR      CPU profiles of our processes`

/** Runs the log bench as the command line says. */
export async function logCommand(
  args: readonly string[],
  progress: (line: string) => void,
): Promise<Figure[]> {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      case: { type: 'string', default: LOG_CASES.join(',') },
      seconds: { type: 'string' },
      slices: { type: 'string' },
      'warm-up': { type: 'string' },
      peers: { type: 'boolean', default: true },
      peer: { type: 'string', multiple: true },
      'install-peers': { type: 'boolean', default: false },
      'backlog-bytes': { type: 'string' },
      'backlog-logs': { type: 'string' },
      'idle-seconds': { type: 'string' },
      cold: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      dir: { type: 'string', default: '.cache/bench' },
      profile: { type: 'string' },
    },
  })
  if (values['install-peers']) await installPeers(progress)
  const { quick } = values
  const number = (option: string, text: string | undefined, usual: number, short: number) =>
    text === undefined ? (quick ? short : usual) : positive(option, text)
  return benchLog({
    cases: values.case.split(',').map(caseOf),
    schedule: {
      seconds: number('--seconds', values.seconds, 10, 0.2),
      slices: number('--slices', values.slices, 5, 2),
      warmUpSeconds: number('--warm-up', values['warm-up'], 1, 0.05),
    },
    peers: values.peers ? (values.peer ?? PEER_NAMES) : [],
    backlog: {
      bytes: number('--backlog-bytes', values['backlog-bytes'], 1024 * MIB, 8 * MIB),
      logs: number('--backlog-logs', values['backlog-logs'], 100, 4),
      idleSeconds: number('--idle-seconds', values['idle-seconds'], 10, 1.5),
      cold: values.cold,
    },
    amplificationBytes: quick ? MIB : 256 * MIB,
    crossProcess: quick ? { records: 50, ratePerSecond: 500 } : { records: 5_000, ratePerSecond: 500 },
    directory: values.dir,
    nodeArgs: values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`],
    progress,
  })
}

function caseOf(name: string): LogCase {
  const found = LOG_CASES.find((each) => each === name)
  if (found === undefined) throw new Error(`--case is ${name}, expected some of ${LOG_CASES.join(',')}`)
  return found
}

function positive(option: string, text: string): number {
  const value = Number(text)
  if (value > 0 && Number.isFinite(value)) return value
  throw new Error(`${option} is ${text}, expected a number above 0`)
}
