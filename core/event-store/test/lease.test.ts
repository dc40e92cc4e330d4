import { acquireLease, type LeaseOptions } from '@millrace/event-store'
import { isMillraceError, manualRuntime, millraceError, settle } from '@millrace/kernel'
import { memoryDatabase } from '@millrace/memory'
import { describe, expect, test } from 'vitest'

function openWorld() {
  const runtime = manualRuntime()
  const database = memoryDatabase(runtime)
  const acquire = (holder: string, more: Partial<LeaseOptions> & { signal?: AbortSignal } = {}) =>
    acquireLease({ database, runtime, name: 'work', holder, ttlMs: 3_000, ...more })
  return { runtime, database, acquire }
}

/** The outcome of a promise so far. */
function watched<Value>(promise: Promise<Value>) {
  const state: { value?: Value; error?: unknown } = {}
  promise.then(
    (value) => {
      state.value = value
    },
    (error: unknown) => {
      state.error = error
    },
  )
  return state
}

const note = { kind: 'position', processor: 'p', position: { topic: 't', partition: 0, offset: 1 } } as const

describe('a lease', () => {
  test('is held by one, who renews it, and who waits gets it when it is given back', async () => {
    const { runtime, acquire } = openWorld()
    const first = await acquire('one')
    const second = watched(acquire('two'))
    await runtime.advance(60_000)
    expect(second).toEqual({})
    await first.commit([note])
    await first.release()
    await runtime.advance(1_000)
    expect(second.value?.holder).toBe('two')
    expect(first.lost.aborted).toBe(true)
    await expect(first.commit([note])).rejects.toMatchObject({ code: 'LEASE_LOST' })
  })

  test('of a holder that is gone is taken when it has not been renewed for its time', async () => {
    const { runtime, database, acquire } = openWorld()
    const dead = await acquire('one')
    const commit = database.commit
    database.commit = async (operations, options) => {
      const isOfDead = operations.some((each) => each.kind === 'store' && each.text.includes('"one"'))
      return isOfDead ? new Promise(() => {}) : commit.call(database, operations, options)
    }
    const second = watched(acquire('two'))
    await runtime.advance(2_900)
    expect(second).toEqual({})
    await runtime.advance(1_200)
    expect(second.value?.holder).toBe('two')
    expect(dead.lost.reason).toMatchObject({ code: 'LEASE_LOST' })
  })

  test('is taken at once by whoever comes with the name of its holder, and refuses the units of the former', async () => {
    const { database, acquire } = openWorld()
    const former = await acquire('one')
    const latter = await acquire('one')
    await expect(former.commit([note])).rejects.toMatchObject({
      code: 'LEASE_LOST',
      parameters: { lease: 'work', holder: 'one' },
    })
    expect(former.lost.aborted).toBe(true)
    expect(await database.read([{ kind: 'positions', processor: 'p' }])).toEqual([[]])
    await former.release()
    expect((await latter.commit([note])).results).toHaveLength(1)
  })

  test('that could not be renewed in time is lost, though nobody else has it', async () => {
    const { runtime, database, acquire } = openWorld()
    const lease = await acquire('one')
    database.commit = async () => {
      throw millraceError('DATABASE_BUSY', { database: 'test', reason: 'locked' })
    }
    await runtime.advance(2_900)
    expect(lease.lost.aborted).toBe(false)
    await runtime.advance(200)
    expect(lease.lost.aborted).toBe(true)
  })

  test('is known to be lost by whoever looks at the clock, before any timer', async () => {
    const { runtime, acquire } = openWorld()
    // The process sleeps, and this is the first of its timers that is run.
    runtime.scheduler.after(3_000, () => {
      expect(lease.lost.aborted).toBe(false)
      expect(() => lease.assertHeld()).toThrow('LEASE_LOST')
    })
    const lease = await acquire('one')
    lease.assertHeld()
    lease.commit = () => new Promise(() => {})
    await runtime.advance(4_000)
    expect.assertions(2)
  })

  test('survives a renewal of which nobody knows whether it was done', async () => {
    const { runtime, database, acquire } = openWorld()
    const lease = await acquire('one')
    const commit = database.commit.bind(database)
    let failures = 0
    database.commit = async (operations, options) => {
      const result = await commit(operations, options)
      if (failures++ > 0) return result
      throw millraceError('DATABASE_FAILED', { reason: 'the answer was lost' })
    }
    await runtime.advance(1_500)
    expect(failures).toBe(1)
    expect((await lease.commit([note])).results).toHaveLength(1)
    await runtime.advance(60_000)
    expect(lease.lost.aborted).toBe(false)
  })

  test('lets one unit in at a time, so that one that renews it refuses none of the others', async () => {
    const { runtime, database, acquire } = openWorld()
    const outcomes: Promise<unknown>[] = []
    // At the moment at which a renewal is due, and before the one of the timer.
    runtime.scheduler.after(1_000, () => {
      for (let count = 0; count < 20; count += 1) outcomes.push(lease.commit([note]))
    })
    const lease = await acquire('one')
    const commit = database.commit.bind(database)
    database.commit = async (operations, options) => {
      await settle()
      return commit(operations, options)
    }
    for (let round = 0; round < 60; round += 1) await runtime.advance(20)
    expect(await Promise.all(outcomes)).toHaveLength(20)
    expect(lease.lost.aborted).toBe(false)
  })

  test('belongs to no tenant, whatever its units do', async () => {
    const { database, acquire } = openWorld()
    const lease = await acquire('one')
    await lease.commit([note], { tenant: 'north' })
    const reads = await database.read([
      { kind: 'load', collection: 'millrace-leases', ids: ['work'], tenant: 'north' },
    ])
    expect(reads).toEqual([[]])
  })

  test('is not waited for any longer when the wait is given up', async () => {
    const { acquire } = openWorld()
    await acquire('one')
    const controller = new AbortController()
    const second = watched(acquire('two', { signal: controller.signal }))
    await settle()
    controller.abort(new Error('enough'))
    await settle()
    expect(second.error).toMatchObject({ message: 'enough' })
  })

  test('is had by one of many who want it at the same moment', async () => {
    const { runtime, acquire } = openWorld()
    const wishes = ['a', 'b', 'c', 'd'].map((holder) => watched(acquire(holder)))
    await runtime.advance(10_000)
    expect(wishes.filter(({ value }) => value !== undefined && !value.lost.aborted)).toHaveLength(1)
    expect(wishes.every(({ error }) => error === undefined || isMillraceError(error))).toBe(true)
  })
})
