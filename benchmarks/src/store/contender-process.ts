import { LatencyHistogram } from '@millrace/fleet'
import type { ContenderRequest, SliceResult } from './contender.ts'
import { findPlan } from './plans/store-plans.ts'
import type { TurnCase } from './store-plan.ts'

/** A process of its own with one contender in it, told what to do by messages. Arguments: plan, directory, database. */
const [id = '', directory = '', url = ''] = process.argv.slice(2)
const contender = await findPlan(id).open(directory, url)
const turns = new Map<TurnCase, number>()

process.on('message', (request: ContenderRequest) => {
  answer(request).then(
    // Null instead of undefined, which does not arrive at all.
    (result) => process.send?.({ result: result ?? null }),
    (error: unknown) => process.send?.({ failed: String(error) }),
  )
})
process.send?.({ ready: true })

async function answer(request: ContenderRequest): Promise<unknown> {
  const { projections } = contender
  switch (request.kind) {
    case 'slice':
      return runSlice(request.name, request.ms)
    case 'fill':
      await projections?.fill(request.events, request.streams)
      return projections !== undefined
    case 'project':
      return timed(() => projections?.project())
    case 'rebuild':
      return timed(() => projections?.rebuild?.() ?? projections?.project())
    case 'total':
      return projections?.total()
    default:
      return request satisfies never
  }
}

async function runSlice(name: TurnCase, ms: number): Promise<SliceResult | undefined> {
  const step = contender.steps[name]
  if (step === undefined) return undefined
  const histogram = new LatencyHistogram()
  let turn = turns.get(name) ?? 0
  let records = 0
  const startMs = performance.now()
  const endMs = startMs + ms
  for (let beganMs = startMs; beganMs < endMs; turn += 1) {
    const done = step(turn)
    // One that is done when it returns is not made to wait for a turn of the loop.
    records += typeof done === 'number' ? done : await done
    const nowMs = performance.now()
    histogram.record(nowMs - beganMs)
    beganMs = nowMs
  }
  turns.set(name, turn)
  return { records, ms: performance.now() - startMs, latencies: histogram.counts() }
}

async function timed(work: () => Promise<unknown> | undefined): Promise<number> {
  const beganMs = performance.now()
  await work()
  return performance.now() - beganMs
}

let ending = false
const stop = () => {
  if (ending) return
  ending = true
  void Promise.resolve(contender[Symbol.asyncDispose]()).finally(() => process.exit())
}
process.once('SIGTERM', stop)
process.once('disconnect', stop)
