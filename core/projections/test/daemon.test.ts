import type { WriteOperation } from '@millrace/documents'
import { collection } from '@millrace/documents'
import { upcaster, upcasters } from '@millrace/event-store'
import { event } from '@millrace/kernel'
import { customProjection, type Projection, projection } from '@millrace/projections'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import {
  Closed,
  days,
  documentsOf,
  notes,
  openWorld,
  Paid,
  payers,
  Refunded,
  type Till,
  Tills,
  tenantTills,
  tills,
} from './daemon-world.ts'
import { FailingDatabase } from './failing-database.ts'
import { expectPlainFold } from './plain-fold.ts'
import { watched } from './watched-database.ts'

describe('a projection in the background', () => {
  test('makes one document of each stream, and goes on as events come', async () => {
    const world = await openWorld()
    await world.pay('t1', 1, 2)
    await world.pay('t2', 5)
    await using daemon = await world.start([tills])
    await world.waitFor(daemon.waitForNonStale())
    expect(await documentsOf(world.database, 'tills')).toMatchObject({ t1: { cents: 3 }, t2: { cents: 5 } })
    await world.pay('t1', 10)
    await world.waitFor(daemon.waitForNonStale())
    expect(await documentsOf(world.database, 'tills')).toMatchObject({ t1: { cents: 13 }, t2: { cents: 5 } })
  })

  test('of every kind makes what a plain fold makes, in any number of shards', async () => {
    const world = await openWorld()
    for (let index = 0; index < 40; index += 1) {
      const stream = `t${index % 7}`
      await world.store.append(stream, [Paid.draft({ cents: index, by: [`p${index % 3}`, `p${index % 5}`] })])
      if (index % 4 === 0) await world.store.append(stream, [Refunded.draft({ cents: 1 })])
      if (index % 11 === 10) await world.store.append(stream, [Closed.draft({})])
    }
    const sharded = [tills, payers, days].map((each, index) => ({ projection: each, shards: index + 2 }))
    await using daemon = await world.start([...sharded, notes])
    await world.waitFor(daemon.waitForNonStale())
    await expectPlainFold(world.database)
    const progress = await daemon.progress()
    expect(progress.map(({ shards }) => shards.length)).toEqual([2, 3, 4, 1])
    for (const { shards } of progress.slice(0, 3)) {
      expect(shards.filter(({ applied }) => applied > 0).length).toBeGreaterThan(1)
    }
  })

  test('keeps the documents of tenants apart where their collection does, and together where it does not', async () => {
    const world = await openWorld()
    for (const [tenant, cents] of [
      ['a', 1],
      ['b', 2],
      ['', 4],
      ['a', 8],
    ] as const) {
      await world.store.append('t1', [Paid.draft({ cents })], { tenant })
    }
    await using daemon = await world.start([tenantTills, tills])
    await world.waitFor(daemon.waitForNonStale())
    const sums = await Promise.all(
      ['a', 'b', ''].map(async (tenant) => {
        const { t1 } = await documentsOf<Till>(world.database, 'tenant-tills', tenant)
        return t1?.cents
      }),
    )
    expect(sums).toEqual([9, 2, 4])
    expect((await documentsOf<Till>(world.database, 'tills')).t1?.cents).toBe(15)
  })

  test('gets events in their newest shape', async () => {
    const world = await openWorld()
    const Bought = event('till.bought', z.object({ euros: z.number() }))
    await world.store.append('t1', [Bought.draft({ euros: 2 })])
    await world.pay('t1', 50)
    const newer = upcasters([upcaster(Bought, Paid, ({ euros }) => ({ cents: euros * 100 }))])
    await using daemon = await world.start([tills], { upcasters: newer })
    await world.waitFor(daemon.waitForNonStale())
    expect((await documentsOf<Till>(world.database, 'tills')).t1?.cents).toBe(250)
  })

  test('does not see archived streams, and keeps their documents as they were', async () => {
    const world = await openWorld()
    await world.pay('t1', 1)
    await using daemon = await world.start([tills])
    await world.waitFor(daemon.waitForNonStale())
    await world.store.archive('t1')
    await world.pay('t2', 2)
    await world.waitFor(daemon.waitForNonStale())
    expect(Object.keys(await documentsOf(world.database, 'tills'))).toEqual(['t1', 't2'])
  })
})

describe('a unit', () => {
  test('holds the documents of many events, each once, with the position, on condition of the lease', async () => {
    const units: (readonly WriteOperation[])[] = []
    const world = await openWorld()
    for (let index = 0; index < 60; index += 1) await world.pay(`t${index % 2}`, index)
    const database = watched(world.database, { onCommit: (operations) => units.push(operations) })
    await using daemon = await world.start([tills], { database })
    await world.waitFor(daemon.waitForNonStale())
    const work = units.filter((unit) => unit.some(({ kind }) => kind === 'position'))
    expect(work).toHaveLength(1)
    expect(work[0]?.map((each) => [each.kind, 'collection' in each ? each.collection : ''])).toEqual([
      ['expect', 'millrace-leases'],
      ['store', 'tills'],
      ['store', 'tills'],
      ['position', ''],
    ])
    expect(work[0]?.filter((each) => each.kind === 'store')).toMatchObject([
      { expectedRevision: 0 },
      { expectedRevision: 0 },
    ])
    expect(work[0]?.at(-1)).toMatchObject({ processor: 'tills', expectedOffset: 0 })
  })

  test('does not load again what one before it has written', async () => {
    const loads: string[] = []
    const world = await openWorld()
    const database = watched(world.database, {
      onRead: (read) => {
        if (read.kind === 'load' && read.collection === 'tills') loads.push(...read.ids)
      },
    })
    await using daemon = await world.start([tills], { database })
    for (const cents of [1, 2, 3]) {
      await world.pay('t1', cents)
      await world.waitFor(daemon.waitForNonStale())
    }
    expect(loads).toEqual(['t1'])
    expect((await documentsOf<Till>(world.database, 'tills')).t1?.cents).toBe(6)
  })

  test('is made again when somebody else has changed a document meanwhile, whose change is kept', async () => {
    const world = await openWorld()
    await using daemon = await world.start([tills])
    await world.pay('t1', 1)
    await world.waitFor(daemon.waitForNonStale())
    const text = JSON.stringify({ id: 't1', cents: 1_000, events: [] })
    await world.database.commit([{ kind: 'store', collection: 'tills', id: 't1', text }])
    await world.pay('t1', 2)
    await world.waitFor(daemon.waitForNonStale())
    expect((await documentsOf<Till>(world.database, 'tills')).t1?.cents).toBe(1_002)
  })

  test('that is too large for one commit becomes several', async () => {
    const world = await openWorld()
    const Many = collection('many', Tills.schema)
    const many: Projection<Till> = projection('many', Many, {
      keyOf: ({ data }) =>
        Array.from({ length: 4_000 }, (_, key) => `${(data as { cents: number }).cents}-${key}`),
    }).on(Paid, (_, { id }, key) => ({ id: key, cents: 0, events: [id] }))
    await world.pay('t1', 1, 2, 3, 4)
    await using daemon = await world.start([many])
    await world.waitFor(daemon.waitForNonStale())
    expect(await world.database.read([{ kind: 'count', collection: 'many' }])).toEqual([16_000])
  })

  test('frees nobody to change documents in place: that is found out, whatever else is in the unit', async () => {
    const world = await openWorld()
    const careless = projection('careless', Tills).on(Paid, (till, { data }, key) => {
      if (till === undefined) return { id: key, cents: data.cents, events: [] }
      ;(till as { cents: number }).cents += data.cents
      return till
    })
    await world.pay('t1', 1, 2)
    await using daemon = await world.start([careless])
    await world.waitFor(daemon.waitForNonStale())
    expect((await documentsOf<Till>(world.database, 'tills')).t1?.cents).toBe(1)
    expect((await daemon.deadLetters()).total).toBe(1)
  })
})

describe('fetching', () => {
  test('goes on ahead of a unit that is being committed, pauses above one threshold, and resumes below another', async () => {
    const world = await openWorld()
    const fetched: number[] = []
    const gate: { open: () => void } = { open: () => {} }
    let commits = 0
    const database = watched(world.database, {
      onAnswer: (read, answer) => {
        if (read.kind === 'feed') fetched.push((answer as { events: readonly unknown[] }).events.length)
      },
      beforeCommit: async (operations) => {
        if (!operations.some(({ kind }) => kind === 'position')) return
        commits += 1
        await new Promise<void>((resolve) => {
          gate.open = resolve
        })
      },
    })
    await world.pay('t1', ...Array.from({ length: 95 }, () => 1))
    const staging = { pauseAt: 20, resumeAt: 10 }
    await using daemon = await world.start([{ projection: tills, staging, leaseMs: 3_600_000 }], { database })
    const sum = () => fetched.reduce((total, each) => total + each, 0)
    await world.runtime.advance(1_000)
    expect([commits, sum()]).toEqual([1, 20])
    const staged: number[] = []
    for (let unit = 1; unit <= 10; unit += 1) {
      gate.open()
      await world.runtime.advance(50)
      const [{ shards = [] } = {}] = await daemon.progress()
      const [{ staged: now = 0, applied = 0 } = {}] = shards
      staged.push(now)
      expect(sum() - applied).toBeLessThanOrEqual(20)
    }
    expect(Math.max(...staged)).toBe(20)
    expect((await documentsOf<Till>(world.database, 'tills')).t1?.cents).toBe(95)
  })

  test('asks for more at a time while it is behind', async () => {
    const world = await openWorld()
    const limits: number[] = []
    const database = watched(world.database, {
      onRead: (read) => {
        if (read.kind === 'feed') limits.push(read.limit ?? 0)
      },
    })
    for (let index = 0; index < 4; index += 1) {
      await world.pay('t1', ...Array.from({ length: 1_000 }, () => 1))
    }
    const staging = { pauseAt: 4_000, resumeAt: 2_000 }
    await using daemon = await world.start([{ projection: days, staging }], { database })
    await world.waitFor(daemon.waitForNonStale())
    expect(limits.slice(0, 4)).toEqual([500, 1_000, 2_000, expect.any(Number)])
    await world.until(() => expect(limits.at(-1)).toBe(500))
  })

  test('makes the next unit while one is being committed, of the documents as they will be', async () => {
    const world = await openWorld()
    const loads: string[] = []
    let open: () => void = () => {}
    const database = watched(world.database, {
      onRead: (read) => {
        if (read.kind === 'load' && read.collection === 'tills') loads.push(read.ids.join())
      },
      beforeCommit: async (operations) => {
        if (!operations.some(({ kind }) => kind === 'position')) return
        await new Promise<void>((resolve) => {
          open = resolve
        })
      },
    })
    await world.pay('t1', ...Array.from({ length: 10 }, () => 1))
    await world.pay('t2', ...Array.from({ length: 5 }, () => 1))
    await world.pay('t1', ...Array.from({ length: 5 }, () => 1))
    const staging = { pauseAt: 20, resumeAt: 10 }
    await using daemon = await world.start([{ projection: tills, staging, leaseMs: 3_600_000 }], { database })
    await world.runtime.advance(1_000)
    // The first unit is held, the second one has asked for what it does not know.
    expect(loads).toEqual(['t1', 't2'])
    expect(await documentsOf(world.database, 'tills')).toEqual({})
    for (let unit = 1; unit <= 3; unit += 1) {
      open()
      await world.runtime.advance(100)
    }
    await expectPlainFold(world.database, { kinds: ['tills'] })
    expect((await daemon.progress())[0]?.shards[0]?.lastError).toBeUndefined()
  })

  test('asks for less when an answer would be too large', async () => {
    const world = await openWorld()
    const by = Array.from({ length: 900 }, () => 'x'.repeat(1_000))
    const large = Paid.draft({ cents: 1, by })
    for (let index = 0; index < 10; index += 1) {
      await world.store.append(
        't1',
        Array.from({ length: 10 }, () => large),
      )
    }
    await using daemon = await world.start([{ projection: days, staging: { pauseAt: 1_000, resumeAt: 500 } }])
    await world.waitFor(daemon.waitForNonStale())
    expect(world.database.rows('days')).toMatchObject([{ count: 100 }])
  })

  test('moves the position over events that are no concern of the projection, now and then', async () => {
    const world = await openWorld()
    await using daemon = await world.start([tills])
    const other = event('other', z.object({}))
    await world.store.append(
      's1',
      Array.from({ length: 50 }, () => other.draft({})),
    )
    await world.waitFor(daemon.waitForNonStale())
    const stored = async () => (await world.database.read([{ kind: 'positions', processor: 'tills' }]))[0]
    await world.until(async () => expect(await stored()).toMatchObject([{ offset: 51 }]))
  })
})

describe('waitForNonStale', () => {
  test('resolves at once for what is there, and waits for what is not', async () => {
    const world = await openWorld()
    await using daemon = await world.start([tills, days])
    await world.waitFor(daemon.waitForNonStale())
    const { position } = await world.store.append('t1', [Paid.draft({ cents: 3 })])
    await world.waitFor(daemon.waitForNonStale(['tills'], { position }))
    expect((await documentsOf<Till>(world.database, 'tills')).t1?.cents).toBe(3)
  })

  test('gives up in time, when its signal aborts, and for a projection that is stopped or unknown', async () => {
    const world = await openWorld()
    await world.pay('t1', 666)
    await using daemon = await world.start([{ projection: tills, errors: { apply: 'stop' } }, days])
    await world.until(async () => expect((await daemon.progress())[0]?.state).toBe('stopped'))
    const code = (promise: Promise<void>) => world.waitFor(promise.catch(({ code: seen }) => seen))
    expect(await code(daemon.waitForNonStale(['tills']))).toBe('PROJECTION_STOPPED')
    expect(await code(daemon.waitForNonStale(['days'], { position: 1_000, timeoutMs: 300 }))).toBe(
      'PROJECTION_STALE',
    )
    expect(await code(daemon.waitForNonStale(['daze']))).toBe('PROJECTION_UNKNOWN')
    const controller = new AbortController()
    const waiting = daemon.waitForNonStale(['days'], { position: 1_000, signal: controller.signal })
    controller.abort(new RangeError('enough'))
    await expect(waiting).rejects.toThrow('enough')
  })

  test('knows how far the shards of another node are', async () => {
    const world = await openWorld()
    await using worker = await world.start([tills], { node: 'worker' })
    await world.pay('t1', 1)
    await world.waitFor(worker.waitForNonStale())
    await using watcher = await world.start([tills], { node: 'watcher' })
    await world.pay('t1', 2)
    await world.waitFor(watcher.waitForNonStale())
    expect((await documentsOf<Till>(world.database, 'tills')).t1?.cents).toBe(3)
    const states = async (daemon: typeof worker) =>
      (await daemon.progress())[0]?.shards.map(({ state }) => state)
    expect([await states(worker), await states(watcher)]).toEqual([['running'], ['waiting']])
  })
})

describe('pause and resume', () => {
  test('hold for every node, and survive a restart', async () => {
    const world = await openWorld()
    await using worker = await world.start([tills], { node: 'worker' })
    await world.pay('t1', 1)
    await world.waitFor(worker.waitForNonStale())
    await using other = await world.start([tills], { node: 'other' })
    await world.waitFor(other.pause('tills'))
    await world.pay('t1', 2)
    await world.runtime.advance(60_000)
    const cents = async () => (await documentsOf<Till>(world.database, 'tills')).t1?.cents
    expect(await cents()).toBe(1)
    await world.waitFor(worker.stop())
    await world.waitFor(other.stop())
    await using third = await world.start([tills], { node: 'third' })
    await world.runtime.advance(60_000)
    expect(await cents()).toBe(1)
    expect((await third.progress())[0]?.state).toBe('paused')
    await world.waitFor(third.resume('tills'))
    await world.waitFor(third.waitForNonStale())
    expect(await cents()).toBe(3)
  })

  test('leave no write of the projection behind the moment at which pause resolves', async () => {
    const world = await openWorld()
    let gate = () => {}
    let isHeld = false
    const database = watched(world.database, {
      beforeCommit: async (operations) => {
        if (operations.some(({ kind }) => kind === 'position')) {
          isHeld = true
          await new Promise<void>((resolve) => {
            gate = resolve
          })
        }
      },
    })
    await using worker = await world.start([tills], { node: 'worker', database })
    await world.runtime.advance(100)
    await using other = await world.start([tills], { node: 'other' })
    await world.runtime.advance(100)
    await world.pay('t1', 1)
    await world.runtime.advance(100)
    // The worker's unit is on its way, and no other node knows of it.
    expect(isHeld).toBe(true)
    await world.waitFor(other.pause('tills'))
    gate()
    await world.runtime.advance(100)
    expect(await documentsOf(world.database, 'tills')).toEqual({})
    expect((await worker.progress())[0]?.state).toBe('paused')
  })
})

describe('stop', () => {
  test('commits what is staged, and gives the leases back', async () => {
    const world = await openWorld()
    const daemon = await world.start([tills], { node: 'one' })
    await world.waitFor(daemon.waitForNonStale())
    await world.pay('t1', ...Array.from({ length: 30 }, () => 1))
    await world.runtime.advance(0)
    await world.waitFor(daemon.stop())
    const startMs = world.runtime.clock.monotonic()
    await using next = await world.start([tills], { node: 'two' })
    await world.waitFor(next.waitForNonStale())
    expect(world.runtime.clock.monotonic() - startMs).toBeLessThan(1_000)
    await expectPlainFold(world.database, { kinds: ['tills'] })
  })

  test('does not wait longer than it is allowed to, for a handler or for the database', async () => {
    const world = await openWorld()
    const endless = customProjection('endless', { types: [Paid], handle: () => new Promise(() => {}) })
    await world.pay('t1', 1)
    const daemon = await world.start([endless])
    await world.runtime.advance(100)
    const startMs = world.runtime.clock.monotonic()
    await world.waitFor(daemon.stop({ limitMs: 500 }))
    expect(world.runtime.clock.monotonic() - startMs).toBeLessThan(1_000)
    const silent = watched(world.database, { beforeCommit: () => new Promise(() => {}) })
    const stuck = await world.start([tills], { database: silent })
    await world.runtime.advance(100)
    const laterMs = world.runtime.clock.monotonic()
    await world.waitFor(stuck.stop({ limitMs: 500 }))
    expect(world.runtime.clock.monotonic() - laterMs).toBeLessThan(3_000)
  })

  test('ends whatever call the database does not answer any more', async () => {
    for (let at = 1; at <= 25; at += 1) {
      const world = await openWorld()
      await world.pay('t1', 1)
      const failing = new FailingDatabase(world.database, { at, effect: 'before', kind: 'for-good' })
      const daemon = await world.start([tills], { database: failing.database })
      await world.until(() => expect(failing.hasFailed).toBe(true), 60_000)
      const startMs = world.runtime.clock.monotonic()
      await world.waitFor(daemon.stop({ limitMs: 0 }))
      expect(world.runtime.clock.monotonic() - startMs).toBeLessThan(2_000)
      // Nothing of it is left that would renew a lease.
      await world.runtime.advance(20_000)
      expect(world.runtime.pendingTasks).toBe(0)
    }
  })

  test('starts nothing any more, also if a look at the records was under way', async () => {
    const world = await openWorld()
    await world.pay('t1', 1)
    let release: (() => void) | undefined
    const database = watched(world.database, {
      beforeRead: async (reads) => {
        if (!reads.some(({ kind }) => kind === 'feed-end')) return
        await new Promise<void>((resolve) => {
          release = resolve
        })
      },
    })
    const daemon = await world.start([tills], { database })
    for (let look = 1; look <= 2; look += 1) {
      await world.until(() => expect(release).toBeDefined())
      const previous = release
      release = undefined
      if (look === 1) previous?.()
      else {
        await world.waitFor(daemon.stop())
        previous?.()
      }
    }
    await world.runtime.advance(5_000)
    expect(await documentsOf(world.database, 'tills')).toEqual({})
    expect(world.runtime.pendingTasks).toBe(0)
  })

  test('is what its signal does, at once', async () => {
    const world = await openWorld()
    const controller = new AbortController()
    const daemon = await world.start([tills], { signal: controller.signal })
    await world.waitFor(daemon.waitForNonStale())
    controller.abort()
    await world.waitFor(daemon.stop())
    await world.pay('t1', 1)
    await world.runtime.advance(10_000)
    expect(await documentsOf(world.database, 'tills')).toEqual({})
  })
})
