import { manualRuntime, settle } from '@millrace/kernel'
import { describe, expect, test } from 'vitest'
import { runAttempt } from '../src/attempt.ts'
import { never } from './world.ts'

function limits(timeoutMs = 1_000) {
  const runtime = manualRuntime()
  const stop = new AbortController()
  return { runtime, stop, limits: { scheduler: runtime.scheduler, timeoutMs, signal: stop.signal } }
}

describe('a try', () => {
  test('is done when the handler resolves, and leaves no timer behind', async () => {
    const { runtime, limits: given } = limits()
    expect(await runAttempt(given, async () => {})).toEqual({ kind: 'done' })
    expect(runtime.pendingTasks).toBe(0)
  })

  test.each([
    ['rejects', () => Promise.reject(new Error('no'))],
    [
      'throws at once',
      () => {
        throw new Error('no')
      },
    ],
  ])('has failed when the handler %s', async (_, handle: () => Promise<void>) => {
    const { runtime, limits: given } = limits()
    expect(await runAttempt(given, handle)).toEqual({ kind: 'failed', error: new Error('no') })
    expect(runtime.pendingTasks).toBe(0)
  })

  test('ends at its time limit although the handler never returns, and the handler is told by its signal', async () => {
    const { runtime, limits: given } = limits(1_000)
    let seen: AbortSignal | undefined
    const outcome = runAttempt(given, (signal) => {
      seen = signal
      return never()
    })
    await runtime.advance(999)
    expect(seen?.aborted).toBe(false)
    await runtime.advance(1)
    expect((await outcome).kind).toBe('timed-out')
    expect(seen?.reason).toMatchObject({ name: 'TimeoutError' })
  })

  test('does not look at what a handler does after its time limit, except that it has ended', async () => {
    const { runtime, limits: given } = limits(10)
    const handler = Promise.withResolvers<void>()
    const outcome = runAttempt(given, () => handler.promise)
    await runtime.advance(10)
    const ended = await outcome
    let hasEnded = false
    if (ended.kind === 'timed-out') void ended.ended.then(() => (hasEnded = true))
    await settle()
    expect(hasEnded).toBe(false)
    handler.reject(new Error('too late'))
    await settle()
    expect(hasEnded).toBe(true)
  })

  test('ends at once on a hard stop, before it began and while it runs', async () => {
    const { stop, runtime, limits: given } = limits()
    let seen: AbortSignal | undefined
    const outcome = runAttempt(given, (signal) => {
      seen = signal
      return never()
    })
    stop.abort()
    expect(await outcome).toEqual({ kind: 'stopped' })
    expect(seen?.aborted).toBe(true)
    expect(runtime.pendingTasks).toBe(0)
    expect(await runAttempt(given, () => Promise.reject(new Error('must not run')))).toEqual({
      kind: 'stopped',
    })
  })
})
