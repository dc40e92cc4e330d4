import { describe, expect, test } from 'vitest'
import { documentsOf, openWorld, tills } from './daemon-world.ts'

describe('a projection in the background', () => {
  test('makes one document of each stream, and goes on as events come', async () => {
    const world = await openWorld()
    await world.pay('t1', 1, 2)
    await world.pay('t2', 5)
    const daemon = await world.start([tills])
    await world.waitFor(daemon.waitForNonStale())
    expect(await documentsOf(world.database, 'tills')).toMatchObject({ t1: { cents: 3 }, t2: { cents: 5 } })
    await world.pay('t1', 10)
    await world.waitFor(daemon.waitForNonStale())
    expect(await documentsOf(world.database, 'tills')).toMatchObject({ t1: { cents: 13 }, t2: { cents: 5 } })
    await world.waitFor(daemon.stop())
  })
})
