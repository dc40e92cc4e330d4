import { Worker } from 'node:worker_threads'
import type { SeedResult } from './target.ts'
import { targets } from './targets.ts'

/** Which seeds of what are run, and by how many workers. */
export interface SeedRun {
  readonly target: string
  readonly from: number
  readonly count: number
  /** Processors used at once. */
  readonly jobs: number
}

/** Failing seeds after which a long run ends. */
const FAILURES_MAX = 10

/**
 * Runs seeds, one after the other on each processor, until all are done or ten have failed. `tell` hears of each result,
 * in the order in which they come.
 */
export async function runSeeds(run: SeedRun, tell: (result: SeedResult) => void): Promise<void> {
  let next = run.from
  let failures = 0
  const take = (): number | undefined =>
    failures < FAILURES_MAX && next < run.from + run.count ? next++ : undefined
  const hear = (result: SeedResult): void => {
    if (result.failure !== undefined) failures += 1
    tell(result)
  }
  if (run.jobs <= 1) return runHere(run.target, take, hear)
  await Promise.all(Array.from({ length: run.jobs }, () => runInWorker(run.target, take, hear)))
}

async function runHere(
  name: string,
  take: () => number | undefined,
  hear: (result: SeedResult) => void,
): Promise<void> {
  const target = targets[name]
  if (target === undefined) throw new RangeError(`nothing is called ${name}`)
  for (let seed = take(); seed !== undefined; seed = take()) hear(await target.run(seed))
}

async function runInWorker(
  name: string,
  take: () => number | undefined,
  hear: (result: SeedResult) => void,
): Promise<void> {
  const worker = new Worker(new URL('./seed-worker.ts', import.meta.url), { workerData: name })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const giveNext = (): void => {
    const seed = take()
    if (seed === undefined) resolve()
    else worker.postMessage(seed)
  }
  worker.on('message', (result: SeedResult) => {
    hear(result)
    giveNext()
  })
  worker.on('error', reject)
  giveNext()
  try {
    await promise
  } finally {
    await worker.terminate()
  }
}
