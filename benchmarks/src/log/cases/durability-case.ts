import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Figure, RunContext } from '../../figure.ts'
import { alternate } from '../alternate.ts'
import { CPU, outcomeFigures, P50, P99, RATE } from '../log-figures.ts'
import type { LogBenchOptions } from '../options.ts'
import { millracePlans } from '../stores/millrace.ts'
import { CONCURRENT, SEQUENTIAL } from '../workload.ts'

/** Our own durability levels beside each other: `disk` is ours, the weaker ones stand where peers do. */
export async function benchDurability(
  { schedule, progress }: LogBenchOptions,
  directory: string,
  context: RunContext,
): Promise<Figure[]> {
  progress('durability: disk, interval and os in turns')
  const work = join(directory, 'durability')
  const outcomes = await alternate({
    plans: millracePlans(),
    workloads: [SEQUENTIAL, CONCURRENT],
    schedule,
    directoryOf: ({ id }) => join(work, id.replace('/', '-')),
  })
  await rm(work, { recursive: true, force: true })
  return ['sequential 1 KiB', '256 producers 1 KiB'].flatMap((name, index) => {
    const [ours, ...weaker] = outcomes[index] ?? []
    if (ours === undefined) return []
    const all = { ours, raw: [], peers: weaker, missing: [] }
    return outcomeFigures(`durability levels, ${name}`, [RATE, P50, P99, CPU], all, context)
  })
}
