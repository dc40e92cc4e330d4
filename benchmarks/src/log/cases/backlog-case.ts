import { writeFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ChildProgram } from '../../child-program.ts'
import { type Figure, limit, type RunContext } from '../../figure.ts'
import { builtPackages, writeBeside } from '../built-packages.ts'
import { logFigure } from '../log-figures.ts'
import type { LogBenchOptions } from '../options.ts'
import type { BacklogReport, BacklogTask } from './backlog-process.ts'

const MIB = 1024 * 1024
const ANSWER_MS_MAX = 600_000

/**
 * Opens a large backlog in a fresh process, on the built packages: in many logs, then in one. Both are made before, and
 * removed behind.
 */
export async function benchBacklog(
  options: LogBenchOptions,
  directory: string,
  context: RunContext,
): Promise<Figure[]> {
  const { bytes, logs } = options.backlog
  const figures: Figure[] = []
  const modules = ['cases/backlog-process.ts', 'counting-files.ts']
  const program = writeBeside(await builtPackages(options.progress), modules)
  for (const count of new Set([logs, 1])) {
    const work = join(directory, 'backlog')
    await mkdir(work, { recursive: true })
    options.progress(`backlog: ${Math.round(bytes / MIB)} MiB in ${count} logs …`)
    const task = { root: work, logs: count, bytesEach: Math.ceil(bytes / count) }
    await run(program, { ...task, kind: 'fill', idleSeconds: 0 })
    const isCold = options.backlog.cold && forgetCachedFiles()
    const report = await run(program, { ...task, kind: 'open', idleSeconds: options.backlog.idleSeconds })
    await rm(work, { recursive: true, force: true })
    options.progress(`  ${JSON.stringify(report)}`)
    const where = `backlog of ${Math.round(bytes / MIB)} MiB in ${count} ${count === 1 ? 'log' : 'logs'}`
    figures.push(...reportFigures(isCold ? `${where}, cold` : where, report, context))
  }
  return figures
}

function reportFigures(name: string, report: BacklogReport, context: RunContext): Figure[] {
  const of = (what: string, value: number, unit: string, empty?: number) =>
    logFigure(
      {
        case: `${name}, ${what}`,
        value,
        unit,
        ...(empty === undefined ? {} : { limits: [limit('the process with no log open', value, empty)] }),
      },
      context,
    )
  return [
    of('first append acknowledged', report.firstAppendMs, 'ms'),
    of('an append acknowledged in every log', report.everyAppendMs, 'ms'),
    of('resident memory', report.residentBytes / MIB, 'MiB', report.residentBytesBefore / MIB),
    of('idle, syncs', report.idleSyncs, 'syncs'),
    of('idle, writes', report.idleWrites, 'writes'),
    of('idle, processor time', report.idleCpuMsPerSecond, 'ms/s'),
  ]
}

async function run(program: string, task: BacklogTask): Promise<BacklogReport> {
  await using child = ChildProgram.startModule(program, [])
  return await child.ask(
    task,
    (said) =>
      typeof said === 'object' && said !== null && 'report' in said
        ? (said.report as BacklogReport)
        : undefined,
    ANSWER_MS_MAX,
  )
}

/** True if the system did it. */
function forgetCachedFiles(): boolean {
  try {
    writeFileSync('/proc/sys/vm/drop_caches', '1')
    return true
  } catch {
    return false
  }
}
