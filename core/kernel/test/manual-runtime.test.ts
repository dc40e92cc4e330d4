import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  AssertionFailure,
  abortable,
  isAbort,
  manualRuntime,
  randomInteger,
  seededRandom,
  sleep,
} from '../src/index.ts'

describe('the manual runtime', () => {
  test('runs tasks in the order of their time, then of their scheduling, whatever the order of the calls', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(20), { maxLength: 30 }), async (delays) => {
        const runtime = manualRuntime()
        const ran: [number, number][] = []
        delays.forEach((delayMs, index) => {
          runtime.scheduler.after(delayMs, () => ran.push([runtime.clock.monotonic(), index]))
        })
        await runtime.advance(20)
        const wanted = delays
          .map((delayMs, index) => [delayMs, index])
          .sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!)
        expect(ran).toEqual(wanted)
      }),
      { numRuns: 30 },
    )
  })

  test('runs nothing before its time, nothing at once, and nothing that was cancelled', async () => {
    const runtime = manualRuntime()
    let ran = 0
    runtime.scheduler.after(0, () => (ran += 1))
    runtime.scheduler.after(10, () => (ran += 1))
    const cancel = runtime.scheduler.after(5, () => (ran += 100))
    expect(ran).toBe(0)
    expect(runtime.pendingTasks).toBe(3)
    cancel()
    cancel()
    expect(runtime.pendingTasks).toBe(2)
    await runtime.advance(9)
    expect(ran).toBe(1)
    await runtime.advance(1)
    expect(ran).toBe(2)
    expect(runtime.pendingTasks).toBe(0)
  })

  test('lets what a task started go on before the next task, also tasks that it schedules', async () => {
    const runtime = manualRuntime()
    const steps: string[] = []
    const work = async () => {
      await sleep(runtime.scheduler, 10)
      steps.push(`first at ${runtime.clock.monotonic()}`)
      await sleep(runtime.scheduler, 10)
      steps.push(`second at ${runtime.clock.monotonic()}`)
    }
    void work()
    runtime.scheduler.after(15, () => steps.push('between'))
    await runtime.advance(20)
    expect(steps).toEqual(['first at 10', 'between', 'second at 20'])
  })

  test('moves the wall clock alone when it jumps', async () => {
    const runtime = manualRuntime({ startMs: 1_000 })
    await runtime.advance(5)
    runtime.jumpWallClock(-500)
    expect(runtime.clock.now()).toBe(505)
    expect(runtime.clock.monotonic()).toBe(5)
  })

  test('goes to the next task, however far, by runNext', () => {
    const runtime = manualRuntime()
    let ran = 0
    runtime.scheduler.after(1_000_000, () => (ran += 1))
    expect(runtime.runNext()).toBe(true)
    expect([ran, runtime.clock.monotonic()]).toEqual([1, 1_000_000])
    expect(runtime.runNext()).toBe(false)
  })

  test('refuses a delay that is no number, which would spoil the order of all others', () => {
    expect(() => manualRuntime().scheduler.after(Number.NaN, () => {})).toThrow(AssertionFailure)
  })

  test('draws the same numbers for the same seed, others for another, and all of them in range', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const draw = (from: number) => {
          const random = seededRandom(from)
          return [random.next(), random.next(), ...random.bytes(8), randomInteger(random, 3, 7)]
        }
        expect(draw(seed)).toEqual(draw(seed))
        expect(draw(seed)).not.toEqual(draw(seed + 1))
        const [first = -1, second = -1] = draw(seed)
        for (const value of [first, second]) expect(value >= 0 && value < 1).toBe(true)
        expect([3, 4, 5, 6]).toContain(draw(seed).at(-1))
      }),
    )
  })
})

describe('a wait', () => {
  test('ends at once when its signal aborts, and leaves no timer behind', async () => {
    const runtime = manualRuntime()
    const controller = new AbortController()
    const waiting = sleep(runtime.scheduler, 1_000, controller.signal)
    controller.abort()
    await expect(waiting).rejects.toSatisfy(isAbort)
    expect(runtime.pendingTasks).toBe(0)
    await expect(sleep(runtime.scheduler, 1, controller.signal)).rejects.toSatisfy(isAbort)
    expect(runtime.pendingTasks).toBe(0)
  })

  test('for a promise can be given up, with the reason of the signal; a later rejection hurts nobody', async () => {
    const controller = new AbortController()
    const late = Promise.withResolvers<void>()
    const waiting = abortable(late.promise, controller.signal)
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    const later = Promise.withResolvers<void>()
    await expect(abortable(later.promise, controller.signal)).rejects.toBe(reason)
    for (const { reject } of [late, later]) reject(new Error('nobody listens'))
    await new Promise((resolve) => setImmediate(resolve))
  })

  test('for a promise settles as the promise does if nobody gives it up', async () => {
    const { signal } = new AbortController()
    await expect(abortable(Promise.resolve(7), signal)).resolves.toBe(7)
    await expect(abortable(Promise.reject(new Error('no')), signal)).rejects.toThrow('no')
  })
})
