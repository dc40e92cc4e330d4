import type { Database, FeedRead, StoredEvent } from '@millrace/documents'
import { type Runtime, throwIfAborted } from '@millrace/kernel'
import { FeedEnd } from './feed-end.ts'
import { readPage } from './pages.ts'
import { type RecordedEvent, recordedEvent } from './recorded-event.ts'
import type { Upcasters } from './upcasters.ts'

/** Events fetched at a time, unless told otherwise. */
const PAGE_EVENTS_DEFAULT = 500

/** Which events of the store, and where to begin. */
export interface FeedOptions {
  /** Events with greater positions. Default: 0, from the beginning. */
  readonly after?: number
  /** Of these types, in their newest shape. Default: all. */
  readonly types?: readonly string[]
  readonly streamTypes?: readonly string[]
  /** Only one stream's. */
  readonly stream?: string
  /** Only one tenant's. Default: all of them. */
  readonly tenant?: string
  /** Where to end: at the end as it is then, or never. Default: 'never'. */
  readonly until?: 'end' | 'never'
  readonly signal?: AbortSignal
  /** Default: 500; at most 10,000. */
  readonly pageEventsMax?: number
  /** At the end: how long to wait for a hint before asking again, in milliseconds. Default: 1,000. */
  readonly pollMs?: number
  /**
   * What to do with an event that cannot be read; if it returns, the event is left out. Default: the iteration ends with
   * STORED_EVENT_UNREADABLE, when all events before it have been seen; begin again behind its position.
   */
  readonly onUnreadable?: (stored: StoredEvent, error: unknown) => void
}

/** Some events, and where to go on when they are done with. */
export interface FeedPage {
  readonly events: readonly RecordedEvent[]
  /** Every event up to here has been seen: begin behind it the next time. */
  readonly through: number
}

/** Where a feed is read from. */
export interface FeedSource {
  readonly database: Database
  readonly runtime: Runtime
  readonly upcasters?: Upcasters | undefined
}

/**
 * Goes through the whole store in pages, in the order of positions: catches up, then waits for what comes. Misses
 * nothing: it goes on behind `through` of each answer, below which nothing can appear any more. Also yields pages
 * without events, so that whoever notes its place need not read the same stretch again.
 *
 * Throws the signal's reason, STORED_EVENT_UNREADABLE, and what the database throws.
 */
export async function* feedPages(
  source: FeedSource,
  options: FeedOptions = {},
): AsyncGenerator<FeedPage, undefined> {
  const { signal, pageEventsMax = PAGE_EVENTS_DEFAULT, until = 'never' } = options
  const read = feedRead(options, source.upcasters)
  const end = new FeedEnd(source, options)
  for (let after = options.after ?? 0; ; ) {
    throwIfAborted(signal)
    const { answer, limit } = await readPage(pageEventsMax, async (limit) => {
      const [page] = await source.database.read([{ ...read, after, limit }])
      return page
    })
    const { events, through } = answer
    const { readable, unreadable } = sift(events, source.upcasters, options)
    if (unreadable !== undefined) {
      yield { events: readable, through: unreadable.stored.position - 1 }
      throw unreadable.error
    }
    if (through > after) yield { events: readable, through }
    end.note(through > after)
    after = through
    if (events.length === limit) continue
    if (until === 'end') return
    await end.wait(after)
  }
}

/** The same, event by event. */
export async function* feed(
  source: FeedSource,
  options: FeedOptions = {},
): AsyncGenerator<RecordedEvent, undefined> {
  for await (const { events } of feedPages(source, options)) yield* events
}

function feedRead(options: FeedOptions, upcasters: Upcasters | undefined): Omit<FeedRead, 'after'> {
  const { types, streamTypes, stream, tenant } = options
  return {
    kind: 'feed',
    ...(types === undefined ? {} : { types: upcasters?.storedTypes(types) ?? types }),
    ...(streamTypes === undefined ? {} : { streamTypes }),
    ...(stream === undefined ? {} : { stream }),
    ...(tenant === undefined ? {} : { tenant }),
  }
}

/** The events that were asked for, up to the first one that cannot be read if nobody bears with it. */
function sift(
  events: readonly StoredEvent[],
  upcasters: Upcasters | undefined,
  { types, onUnreadable = refuse }: FeedOptions,
): { readonly readable: RecordedEvent[]; readonly unreadable?: { stored: StoredEvent; error: unknown } } {
  const newest = types === undefined ? undefined : new Set(types)
  const readable: RecordedEvent[] = []
  for (const stored of events) {
    try {
      const event = recordedEvent(stored, upcasters)
      // What is stored under an old type may have become something else than what was asked for.
      if (newest?.has(event.type) !== false) readable.push(event)
    } catch (error) {
      try {
        onUnreadable(stored, error)
      } catch (reason) {
        return { readable, unreadable: { stored, error: reason } }
      }
    }
  }
  return { readable }
}

function refuse(_: StoredEvent, error: unknown): never {
  throw error
}
