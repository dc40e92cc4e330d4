import { databaseSuite } from '@millrace/conformance'
import { openSqlite } from '@millrace/sqlite'
import { temporaryDirectory } from './temporary-directory.ts'

databaseSuite('openSqlite', async () => {
  const directory = await temporaryDirectory()
  const file = directory.path('store.db')
  const opened = [await openSqlite({ file })]
  const closeAll = () => Promise.all(opened.map((database) => database.close()))
  return {
    database: opened[0]!,
    reopen: async () => {
      await closeAll()
      opened.push(await openSqlite({ file }))
      return opened.at(-1)!
    },
    [Symbol.asyncDispose]: async () => {
      await closeAll()
      await directory[Symbol.asyncDispose]()
    },
  }
})
