import { type LanesOptions, type LanesOutcome, tortureInLanes } from '../process/lanes.ts'
import { type Engine, type StoreTally, TorturedStore } from './tortured-store.ts'

/** Options of {@link tortureStore}. */
export interface StoreTortureOptions extends LanesOptions {
  readonly engine: Engine
  /** Reports units before they are saved, to prove that the torture can fail. */
  readonly isLying: boolean
}

/** What a torture came to. */
export interface StoreTortureReport extends Readonly<StoreTally>, LanesOutcome {
  readonly seed: number
  readonly engine: Engine['name']
}

const LIFE = new URL('store-main.ts', import.meta.url)

/**
 * Kills processes that write to a store at random moments of their lives: units of events, documents, patches and rows,
 * with a projection in the same unit, one in the background and a relay to a bus. On PostgreSQL the server's own
 * processes are killed, too, while the writer lives. A unit that was saved must be there as a whole, one that was not
 * must be there as a whole or not at all, and projections and relay must count each event once.
 */
export async function tortureStore(options: StoreTortureOptions): Promise<StoreTortureReport> {
  const { seed, engine, isLying } = options
  const tally: StoreTally = {
    kills: 0,
    killsBeforeOpen: 0,
    killsInClose: 0,
    serverKills: 0,
    closed: 0,
    stores: 0,
    units: 0,
    saved: 0,
    decided: 0,
    openMsMax: 0,
  }
  const outcome = await tortureInLanes(options, LIFE, (lane, root) =>
    new TorturedStore({ ...lane, tally, engine, isLying }, root).torture(),
  )
  return { seed, engine: engine.name, ...tally, ...outcome }
}
