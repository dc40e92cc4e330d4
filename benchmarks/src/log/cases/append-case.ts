import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Figure, RunContext } from '../../figure.ts'
import { alternate, type Outcome } from '../alternate.ts'
import {
  CPU,
  type Outcomes,
  outcomeFigures,
  P50,
  P99,
  P999,
  type Quantity,
  RATE,
  RATE_A_CORE,
} from '../log-figures.ts'
import type { LogBenchOptions, LogCase } from '../options.ts'
import type { MissingPlan, StorePlan } from '../store.ts'
import { millracePlans } from '../stores/millrace.ts'
import { rawPlans } from '../stores/raw-file.ts'
import { peerPlans } from '../stores/store-plans.ts'
import { BATCHES, CONCURRENT, READ, SEQUENTIAL, type Workload } from '../workload.ts'

interface Part {
  readonly name: string
  readonly workload: Workload
  readonly quantities: readonly Quantity[]
}

/** What is measured on one set of stores, in this order. */
const PARTS = {
  sequential: [{ name: 'sequential 1 KiB', workload: SEQUENTIAL, quantities: [RATE, P50, P99, P999, CPU] }],
  concurrent: [{ name: '256 producers 1 KiB', workload: CONCURRENT, quantities: [RATE, P50, P99, CPU] }],
  batches: [
    { name: 'batches of 1000 x 100 B', workload: BATCHES, quantities: [RATE, P50, P99, CPU] },
    { name: 'read back 100 B', workload: READ, quantities: [{ ...RATE, hasLimit: false }, RATE_A_CORE] },
  ],
} as const satisfies Partial<Record<LogCase, readonly Part[]>>

export type AppendCase = keyof typeof PARTS

/** Ours, the raw loops and the peers in turns, on stores that begin empty. */
export async function benchAppend(
  name: AppendCase,
  options: LogBenchOptions,
  directory: string,
  context: RunContext,
): Promise<Figure[]> {
  const { progress, schedule, nodeArgs } = options
  const ours = millracePlans()[0] as StorePlan
  const raw = rawPlans()
  const peers = peerPlans(options.peers)
  const present = peers.filter((plan): plan is StorePlan => 'open' in plan)
  const missing = peers.filter((plan): plan is MissingPlan => !('open' in plan))
  const parts: readonly Part[] = PARTS[name]
  progress(
    `${name}: ${present.length + raw.length + 1} contenders, ${schedule.seconds} s each in ${schedule.slices} slices`,
  )
  const work = join(directory, name)
  const outcomes = await alternate({
    plans: [ours, ...raw, ...present],
    workloads: parts.map(({ workload }) => workload),
    schedule,
    directoryOf: ({ id }) => join(work, id.replace(/[/:]/g, '-')),
    nodeArgsOf: (plan) => (plan === ours ? nodeArgs : []),
  })
  await rm(work, { recursive: true, force: true })
  return parts.flatMap((part, index) => {
    const all = outcomes[index] ?? []
    for (const outcome of all) progress(line(part.name, outcome))
    return outcomeFigures(part.name, part.quantities, grouped(all, ours, missing), context)
  })
}

function grouped(all: readonly Outcome[], ours: StorePlan, missing: Outcomes['missing']): Outcomes {
  const own = all.find(({ plan }) => plan === ours)
  if (own === undefined) throw new Error('our own outcome is among all')
  return {
    ours: own,
    raw: all.filter(({ plan }) => plan.isRaw),
    peers: all.filter(({ plan }) => plan !== ours && !plan.isRaw),
    missing,
  }
}

function line(name: string, { plan, rate, latency, cpuSeconds, records, failure }: Outcome): string {
  if (failure === undefined && records === 0) return `  ${name} · ${plan.name}: not measured`
  if (failure !== undefined) return `  ${name} · ${plan.name}: ${failure}`
  const cpu = ((1e6 * cpuSeconds) / records).toFixed(2)
  return `  ${name} · ${plan.name}: ${Math.round(rate)}/s · p50 ${latency.p50Ms} p99 ${latency.p99Ms} p99.9 ${latency.p999Ms} ms · ${cpu} µs CPU`
}
