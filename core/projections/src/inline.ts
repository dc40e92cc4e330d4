import type { SaveHook, SaveUnit, SessionEvents, WriteOperation } from '@millrace/documents'
import { unreachable } from '@millrace/kernel'
import type { AnyProjection } from './any-projection.ts'
import type { CustomProjection } from './custom-projection.ts'
import { gatherOperations } from './custom-work.ts'
import { type DocumentTask, foldTask } from './document-fold.ts'
import { checkKey, tenantOf } from './document-slots.ts'
import { EventReading } from './event-reading.ts'
import { keysOf, type ProjectedEvent, type Projection } from './projection.ts'
import { RowMerge } from './row-merge.ts'
import type { RowProjection } from './row-projection.ts'
import { UnitDocuments } from './unit-documents.ts'

/** Nothing outlives the unit: nobody says whether it was committed. */
const RECENT_LIMITS = { documentsMax: 0, charactersMax: 0 } as const

/**
 * Runs projections in the unit that appends their events, so that documents are never behind: a hook for `openStore`.
 * The session's events are folded into the documents as they are then; if somebody changes one of them meanwhile the
 * unit is made again. Events of a session only: what an event store appends by itself passes no hook, nor does what was
 * there before. `position` and `recordedAtMs` are not known yet, and `version` only if the session expects one.
 *
 * The hook throws EVENT_SCHEMA_MISMATCH, DOCUMENT_INVALID, DOCUMENT_ID_INVALID, DOCUMENT_TOO_LARGE and what a function
 * throws; then nothing is saved. A projection is inline or in the background, not both: its documents would count twice.
 *
 * @example
 * const store = await openStore({ database, runtime, collections: [Tills], hooks: [inlineProjections([tills])] })
 */
export function inlineProjections(projections: readonly AnyProjection[]): SaveHook {
  return async (unit) => {
    const events = unit.events.flatMap((some) => projectedEvents(some, unit))
    if (events.length === 0) return []
    const operations = await Promise.all(projections.map((each) => operationsOf(each, events, unit)))
    return operations.flat()
  }
}

function projectedEvents(
  { events, stream, streamType, expectedVersion }: SessionEvents,
  { options }: SaveUnit,
): ProjectedEvent[] {
  const { tenant = '', correlationId, causationId } = options
  return events.map((event, index) => ({
    ...event,
    tenant,
    ...(stream === undefined ? {} : { stream }),
    ...(streamType === undefined ? {} : { streamType }),
    ...(expectedVersion === undefined ? {} : { version: expectedVersion + index + 1 }),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(causationId === undefined ? {} : { causationId }),
  }))
}

function operationsOf(
  projection: AnyProjection,
  events: readonly ProjectedEvent[],
  unit: SaveUnit,
): Promise<readonly WriteOperation[]> | readonly WriteOperation[] {
  switch (projection.kind) {
    case 'projection':
      return documentOperations(projection, events, unit)
    case 'row-projection':
      return rowOperations(projection, events)
    case 'custom-projection':
      return customOperations(projection, events, unit)
    default:
      return unreachable(projection)
  }
}

async function documentOperations(
  { collection, options, cases }: Projection,
  events: readonly ProjectedEvent[],
  { database }: SaveUnit,
): Promise<readonly WriteOperation[]> {
  const reading = new EventReading(cases, undefined)
  const tasks = events.flatMap((each, index): DocumentTask<{ id: string | number }>[] => {
    const { event, cases: matched } = reading.match(each)
    const keys = matched.length === 0 ? [] : keysOf(options, event)
    for (const key of keys) checkKey(collection.name, key)
    return [{ index, event, tenant: tenantOf(collection, event), keys, cases: matched, slots: [] }]
  })
  const documents = new UnitDocuments({
    database,
    collection,
    target: collection.name,
    recent: RECENT_LIMITS,
  })
  const loaded = await documents.load(tasks)
  for (const task of tasks) {
    const failure = foldTask(collection, task, 'event')
    if (failure !== undefined) throw failure.error
  }
  return loaded.write('event')
}

function rowOperations(
  { table, cases }: RowProjection,
  events: readonly ProjectedEvent[],
): readonly WriteOperation[] {
  const reading = new EventReading(cases, undefined)
  const merge = new RowMerge(table)
  for (const each of events) {
    const { event, cases: matched } = reading.match(each)
    for (const { apply } of matched) for (const change of [apply(event) ?? []].flat()) merge.add(change)
  }
  return merge.operations
}

async function customOperations(
  { options }: CustomProjection,
  events: readonly ProjectedEvent[],
  { database }: SaveUnit,
): Promise<readonly WriteOperation[]> {
  const reading = new EventReading(
    options.types.map((type) => ({ type })),
    undefined,
  )
  const matched = events.map((each) => reading.match(each)).filter(({ cases }) => cases.length > 0)
  if (matched.length === 0) return []
  return gatherOperations(
    options,
    matched.map(({ event }) => event),
    database,
  )
}
