import { openPostgres } from '@millrace/postgres'
import { describe, expect, onTestFinished, test } from 'vitest'
import { heldRows, postgresServers, untilWaiting, usePostgres, versionText } from './postgres-server.ts'

const store = (id: string) => ({ kind: 'store', collection: 'benches', id, text: '{}' }) as const
const expected = (id: string, revision: number) =>
  ({ kind: 'expect', collection: 'benches', id, revision }) as const

describe.each(postgresServers.map((program) => [versionText(program), program] as const))(
  'with PostgreSQL %s',
  (_, program) => {
    const postgres = usePostgres(program)

    /** A unit that expects something of a document, and somebody else who would change that while it is not done yet. */
    async function changedMeanwhile(revision: number) {
      const url = await postgres().newDatabase()
      const [owner, other] = [await openPostgres({ url }), await openPostgres({ url })]
      for (const each of [owner, other]) {
        onTestFinished(() => each.close())
        await each.prepare({ collections: [{ name: 'benches', softDelete: true }] })
      }
      await owner.commit([store('gate'), ...Array<ReturnType<typeof store>>(revision).fill(store('lease'))])
      const gate = await heldRows(url, ['gate'])
      const done: string[] = []
      const owning = owner.commit([expected('lease', revision), store('gate')]).then(() => done.push('owner'))
      await untilWaiting(url, 1)
      const changing = other.commit([store('lease')]).then(() => done.push('other'))
      // Both wait: the one for the gate, the other one for the one.
      await untilWaiting(url, 2)
      await gate.release()
      await Promise.all([owning, changing])
      return { done, owner }
    }

    test('a document that is expected stays as it is until the unit is committed', async () => {
      const { done, owner } = await changedMeanwhile(2)
      expect(done).toEqual(['owner', 'other'])
      await expect(owner.commit([expected('lease', 2)])).rejects.toMatchObject({
        code: 'DOCUMENT_CONFLICT',
        parameters: { id: 'lease', seen: 3, expected: 2 },
      })
    })

    test('a document that must not exist is not made by anybody else until the unit is committed', async () => {
      const { done, owner } = await changedMeanwhile(0)
      expect(done).toEqual(['owner', 'other'])
      await expect(owner.commit([expected('lease', 0)])).rejects.toMatchObject({ code: 'DOCUMENT_CONFLICT' })
      await owner.commit([{ kind: 'delete', collection: 'benches', id: 'lease' }, expected('lease', 0)])
    })

    test('many units may expect the same at a time', async () => {
      const url = await postgres().newDatabase()
      await using database = await openPostgres({ url })
      await using other = await openPostgres({ url })
      for (const each of [database, other]) await each.prepare({ collections: [{ name: 'benches' }] })
      await database.commit([store('lease'), store('gate')])
      const gate = await heldRows(url, ['gate'])
      const waiting = database.commit([expected('lease', 1), store('gate')])
      await untilWaiting(url, 1)
      await other.commit([expected('lease', 1), store('b')])
      await gate.release()
      await waiting
    })
  },
)
