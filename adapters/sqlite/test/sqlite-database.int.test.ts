import { type DatabaseFactory, databaseSuite, storeSuite } from '@millrace/conformance'
import type { Database } from '@millrace/documents'
import { openSqlite } from '@millrace/sqlite'
import { temporaryDirectory } from './temporary-directory.ts'

const openFile: DatabaseFactory = async () => {
  const directory = await temporaryDirectory()
  const opened: Database[] = []
  const open = async () => {
    const database = await openSqlite({ file: directory.path('store.db') })
    opened.push(database)
    return database
  }
  const closeAll = () => Promise.all(opened.map((database) => database.close()))
  return {
    database: await open(),
    open,
    reopen: async () => {
      await closeAll()
      return open()
    },
    parameterMark: (index) => `?${index}`,
    [Symbol.asyncDispose]: async () => {
      await closeAll()
      await directory[Symbol.asyncDispose]()
    },
  }
}

databaseSuite('openSqlite', openFile)
storeSuite('openSqlite', openFile)
