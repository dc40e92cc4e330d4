import { runSlice } from './run-slice.ts'
import { findPlan } from './stores/store-plans.ts'
import type { SliceRequest } from './workload.ts'

/** A process of its own with one store in it, told what to do by messages: plan and directory are its arguments. */
const [id = '', directory = ''] = process.argv.slice(2)
const plan = findPlan(id)
const store = await plan.open(directory)

process.on('message', (request: SliceRequest) => {
  runSlice(store, plan.gathers, request).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ failed: String(error) }),
  )
})
process.send?.({ ready: true, serverPids: store.serverPids ?? [] })

let ending = false
const stop = () => {
  if (ending) return
  ending = true
  void Promise.resolve(store[Symbol.asyncDispose]()).finally(() => process.exit())
}
process.once('SIGTERM', stop)
process.once('disconnect', stop)
