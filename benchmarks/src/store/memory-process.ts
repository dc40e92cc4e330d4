import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { collection, openStore } from '@millrace/documents'
import { event } from '@millrace/kernel'
import { nodeRuntime } from '@millrace/node'
import { projection, startDaemon } from '@millrace/projections'
import { openSqlite } from '@millrace/sqlite'
import * as z from 'zod'
import type { MemoryReport } from './memory-case.ts'

/** A process of its own: `fill` appends events to a store, `project` folds them and looks at its memory meanwhile. */
const [what = '', directory = '', count = '0'] = process.argv.slice(2)
const events = Number(count)

const STREAMS = 5_000
const UNIT_EVENTS = 5_000
const WAIT_MS_MAX = 55 * 60_000
const LOOK_MS = 100

const Tick = event('tick', z.object({ value: z.number() }))
const Totals = collection('totals', z.object({ id: z.string(), count: z.number(), sum: z.number() }))
const totals = projection('totals', Totals).on(Tick, (total, { stream = '', data }) => ({
  id: stream,
  count: (total?.count ?? 0) + 1,
  sum: (total?.sum ?? 0) + data.value,
}))

mkdirSync(directory, { recursive: true })
const database = await openSqlite({ file: join(directory, 'store.db') })
const runtime = nodeRuntime()

process.once('message', () => {
  const done = what === 'fill' ? fill() : project()
  done.then(async (result) => {
    await database.close()
    process.send?.({ result })
    process.disconnect()
  })
})
process.send?.({ ready: true })

async function fill(): Promise<number> {
  const store = await openStore({ database, collections: [Totals], runtime })
  for (let done = 0; done < events; done += UNIT_EVENTS) {
    await using session = store.session()
    const drafts = Array.from({ length: Math.min(UNIT_EVENTS, events - done) }, (_, index) =>
      Tick.draft({ value: index }),
    )
    session.events.append(`stream-${(done / UNIT_EVENTS) % STREAMS}`, drafts)
    await session.saveChanges()
  }
  return events
}

async function project(): Promise<MemoryReport> {
  const residentBytes: number[] = []
  const heapBytes: number[] = []
  const beganMs = performance.now()
  await using daemon = await startDaemon({ database, runtime, projections: [totals] })
  let isDone = false
  const looking = look(daemon, residentBytes, heapBytes, () => isDone)
  await daemon.waitForNonStale(['totals'], { timeoutMs: WAIT_MS_MAX })
  const projectMs = performance.now() - beganMs
  isDone = true
  await looking
  return { residentBytes, heapBytes, events, projectMs }
}

async function look(
  daemon: Awaited<ReturnType<typeof startDaemon>>,
  residentBytes: number[],
  heapBytes: number[],
  isDone: () => boolean,
): Promise<void> {
  for (let tenth = 1; tenth <= 10; ) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    const [progress] = await daemon.progress()
    const position = Math.min(...(progress?.shards ?? []).map((shard) => shard.position))
    const share = isDone() ? 1 : position / events
    for (; tenth <= Math.floor(share * 10); tenth += 1) {
      globalThis.gc?.()
      residentBytes.push(process.memoryUsage.rss())
      heapBytes.push(process.memoryUsage().heapUsed)
    }
  }
}
