import { type DatabaseFactory, databaseSuite, storeSuite } from '@millrace/conformance'
import { manualRuntime } from '@millrace/kernel'
import { memoryDatabase } from '@millrace/memory'

const open: DatabaseFactory = async () => {
  const runtime = manualRuntime()
  const database = memoryDatabase({ clock: runtime.clock, scheduler: runtime.scheduler })
  return {
    database,
    reopen: async () => database,
    advance: (durationMs) => runtime.advance(durationMs),
    nowMs: () => runtime.clock.now(),
    rows: (table) => database.rows(table),
    [Symbol.asyncDispose]: () => database.close(),
  }
}

databaseSuite('memoryDatabase', open)
storeSuite('memoryDatabase', open)
