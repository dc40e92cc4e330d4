import { aggregate } from '@millrace/event-store'
import { settle } from '@millrace/kernel'
import { describe, expect, test } from 'vitest'
import { eventOf, openShop, Placed } from './shop.ts'

const Sum = aggregate('sum', { initial: 0, snapshotEvery: 2 }).on(Placed, (sum, { data }) => sum + data.cents)
const add = (cents: number) => [Placed.draft({ cents })]

describe('a decision', () => {
  test('sees the state, and answers with the one behind what it has appended', async () => {
    const { events } = await openShop()
    expect(await events.decide(Sum, 's', (sum, version) => add(sum + version + 1))).toMatchObject({
      state: 1,
      version: 1,
      appended: { version: 1, position: 1 },
    })
    expect(await events.decide(Sum, 's', (sum, version) => add(sum + version + 1))).toMatchObject({
      state: 4,
      version: 2,
    })
    expect(await events.streamInfo('s')).toMatchObject({ streamType: 'sum', version: 2 })
  })

  test('to do nothing appends nothing', async () => {
    const { events } = await openShop()
    expect(await events.decide(Sum, 's', () => [])).toEqual({ state: 0, version: 0, appended: undefined })
    expect(await events.exists('s')).toBe(false)
  })

  test('is refused when somebody else has appended in between', async () => {
    const { events } = await openShop()
    const decided = events.decide(Sum, 's', async () => {
      await events.append('s', [eventOf('other')])
      return add(1)
    })
    await expect(decided).rejects.toMatchObject({
      code: 'STREAM_CONFLICT',
      parameters: { seen: 1, expected: 0 },
    })
  })

  test('is made again for the newer state, but only as often as was asked for', async () => {
    const { events, runtime } = await openShop()
    const seen: number[] = []
    const inTheWay = (times: number) => async (sum: number) => {
      seen.push(sum)
      if (seen.length <= times) await events.append('s', [eventOf(`other-${seen.length}`)])
      return add(10)
    }
    const decided = events.decide(Sum, 's', inTheWay(2), { attemptsMax: 3 })
    await runtime.advance(10_000)
    expect(await decided).toMatchObject({ state: 12, version: 3 })
    expect(seen).toEqual([0, 1, 2])
    seen.length = 0
    const refused = events.decide(Sum, 's', inTheWay(9), { attemptsMax: 2 })
    const outcome = expect(refused).rejects.toMatchObject({ code: 'STREAM_CONFLICT' })
    await runtime.advance(10_000)
    await outcome
    expect(seen).toEqual([12, 13])
  })

  test('keeps a snapshot in its own unit, and stands without it if another one is in the way', async () => {
    const { events, database } = await openShop()
    await events.decide(Sum, 's', () => [...add(1), ...add(2)])
    const kept = async () => {
      const [{ documents }] = await database.read([{ kind: 'query', collection: 'millrace-snapshots' }])
      return documents.map(({ text }) => (JSON.parse(text) as { version: number }).version)
    }
    expect(await kept()).toEqual([2])
    await events.append('s', add(4))
    const decided = await events.decide(Sum, 's', async () => {
      const Eager = aggregate('sum', { initial: 0, snapshotEvery: 1 }).on(
        Placed,
        (sum, { data }) => sum + data.cents,
      )
      await events.aggregate(Eager, 's')
      return add(8)
    })
    expect(decided).toMatchObject({ state: 15, version: 4 })
    expect(await kept()).toEqual([3])
    expect((await events.aggregate(Sum, 's')).state).toBe(15)
  })

  test('whose events do not fit their types appends nothing', async () => {
    const { events } = await openShop()
    const decided = events.decide(Sum, 's', () => [eventOf('x', { data: 'nothing' })])
    await expect(decided).rejects.toMatchObject({ code: 'EVENT_SCHEMA_MISMATCH' })
    expect(await events.exists('s')).toBe(false)
  })

  test('can be given up while it waits for another attempt', async () => {
    const { events } = await openShop()
    const controller = new AbortController()
    const decided = events.decide(
      Sum,
      's',
      async () => {
        await events.append('s', [eventOf('other')])
        return add(1)
      },
      { attemptsMax: 100, signal: controller.signal },
    )
    const outcome = expect(decided).rejects.toThrow('enough')
    await settle()
    controller.abort(new Error('enough'))
    await outcome
  })
})
