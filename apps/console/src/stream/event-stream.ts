import type { ProblemBody } from '@millrace/server/api-shapes'
import { problemOf, problemOfResponse, unreachableProblem } from '../api/problem.ts'
import { createEventStreamParser, type StreamEvent } from './event-stream-parser.ts'

/**
 * connecting → open → waiting → connecting …; `refused` is final: the server said that asking again is of no use
 * (any 4xx except 408 and 429). `attempt` counts failures in a row.
 */
export type StreamState =
  | { readonly kind: 'connecting'; readonly attempt: number }
  | { readonly kind: 'open' }
  | {
      readonly kind: 'waiting'
      readonly attempt: number
      readonly delayMs: number
      readonly problem: ProblemBody
    }
  | { readonly kind: 'refused'; readonly problem: ProblemBody }

/** Options of {@link followEventStream}. */
export interface FollowOptions {
  readonly url: string
  /** Asked before each attempt. */
  readonly headers: () => Readonly<Record<string, string>>
  readonly onEvent: (event: StreamEvent) => void
  readonly onState?: (state: StreamState) => void
  readonly fetch?: typeof fetch
  /** Silence after which a connection counts as dead, in milliseconds. Default: 45,000. */
  readonly idleMsMax?: number
  /** Default: 500. */
  readonly retryDelayMsMin?: number
  /** Default: 10,000. */
  readonly retryDelayMsMax?: number
  /** From 0 up to, not including, 1; spreads the reconnects of many consoles. */
  readonly random?: () => number
}

/** A stream that is being followed. */
export interface FollowedStream {
  /** Reconnects now, if it waits. */
  retryNow(): void
  close(): void
}

/** The delay before reconnect number `attempt` (from 1): doubled each time, half of it random. */
export function retryDelayMs(attempt: number, min: number, max: number, random: number): number {
  const full = Math.min(max, min * 2 ** Math.min(attempt - 1, 20))
  return Math.round(full / 2 + (full / 2) * random)
}

/**
 * Follows server-sent events over `fetch`, which (unlike EventSource) can send the token as a header. Reconnects with
 * back-off for ever, and says where it stopped (Last-Event-ID), until `close` or a refusal.
 */
export function followEventStream(options: FollowOptions): FollowedStream {
  const closing = new AbortController()
  let wake: () => void = () => {}
  let delayMsMin = options.retryDelayMsMin ?? 500
  let lastId = ''
  let attempt = 0
  const say = (state: StreamState) => {
    if (!closing.signal.aborted) options.onState?.(state)
  }

  const readOnce = async () => {
    const headers = { accept: 'text/event-stream', ...options.headers() }
    const attemptOver = new AbortController()
    const signal = AbortSignal.any([closing.signal, attemptOver.signal])
    return await withIdleLimit(options.idleMsMax ?? 45_000, attemptOver, (alive) =>
      readResponse(
        options,
        { headers: lastId ? { ...headers, 'last-event-id': lastId } : headers, signal },
        alive,
        {
          opened() {
            say({ kind: 'open' })
          },
          event(event) {
            // Only what is heard counts as success: a server that accepts and hangs up is not asked at full speed.
            attempt = 0
            lastId = event.id
            if (!closing.signal.aborted) options.onEvent(event)
          },
          retry(delayMs) {
            delayMsMin = Math.min(delayMs, options.retryDelayMsMax ?? 10_000)
          },
        },
      ),
    )
  }

  const run = async () => {
    while (!closing.signal.aborted) {
      say({ kind: 'connecting', attempt })
      const ended = await readOnce().catch((thrown: unknown) => ({
        problem: asProblem(thrown),
        final: false,
      }))
      if (closing.signal.aborted) return
      if (ended.final) return say({ kind: 'refused', problem: ended.problem })
      attempt += 1
      const max = options.retryDelayMsMax ?? 10_000
      const delayMs = retryDelayMs(attempt, delayMsMin, max, (options.random ?? Math.random)())
      say({ kind: 'waiting', attempt, delayMs, problem: ended.problem })
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, delayMs)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
  void run()

  return {
    retryNow: () => wake(),
    close() {
      closing.abort()
      wake()
    },
  }
}

interface Ended {
  readonly problem: ProblemBody
  readonly final: boolean
}

interface ResponseObserver {
  opened(): void
  event(event: StreamEvent): void
  retry(delayMs: number): void
}

async function readResponse(
  options: FollowOptions,
  init: RequestInit,
  alive: () => void,
  observer: ResponseObserver,
): Promise<Ended> {
  const response = await (options.fetch ?? fetch)(options.url, { ...init, cache: 'no-store' })
  if (!response.ok || !response.body) {
    const { status } = response
    const final = status >= 400 && status < 500 && status !== 408 && status !== 429
    return { problem: (await problemOfResponse(response)).body, final }
  }
  alive()
  observer.opened()
  const parser = createEventStreamParser(observer)
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return { problem: unreachableProblem(undefined).body, final: false }
    alive()
    parser.feed(value)
  }
}

/** Ends the attempt when `alive` has not been called for `idleMsMax`. */
async function withIdleLimit<Result>(
  idleMsMax: number,
  attemptOver: AbortController,
  read: (alive: () => void) => Promise<Result>,
): Promise<Result> {
  const give = () => attemptOver.abort(new DOMException('silent', 'TimeoutError'))
  let timer = setTimeout(give, idleMsMax)
  try {
    return await read(() => {
      clearTimeout(timer)
      timer = setTimeout(give, idleMsMax)
    })
  } finally {
    clearTimeout(timer)
  }
}

function asProblem(thrown: unknown): ProblemBody {
  const network = thrown instanceof TypeError || thrown instanceof DOMException
  return network ? unreachableProblem(thrown).body : problemOf(thrown)
}
