import type { Database } from '@millrace/documents'
import { expect, test } from 'vitest'
import { codeOf, type DatabaseFactory, opened, useDatabase } from './database-harness.ts'
import { append, BENCHES, store } from './database-operations.ts'

const SCHEMA = { collections: [{ name: BENCHES }] }

/** So long that a test which waits for it fails. */
const LONG_MS = 600_000

async function endOf(database: Database): Promise<number> {
  const [end] = await database.read([{ kind: 'feed-end' }])
  return end
}

/** Waits until there are events behind `position`: a wait may end early, so whoever waits reads again. */
async function waitFor(database: Database, position: number): Promise<readonly string[]> {
  for (;;) {
    await database.eventsBeyond(position, { waitMsMax: LONG_MS })
    const [{ events }] = await database.read([{ kind: 'feed', after: position }])
    if (events.length > 0) return events.map(({ type }) => type)
  }
}

/** Waiting for events. */
export function databaseWaitingTests(open: DatabaseFactory): void {
  const shared = useDatabase(open, SCHEMA)

  test('a wait ends at once if there are events already', async () => {
    const under = shared()
    await under.database.commit([append('s', ['a'])])
    expect(await waitFor(under.database, 0)).toContain('a')
  })

  test('a wait ends when events come, for everybody who waits', async () => {
    const under = shared()
    const { database } = under
    await database.commit([append('s', ['a'])])
    const end = await endOf(database)
    const waits = [waitFor(database, end), waitFor(database, end)]
    await database.commit([store('b1', {})])
    await database.commit([append('s', ['b'])])
    expect(await Promise.all(waits)).toEqual([['b'], ['b']])
  })

  test('a wait ends when another process writes', async () => {
    const under = shared()
    if (!under.database.supports.shared) return
    const other = await under.open!()
    await other.prepare(SCHEMA)
    const waiting = waitFor(under.database, await endOf(under.database))
    await other.commit([append('s', ['a'])])
    expect(await waiting).toEqual(['a'])
  })

  test('a wait ends when its time is over', async () => {
    const under = shared()
    const end = await endOf(under.database)
    const waiting = under.database.eventsBeyond(end + 1_000, { waitMsMax: 20 })
    await under.advance?.(20)
    await waiting
    const none = under.database.eventsBeyond(end + 1_000, { waitMsMax: 0 })
    await under.advance?.(0)
    await none
  })

  test('a wait rejects with the reason of its signal', async () => {
    const under = shared()
    const controller = new AbortController()
    const reason = new Error('enough')
    const options = { waitMsMax: LONG_MS, signal: controller.signal }
    const waitForever = async () => {
      for (;;) await under.database.eventsBeyond(Number.MAX_SAFE_INTEGER, options)
    }
    const outcome = waitForever().catch((error: unknown) => error)
    controller.abort(reason)
    expect(await outcome).toBe(reason)
    expect(await waitForever().catch((error: unknown) => error), 'when it has been aborted already').toBe(
      reason,
    )
  })

  test('closing ends every wait', async () => {
    await using under = await opened(open, SCHEMA)
    const waits = [1, 2].map((position) =>
      codeOf(under.database.eventsBeyond(position * 1_000, { waitMsMax: LONG_MS })),
    )
    await under.database.close()
    for (const code of await Promise.all(waits)) expect(['no error', 'DATABASE_CLOSED']).toContain(code)
  })
}
