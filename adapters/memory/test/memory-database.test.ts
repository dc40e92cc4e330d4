import { databaseSuite } from '@millrace/conformance'
import { memoryDatabase } from '@millrace/memory'

databaseSuite('memoryDatabase', async () => {
  const database = memoryDatabase()
  return { database, reopen: async () => database, [Symbol.asyncDispose]: () => database.close() }
})
