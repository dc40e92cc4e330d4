import { databaseSuite } from '@millrace/conformance'
import { openSqlite } from '@millrace/sqlite'
import { temporaryDirectory } from './temporary-directory.ts'

databaseSuite('openSqlite', async () => {
  const directory = await temporaryDirectory()
  const file = directory.path('store.db')
  const opened = [await openSqlite({ file })]
  const open = async () => {
    const database = await openSqlite({ file })
    opened.push(database)
    return database
  }
  const closeAll = () => Promise.all(opened.map((database) => database.close()))
  return {
    database: opened[0]!,
    open,
    reopen: async () => {
      await closeAll()
      return open()
    },
    parameterMark: () => '?',
    [Symbol.asyncDispose]: async () => {
      await closeAll()
      await directory[Symbol.asyncDispose]()
    },
  }
})
