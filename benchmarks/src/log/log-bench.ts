import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Figure, RunContext } from '../figure.ts'
import { describeMachine } from '../machine.ts'
import { benchAmplification } from './cases/amplification-case.ts'
import { benchAppend } from './cases/append-case.ts'
import { benchBacklog } from './cases/backlog-case.ts'
import { benchCrossProcess } from './cases/cross-process-case.ts'
import { benchDurability } from './cases/durability-case.ts'
import { benchQueue } from './cases/queue-case.ts'
import type { LogBenchOptions, LogCase } from './options.ts'

type CaseBench = (
  options: LogBenchOptions,
  directory: string,
  context: RunContext,
) => Promise<readonly Figure[]>

const BENCHES: Readonly<Record<LogCase, CaseBench>> = {
  sequential: (...args) => benchAppend('sequential', ...args),
  concurrent: (...args) => benchAppend('concurrent', ...args),
  batches: (...args) => benchAppend('batches', ...args),
  durability: benchDurability,
  'cross-process': benchCrossProcess,
  backlog: benchBacklog,
  amplification: benchAmplification,
  queue: benchQueue,
}

/** Measures the log, one case after the other, each beside what the file system allows and beside its peers. */
export async function benchLog(options: LogBenchOptions): Promise<Figure[]> {
  await mkdir(options.directory, { recursive: true })
  const directory = await mkdtemp(join(resolve(options.directory), 'log-'))
  try {
    const context = { machine: describeMachine(directory), date: new Date().toISOString() }
    const figures: Figure[] = []
    for (const name of options.cases) {
      figures.push(...(await BENCHES[name](options, directory, context)))
    }
    return figures
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
