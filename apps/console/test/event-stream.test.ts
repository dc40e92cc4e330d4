import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type FollowOptions,
  followEventStream,
  retryDelayMs,
  type StreamState,
} from '../src/stream/event-stream.ts'

/** A server in place of `fetch`: each connection is answered by the next script. */
function scripted(...scripts: ((init: RequestInit) => Response | Promise<Response>)[]) {
  const asked: RequestInit[] = []
  const send = async (_url: unknown, init: RequestInit = {}) => {
    asked.push(init)
    const script = scripts[asked.length - 1]
    if (!script) throw new TypeError('connection refused')
    return script(init)
  }
  return { asked, send: send as typeof fetch }
}

/** A stream that says `text` and then ends or stays open. */
const stream =
  (text: string, stays = false) =>
  (init: RequestInit) => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(text))
        if (!stays) return controller.close()
        init.signal?.addEventListener('abort', () => controller.error(init.signal?.reason))
      },
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }

const problem = (status: number) => () =>
  Response.json({ title: 'No', detail: 'No.', code: 'NO', remedy: '', retryable: false }, { status })

const headersOf = (init: RequestInit | undefined) => init?.headers as Record<string, string>

function follow(send: typeof fetch, options: Partial<FollowOptions> = {}) {
  const events: string[] = []
  const states: StreamState[] = []
  const followed = followEventStream({
    url: '/live',
    headers: () => ({ authorization: 'Bearer t' }),
    onEvent: (event) => events.push(event.data),
    onState: (state) => states.push(state),
    fetch: send,
    random: () => 1,
    ...options,
  })
  return { followed, events, states, kinds: () => states.map((state) => state.kind) }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('following a stream', () => {
  test('sends the token, hands events over, and reconnects with Last-Event-ID after the end', async () => {
    const { asked, send } = scripted(stream('id: 41\ndata: a\n\n'), stream('id: 42\ndata: b\n\n', true))
    const { events, kinds, followed } = follow(send)
    await vi.advanceTimersByTimeAsync(600)
    expect(events).toEqual(['a', 'b'])
    expect(headersOf(asked[0])).toMatchObject({ authorization: 'Bearer t', accept: 'text/event-stream' })
    expect(headersOf(asked[0])?.['last-event-id']).toBeUndefined()
    expect(headersOf(asked[1])?.['last-event-id']).toBe('41')
    expect(kinds()).toEqual(['connecting', 'open', 'waiting', 'connecting', 'open'])
    followed.close()
  })

  test('waits longer after each failure, up to the limit, and starts over after a success', async () => {
    const { states, followed } = follow(
      scripted(problem(503), problem(503), problem(503), problem(503), stream('data: x\n\n')).send,
      { retryDelayMsMin: 100, retryDelayMsMax: 400 },
    )
    await vi.advanceTimersByTimeAsync(1_300)
    const delays = states.flatMap((state) => (state.kind === 'waiting' ? [state.delayMs] : []))
    expect(delays.slice(0, 5)).toEqual([100, 200, 400, 400, 100])
    followed.close()
  })

  test('gives up when the server refuses, and says why', async () => {
    for (const status of [400, 401, 403, 404]) {
      const { asked, send } = scripted(problem(status), stream('data: never\n\n'))
      const { states } = follow(send)
      await vi.advanceTimersByTimeAsync(60_000)
      expect(states.at(-1)).toMatchObject({ kind: 'refused', problem: { code: 'NO', status } })
      expect(asked).toHaveLength(1)
    }
  })

  test('takes silence for a dead connection and connects again', async () => {
    const { asked, send } = scripted(stream('data: a\n\n', true), stream('data: b\n\n', true))
    const { events, states, followed } = follow(send, { idleMsMax: 5_000 })
    await vi.advanceTimersByTimeAsync(4_900)
    expect(asked).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(700)
    expect(events).toEqual(['a', 'b'])
    expect(states).toContainEqual(expect.objectContaining({ kind: 'waiting', attempt: 1 }))
    followed.close()
  })

  test('reconnects at once when asked to, and honours the delay that the server names', async () => {
    const { asked, send } = scripted(stream('retry: 9000\ndata: a\n\n'), stream('data: b\n\n', true))
    const { events, states, followed } = follow(send)
    await vi.advanceTimersByTimeAsync(10)
    expect(states.at(-1)).toMatchObject({ kind: 'waiting', delayMs: 9_000 })
    followed.retryNow()
    await vi.advanceTimersByTimeAsync(10)
    expect(asked).toHaveLength(2)
    expect(events).toEqual(['a', 'b'])
    followed.close()
  })

  test('says nothing and asks nothing any more after close', async () => {
    const { asked, send } = scripted(stream('data: a\n\n', true))
    const { followed, states, events } = follow(send)
    followed.close()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked).toHaveLength(1)
    expect(events).toEqual([])
    expect(states).toHaveLength(1)
  })

  test('spreads reconnects over the second half of the delay', () => {
    expect(retryDelayMs(1, 500, 10_000, 0)).toBe(250)
    expect(retryDelayMs(3, 500, 10_000, 0.5)).toBe(1_500)
    expect(retryDelayMs(50, 500, 10_000, 0.999)).toBeLessThanOrEqual(10_000)
  })
})
