import {
  type AnyProjection,
  customProjection,
  type Daemon,
  type Projection,
  projection,
  rows,
} from '@millrace/projections'
import { describe, expect, test } from 'vitest'
import {
  DAYS,
  type DaemonWorld,
  days,
  documentsOf,
  notes,
  openWorld,
  Paid,
  payers,
  type Till,
  Tills,
  tills,
} from './daemon-world.ts'
import { dayRows, expectPlainFold } from './plain-fold.ts'
import { watched } from './watched-database.ts'

/** The same documents, made by functions that count double. */
const doubled: Projection<Till> = projection('tills', Tills, { version: 2 }).on(
  Paid,
  (till, { id, data }, key) => ({
    id: key,
    cents: (till?.cents ?? 0) + 2 * data.cents,
    events: [...(till?.events ?? []), id],
  }),
)

async function progressOf(daemon: Daemon, name: string) {
  return (await daemon.progress()).find((each) => each.name === name)
}

async function untilRebuilt({ until }: DaemonWorld, daemon: Daemon, name: string): Promise<void> {
  await until(async () => expect((await progressOf(daemon, name))?.rebuild).toBeUndefined())
}

async function centsOf({ database }: DaemonWorld): Promise<number | undefined> {
  return (await documentsOf<Till>(database, 'tills')).t1?.cents
}

/** A world with a daemon that is up to date. */
async function running(projections: readonly AnyProjection[] = [tills]) {
  const world = await openWorld()
  await world.pay('t1', 1, 2, 3)
  await world.pay('t2', 4)
  const daemon = await world.start(projections)
  await world.waitFor(daemon.waitForNonStale())
  return { world, daemon }
}

async function spoilTills({ database }: DaemonWorld): Promise<void> {
  const text = JSON.stringify({ id: 't1', cents: 77, events: ['wrong'] })
  await database.commit([{ kind: 'store', collection: 'tills', id: 't1', text }])
}

describe('a rebuild side by side', () => {
  test('makes the documents again, and leaves no trace of the old ones', async () => {
    const { world, daemon } = await running()
    await spoilTills(world)
    const text = JSON.stringify({ id: 'ghost', cents: 1, events: [] })
    await world.database.commit([{ kind: 'store', collection: 'tills', id: 'ghost', text }])
    await world.waitFor(daemon.rebuild('tills'))
    await untilRebuilt(world, daemon, 'tills')
    await expectPlainFold(world.database, { kinds: ['tills'] })
    await world.pay('t1', 5)
    await world.waitFor(daemon.waitForNonStale())
    await expectPlainFold(world.database, { kinds: ['tills'] })
    expect(await documentsOf(world.database, 'tills--rebuild')).toEqual({})
    await world.waitFor(daemon.stop())
  })

  test('serves the old documents, up to date, until the new ones take their place at once', async () => {
    const world = await openWorld()
    await world.pay('t1', 1, 2, 3)
    const gate: { open: () => void } = { open: () => {} }
    const database = watched(world.database, {
      beforeCommit: async (operations) => {
        const isFilling = operations.some(
          (each) => each.kind === 'store' && each.collection === 'tills--rebuild',
        )
        if (!isFilling) return
        await new Promise<void>((resolve) => {
          gate.open = resolve
        })
      },
    })
    await using daemon = await world.start([{ projection: tills, leaseMs: 3_600_000 }], { database })
    await world.waitFor(daemon.waitForNonStale())
    await spoilTills(world)
    await world.waitFor(daemon.rebuild('tills'))
    await world.runtime.advance(500)
    await world.pay('t1', 10)
    await world.waitFor(daemon.waitForNonStale())
    expect(await centsOf(world)).toBe(87)
    expect(await progressOf(daemon, 'tills')).toMatchObject({
      state: 'running',
      behind: 0,
      rebuild: { kind: 'side-by-side', phase: 'filling', state: 'running', done: 0, goal: 3 },
    })
    gate.open()
    await world.runtime.advance(50)
    gate.open()
    await untilRebuilt(world, daemon, 'tills')
    expect(await centsOf(world)).toBe(16)
    expect(await progressOf(daemon, 'tills')).toMatchObject({ behind: 0 })
  })

  test('never lets a document go back in time while events come all the time', async () => {
    const { world, daemon } = await running()
    await world.waitFor(daemon.rebuild('tills'))
    let isRebuilding = true
    let seen = 0
    for (let round = 0; round < 400 && isRebuilding; round += 1) {
      await world.pay('t1', 1)
      await world.runtime.advance(5)
      const cents = (await centsOf(world)) ?? 0
      expect(cents).toBeGreaterThanOrEqual(seen)
      seen = cents
      isRebuilding = (await progressOf(daemon, 'tills'))?.rebuild !== undefined
    }
    expect(isRebuilding).toBe(false)
    await world.waitFor(daemon.waitForNonStale())
    await expectPlainFold(world.database, { kinds: ['tills'] })
    await world.waitFor(daemon.stop())
  })

  test('takes a new number of shards', async () => {
    const { world, daemon } = await running([tills, payers])
    await world.waitFor(daemon.stop())
    await using next = await world.start([{ projection: tills, shards: 4 }, payers])
    await world.waitFor(next.waitForNonStale())
    expect((await progressOf(next, 'tills'))?.shards).toHaveLength(1)
    await world.waitFor(next.rebuild('tills'))
    await untilRebuilt(world, next, 'tills')
    expect((await progressOf(next, 'tills'))?.shards).toHaveLength(4)
    await world.pay('t3', 9)
    await world.waitFor(next.waitForNonStale())
    await expectPlainFold(world.database, { kinds: ['tills', 'payers'] })
  })

  test('begins by itself when the functions have a higher version, and the old version does nothing any more', async () => {
    const { world, daemon } = await running()
    await using newer = await world.start([doubled], { node: 'newer' })
    await world.waitFor(newer.resume('tills'))
    await untilRebuilt(world, newer, 'tills')
    await world.waitFor(newer.waitForNonStale())
    expect(await centsOf(world)).toBe(12)
    await world.pay('t1', 5)
    await world.waitFor(newer.waitForNonStale())
    expect(await centsOf(world)).toBe(22)
    expect(await progressOf(daemon, 'tills')).toMatchObject({ state: 'outdated', version: 2 })
    await world.waitFor(daemon.stop())
    // A node of the old version that comes back does not turn anything round.
    await using older = await world.start([tills], { node: 'older' })
    await world.runtime.advance(30_000)
    expect(await centsOf(world)).toBe(22)
    expect(await progressOf(older, 'tills')).toMatchObject({ state: 'outdated', version: 2 })
  })

  test('is over with the switch: a unit for the shadow that is on its way then is refused', async () => {
    const world = await openWorld()
    await world.pay('t1', 1)
    let hasSwitched = false
    let held: (() => void) | undefined
    const database = watched(world.database, {
      beforeCommit: async (operations) => {
        const isSwitch = operations.some((each) => each.kind === 'replace-all' && each.from !== undefined)
        if (isSwitch) {
          hasSwitched = true
          await world.pay('t1', 10)
          await world.until(() => expect(held).toBeDefined())
        } else if (
          hasSwitched &&
          operations.some((each) => each.kind === 'store' && each.collection === 'tills--rebuild')
        ) {
          await new Promise<void>((resolve) => {
            held ??= resolve
            if (held !== resolve) resolve()
          })
        }
      },
      onCommit: (operations) => {
        if (operations.some((each) => each.kind === 'replace-all' && each.from !== undefined)) held?.()
      },
    })
    await using daemon = await world.start([tills], { database })
    await world.waitFor(daemon.waitForNonStale())
    await world.waitFor(daemon.rebuild('tills'))
    await untilRebuilt(world, daemon, 'tills')
    await world.waitFor(daemon.waitForNonStale())
    expect(held).toBeDefined()
    await expectPlainFold(world.database, { kinds: ['tills'] })
    expect(await documentsOf(world.database, 'tills--rebuild')).toEqual({})
  })

  test('goes on where it was after a restart', async () => {
    const world = await openWorld()
    await world.pay('t1', ...Array.from({ length: 40 }, () => 1))
    let fills = 0
    const database = watched(world.database, {
      beforeCommit: async (operations) => {
        if (!operations.some((each) => each.kind === 'store' && each.collection === 'tills--rebuild')) return
        fills += 1
        if (fills === 3) await new Promise(() => {})
      },
    })
    const settings = { projection: tills, rebuildStaging: { pauseAt: 10, resumeAt: 5 } }
    const first = await world.start([settings], { database })
    await world.waitFor(first.waitForNonStale())
    await world.waitFor(first.rebuild('tills'))
    await world.until(() => expect(fills).toBe(3))
    await world.waitFor(first.stop({ limitMs: 0 }))
    const units: number[] = []
    const watching = watched(world.database, {
      onCommit: (operations) => {
        const position = operations.find((each) => each.kind === 'position')
        if (position?.kind === 'position' && position.position.topic === '$feed/1') {
          units.push(position.expectedOffset ?? -1)
        }
      },
    })
    await using second = await world.start([settings], { database: watching })
    await untilRebuilt(world, second, 'tills')
    expect(units[0]).toBe(11)
    await expectPlainFold(world.database, { kinds: ['tills'] })
  })

  test('can be given up, also when it has stopped; what is served stays', async () => {
    const { world, daemon } = await running()
    await world.pay('t1', 666)
    await world.waitFor(daemon.waitForNonStale())
    await spoilTills(world)
    await world.waitFor(daemon.rebuild('tills'))
    await world.until(async () => {
      expect((await progressOf(daemon, 'tills'))?.rebuild).toMatchObject({
        state: 'stopped',
        error: { code: 'HANDLER_FAILED', position: 5 },
      })
    })
    await world.pay('t1', 1)
    await world.waitFor(daemon.waitForNonStale())
    expect(await centsOf(world)).toBe(78)
    expect(await world.waitFor(daemon.cancelRebuild('tills'))).toBe(true)
    expect(await world.waitFor(daemon.cancelRebuild('tills'))).toBe(false)
    expect((await progressOf(daemon, 'tills'))?.rebuild).toBeUndefined()
    expect(await documentsOf(world.database, 'tills--rebuild')).toEqual({})
    await world.pay('t1', 1)
    await world.waitFor(daemon.waitForNonStale())
    expect(await centsOf(world)).toBe(79)
    await world.waitFor(daemon.stop())
  })

  test('goes on when it is resumed, and skips what stopped it if its policy says so', async () => {
    const { world, daemon } = await running()
    await world.pay('t1', 666)
    await world.waitFor(daemon.rebuild('tills'))
    await world.until(async () => {
      expect((await progressOf(daemon, 'tills'))?.rebuild).toMatchObject({ state: 'stopped' })
    })
    await world.waitFor(daemon.stop())
    await using next = await world.start([{ projection: tills, rebuildErrors: { apply: 'skip' } }])
    await world.waitFor(next.resume('tills'))
    await untilRebuilt(world, next, 'tills')
    // The letters of the old documents go with them; those of the new ones take their place.
    expect((await next.deadLetters()).letters).toMatchObject([{ position: 5, slot: 1 }])
    expect(await centsOf(world)).toBe(6)
  })

  test('rests while its projection is paused', async () => {
    const { world, daemon } = await running()
    await world.waitFor(daemon.pause('tills'))
    await spoilTills(world)
    await world.waitFor(daemon.rebuild('tills'))
    await world.runtime.advance(30_000)
    expect(await centsOf(world)).toBe(77)
    await world.waitFor(daemon.resume('tills'))
    await untilRebuilt(world, daemon, 'tills')
    expect(await centsOf(world)).toBe(6)
    await world.waitFor(daemon.stop())
  })

  test('begins anew when it is asked for again', async () => {
    const { world, daemon } = await running()
    await spoilTills(world)
    await world.waitFor(daemon.rebuild('tills'))
    await world.waitFor(daemon.rebuild('tills'))
    await untilRebuilt(world, daemon, 'tills')
    await world.waitFor(daemon.rebuild('tills'))
    await untilRebuilt(world, daemon, 'tills')
    await expectPlainFold(world.database, { kinds: ['tills'] })
    await world.waitFor(daemon.stop())
  })

  test('keeps the documents of every tenant', async () => {
    const world = await openWorld()
    for (const tenant of ['a', 'b']) {
      await world.store.append('t1', [Paid.draft({ cents: tenant === 'a' ? 1 : 2 })], { tenant })
    }
    await using daemon = await world.start([tills])
    await world.waitFor(daemon.waitForNonStale())
    await world.waitFor(daemon.rebuild('tills'))
    await untilRebuilt(world, daemon, 'tills')
    expect(await centsOf(world)).toBe(3)
  })
})

describe('a rebuild in place', () => {
  test('empties a table and fills it again', async () => {
    const { world, daemon } = await running([days])
    const key = { till: 'ghost', kind: 'paid' }
    await world.database.commit([{ kind: 'put-row', table: 'days', key, add: { count: 1 } }])
    await world.waitFor(daemon.rebuild('days'))
    await untilRebuilt(world, daemon, 'days')
    await world.pay('t1', 5)
    await world.waitFor(daemon.waitForNonStale())
    await expectPlainFold(world.database, { kinds: ['days'] })
    await world.waitFor(daemon.stop())
  })

  test('does not count as up to date before it is', async () => {
    const { world, daemon } = await running([days])
    await world.waitFor(daemon.rebuild('days'))
    await world.waitFor(daemon.waitForNonStale())
    await expectPlainFold(world.database, { kinds: ['days'] })
    await world.waitFor(daemon.stop())
  })

  test('follows a higher version, with more shards', async () => {
    const { world, daemon } = await running([days])
    await world.waitFor(daemon.stop())
    const negative = rows('days', DAYS, { version: 2 }).on(Paid, ({ id, stream, data }) => ({
      kind: 'put-row',
      key: { till: String(stream), kind: 'paid' },
      set: { last: id },
      add: { cents: -data.cents, count: 1 },
    }))
    await using next = await world.start([{ projection: negative, shards: 3 }])
    await untilRebuilt(world, next, 'days')
    await world.waitFor(next.waitForNonStale())
    expect(await dayRows(world.database)).toMatchObject({ t1: { cents: -6 }, t2: { cents: -4 } })
    expect((await progressOf(next, 'days'))?.shards).toHaveLength(3)
  })

  test('is for custom projections that say how to remove what they have written', async () => {
    const { world, daemon } = await running([notes])
    await world.waitFor(daemon.rebuild('notes'))
    await untilRebuilt(world, daemon, 'notes')
    await expectPlainFold(world.database, { kinds: ['notes'] })
    await world.waitFor(daemon.stop())
    const { reset: _, ...options } = notes.options
    await using other = await world.start([
      customProjection('lasting', { ...options, collections: [{ name: 'notes' }] }),
    ])
    await expect(other.rebuild('lasting')).rejects.toMatchObject({ code: 'PROJECTION_NOT_REBUILDABLE' })
  })

  test('that cannot begin says why, and holds up no other projection', async () => {
    const { world, daemon } = await running([notes, tills])
    await world.waitFor(daemon.stop())
    const { name, options } = notes
    const broken = customProjection(name, {
      ...options,
      version: 2,
      reset: () => {
        throw new RangeError('no idea how')
      },
    })
    await using next = await world.start([broken, tills])
    await world.pay('t1', 1)
    await world.waitFor(next.waitForNonStale(['tills']))
    await world.until(async () => {
      expect(await progressOf(next, 'notes')).toMatchObject({ lastError: { message: 'no idea how' } })
    })
    await expect(next.rebuild('notes')).rejects.toThrow('no idea how')
  })

  test('does not happen to a custom projection of a higher version that cannot be rebuilt: it goes on', async () => {
    const seen: string[] = []
    const lasting = (version: number) =>
      customProjection('lasting', {
        version,
        types: [Paid],
        handle: (events) => {
          for (const { position } of events) seen.push(`${version}:${position}`)
        },
      })
    const { world, daemon } = await running([lasting(1)])
    await world.waitFor(daemon.stop())
    await world.pay('t1', 9)
    await using next = await world.start([lasting(2)])
    await world.waitFor(next.waitForNonStale())
    expect(seen).toEqual(['1:1', '1:2', '1:3', '1:4', '2:5'])
  })
})

describe('the rebuild of one stream', () => {
  test('makes its document again, up to where the projection stands, and no other one', async () => {
    const { world, daemon } = await running()
    await world.waitFor(daemon.pause('tills'))
    await world.pay('t1', 100)
    await spoilTills(world)
    const text = JSON.stringify({ id: 't2', cents: 88, events: ['wrong'] })
    await world.database.commit([{ kind: 'store', collection: 'tills', id: 't2', text }])
    await daemon.rebuildStream('tills', 't1')
    const found = await documentsOf<Till>(world.database, 'tills')
    expect([found.t1?.cents, found.t2?.cents]).toEqual([6, 88])
    await world.waitFor(daemon.resume('tills'))
    await world.waitFor(daemon.waitForNonStale())
    expect(await centsOf(world)).toBe(106)
    await world.waitFor(daemon.stop())
  })

  test('holds every event once also while the shard is at work', async () => {
    const { world, daemon } = await running()
    for (let round = 0; round < 30; round += 1) {
      await world.pay('t1', 1)
      if (round % 3 === 0) await spoilTills(world)
      const rebuilt = daemon.rebuildStream('tills', 't1')
      await world.pay('t1', 1)
      await world.runtime.advance(round % 7)
      await world.waitFor(rebuilt)
    }
    await world.waitFor(daemon.waitForNonStale())
    await expectPlainFold(world.database, { kinds: ['tills'] })
    await world.waitFor(daemon.stop())
  })

  test('is made again when the shard has gone on meanwhile', async () => {
    const world = await openWorld()
    let isMeddling = false
    const database = watched(world.database, {
      beforeCommit: async (operations) => {
        const isOurs = operations.some(
          (each) => each.kind === 'expect' && each.collection === 'millrace-projections',
        )
        if (!isOurs || !isMeddling) return
        isMeddling = false
        await world.pay('t1', 100)
        await world.waitFor(daemon.waitForNonStale())
      },
    })
    await world.pay('t1', 1)
    await using daemon = await world.start([tills], { database })
    await world.waitFor(daemon.waitForNonStale())
    isMeddling = true
    await daemon.rebuildStream('tills', 't1')
    expect(isMeddling).toBe(false)
    await expectPlainFold(world.database, { kinds: ['tills'] })
  })

  test('takes in what had been left out, and removes its letters', async () => {
    const world = await openWorld()
    let isStrict = true
    const moody = projection('tills', Tills).on(Paid, (till, { id, data }, key) => {
      if (isStrict && data.cents === 13) throw new RangeError('not today')
      return { id: key, cents: (till?.cents ?? 0) + data.cents, events: [...(till?.events ?? []), id] }
    })
    await world.pay('t1', 1, 13, 2)
    await world.pay('t2', 13)
    await using daemon = await world.start([moody])
    await world.waitFor(daemon.waitForNonStale())
    expect((await daemon.deadLetters()).total).toBe(2)
    await expect(daemon.rebuildStream('tills', 't1')).rejects.toThrow('not today')
    isStrict = false
    await daemon.rebuildStream('tills', 't1')
    expect(await centsOf(world)).toBe(16)
    expect((await daemon.deadLetters()).letters).toMatchObject([{ stream: 't2' }])
  })

  test('deletes the document of a stream that comes to none, and is refused where documents are not those of streams', async () => {
    const { world, daemon } = await running([tills, payers, days])
    const text = JSON.stringify({ id: 'nothing', cents: 88, events: ['wrong'] })
    await world.database.commit([{ kind: 'store', collection: 'tills', id: 'nothing', text }])
    await daemon.rebuildStream('tills', 'nothing')
    expect(Object.keys(await documentsOf(world.database, 'tills'))).toEqual(['t1', 't2'])
    for (const name of ['payers', 'days']) {
      await expect(daemon.rebuildStream(name, 't1')).rejects.toMatchObject({
        code: 'PROJECTION_NOT_REBUILDABLE',
      })
    }
    await world.waitFor(daemon.stop())
  })
})
