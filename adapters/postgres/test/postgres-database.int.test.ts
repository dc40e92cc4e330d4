import { type DatabaseFactory, databaseSuite, storeSuite } from '@millrace/conformance'
import { openPostgres } from '@millrace/postgres'
import { describe } from 'vitest'
import { postgresServers, usePostgres, versionText } from './postgres-server.ts'

describe.each(postgresServers.map((program) => [versionText(program), program] as const))(
  'with PostgreSQL %s',
  (version, program) => {
    const postgres = usePostgres(program)

    const openServer: DatabaseFactory = async () => {
      const url = await postgres().newDatabase()
      const opened = [await openPostgres({ url })]
      const open = async () => {
        const database = await openPostgres({ url })
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
        parameterMark: (index) => `$${index}`,
        [Symbol.asyncDispose]: async () => {
          await closeAll()
          await postgres().dropDatabase(url)
        },
      }
    }

    databaseSuite(`openPostgres on ${version}`, openServer)
    storeSuite(`openPostgres on ${version}`, openServer)
  },
)
