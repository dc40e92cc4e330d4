import type { CommitOptions, CommitResult, Database, EventInput, WriteOperation } from '@millrace/documents'
import { decodeJson, isMillraceError, type Runtime, sleep } from '@millrace/kernel'
import type { Aggregate } from './aggregate.ts'
import { type Aggregated, dueSnapshot, loadAggregate } from './aggregate-loading.ts'
import { type Appended, type AppendOptions, appendOperation, prepareUnit, type Writing } from './append.ts'

/** Shortest and longest pause before a decision is made again, in milliseconds. */
const PAUSE_MS_MIN = 5
const PAUSE_MS_MAX = 500

/** What a state leads to: the events to append, or none. */
export type Decide<State> = (
  state: State,
  version: number,
) => readonly EventInput[] | Promise<readonly EventInput[]>

/** Choices of a decision. */
export interface DecideOptions extends Omit<AppendOptions, 'expectedVersion'> {
  /**
   * How often to load and decide when somebody else appends in between, at least 1. Default: 1, so that a conflict is
   * thrown; with more, the decision is made again for a state that its caller may never have seen.
   */
  readonly attemptsMax?: number
  readonly signal?: AbortSignal
}

/** What became of a decision: the state behind it, and what was appended. */
export interface Decided<State> extends Aggregated<State> {
  readonly appended: Appended | undefined
}

/**
 * Loads, decides, and appends on condition that the stream is still as it was loaded.
 *
 * @throws STREAM_CONFLICT when the last attempt met somebody else's events, STREAM_ENDED, what `decide` throws, and as
 * loading and appending
 */
export async function decideOn<State>(
  writing: Writing,
  aggregate: Aggregate<State>,
  stream: string,
  decide: Decide<State>,
  options: DecideOptions = {},
): Promise<Decided<State>> {
  const { attemptsMax = 1, signal } = options
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await decideOnce(writing, aggregate, stream, decide, options)
    } catch (error) {
      if (attempt >= attemptsMax || !isMillraceError(error, 'STREAM_CONFLICT')) throw error
      await sleep(writing.runtime.scheduler, pauseMs(writing.runtime, attempt), signal)
    }
  }
}

/** Chance lengthens it, so that two who met do not meet again. */
function pauseMs({ random }: Runtime, attempt: number): number {
  return Math.min(PAUSE_MS_MIN * 2 ** (attempt - 1), PAUSE_MS_MAX) * (1 + random.next())
}

async function decideOnce<State>(
  writing: Writing,
  aggregate: Aggregate<State>,
  stream: string,
  decide: Decide<State>,
  options: DecideOptions,
): Promise<Decided<State>> {
  const place = { stream, tenant: options.tenant ?? '' }
  const loaded = await loadAggregate(writing, aggregate, place)
  const { folding, version: expectedVersion } = loaded
  const inputs = await decide(loaded.state, expectedVersion)
  if (inputs.length === 0) return { state: loaded.state, version: expectedVersion, appended: undefined }
  const unit = prepareUnit(writing, inputs, { publish: false, ...options })
  // As they will be read, so that the state is the one that everybody else will see.
  for (const { text } of unit.stored) {
    const event = decodeJson(text)
    folding.add(writing.upcasters?.upcast(event) ?? event, stream, folding.version + 1)
  }
  const append = appendOperation(stream, unit.stored, {
    streamType: aggregate.name,
    ...options,
    expectedVersion,
  })
  const snapshot = dueSnapshot(aggregate, place, loaded)
  const { results } = await commitWithSnapshot(writing.database, append, snapshot, unit.options)
  const { version = 0, position = 0 } = results[0] ?? {}
  return { state: folding.state, version, appended: { version, position, events: unit.events } }
}

/** Somebody who only reads may keep a snapshot at the same time: that is no reason to refuse the events. */
async function commitWithSnapshot(
  database: Database,
  append: WriteOperation,
  snapshot: readonly WriteOperation[],
  options: CommitOptions,
): Promise<CommitResult> {
  try {
    return await database.commit([append, ...snapshot], options)
  } catch (error) {
    if (snapshot.length === 0 || !isMillraceError(error, 'DOCUMENT_CONFLICT')) throw error
    return database.commit([append], options)
  }
}
