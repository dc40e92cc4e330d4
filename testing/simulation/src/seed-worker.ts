import { parentPort, workerData } from 'node:worker_threads'
import { targets } from './targets.ts'

/** Runs the seeds that it is sent, and sends back what came of each. */
const target = targets[String(workerData)]
parentPort?.on('message', async (seed: number) => {
  if (target !== undefined) parentPort?.postMessage(await target.run(seed))
})
