import type { Database, StoredEvent, StreamRead } from '@millrace/documents'
import { millraceError } from '@millrace/kernel'
import { readPage } from './pages.ts'
import { type RecordedEvent, recordedEvent } from './recorded-event.ts'
import type { Upcasters } from './upcasters.ts'

/** Events fetched at a time. */
const PAGE_EVENTS_MAX = 1_000
/** Most events that {@link StreamReading.toArray} holds in memory. */
const ARRAY_EVENTS_MAX = 10_000

/** Which events of a stream, and in which order. */
export interface StreamReadOptions {
  readonly tenant?: string
  /** Default: 'forwards'. */
  readonly direction?: 'forwards' | 'backwards'
  /** Where to begin: the smallest version forwards, the greatest backwards. Default: the beginning, or the end. */
  readonly fromVersion?: number
  /** Where to end: the greatest version forwards, the smallest backwards. Default: all. */
  readonly toVersion?: number
  /** Only what was recorded at or before this time, in milliseconds since 1970. */
  readonly atMs?: number
  /** How many at most. Default: all. */
  readonly limit?: number
}

/** Events of a stream, read page by page while they are gone through; going through them again reads them again. */
export interface StreamReading extends AsyncIterable<RecordedEvent> {
  /** All of them. @throws QUERY_INVALID for more than 10,000, and as the iteration */
  toArray(): Promise<RecordedEvent[]>
}

/** Where streams are read from. */
export interface StreamSource {
  readonly database: Database
  readonly upcasters?: Upcasters | undefined
}

/**
 * Reads a stream; one that does not exist has no events. What is appended meanwhile may be part of it, at the end.
 *
 * The iteration throws STREAM_ENDED for a tombstoned stream, STORED_EVENT_UNREADABLE, and what the database throws.
 */
export function readStream(
  source: StreamSource,
  stream: string,
  options: StreamReadOptions = {},
): StreamReading {
  return {
    [Symbol.asyncIterator]: () => iterate(source, stream, options),
    toArray: () => collect(source, stream, options),
  }
}

async function* iterate(
  source: StreamSource,
  stream: string,
  options: StreamReadOptions,
): AsyncGenerator<RecordedEvent, undefined> {
  for await (const page of pagesOf(source.database, stream, options)) {
    for (const stored of page) yield recordedEvent(stored, source.upcasters)
  }
}

async function collect(
  source: StreamSource,
  stream: string,
  options: StreamReadOptions,
): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = []
  for await (const page of pagesOf(source.database, stream, options)) {
    if (events.length + page.length > ARRAY_EVENTS_MAX) {
      throw millraceError('QUERY_INVALID', {
        collection: stream,
        seen: `more than ${ARRAY_EVENTS_MAX} events in one array`,
        expected: 'a limit, or an iteration',
      })
    }
    for (const stored of page) events.push(recordedEvent(stored, source.upcasters))
  }
  return events
}

async function* pagesOf(
  database: Database,
  stream: string,
  options: StreamReadOptions,
): AsyncGenerator<readonly StoredEvent[], undefined> {
  const step = options.direction === 'backwards' ? -1 : 1
  let left = options.limit ?? Number.POSITIVE_INFINITY
  let read: StreamRead = { ...options, kind: 'stream', stream }
  while (left > 0) {
    const { answer, limit } = await readPage(Math.min(left, PAGE_EVENTS_MAX), async (limit) => {
      const [events] = await database.read([{ ...read, limit }])
      return events
    })
    yield answer
    left -= answer.length
    const last = answer.at(-1)
    if (last === undefined || answer.length < limit || last.version === options.toVersion) return
    const fromVersion = last.version + step
    if (fromVersion < 1) return
    read = { ...read, fromVersion }
  }
}
