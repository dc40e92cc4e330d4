import { derivedId } from '@millrace/bus'
import { type Database, documentText, type WriteOperation } from '@millrace/documents'
import { checkSchema, formatIssues, millraceError } from '@millrace/kernel'
import type { Aggregate } from './aggregate.ts'

/** The collection of states that are kept. */
export const SNAPSHOTS = 'millrace-snapshots'

/** A state that was kept. */
export interface Snapshot<State> {
  readonly state: State
  /** Of the last event that is part of it. */
  readonly version: number
}

/** Where a snapshot was looked for, and what was found. */
export interface FoundSnapshot<State> {
  /** Undefined if there is none that this code can use. */
  readonly snapshot: Snapshot<State> | undefined
  /** Of the document, whether it could be used or not; 0 if there is none. */
  readonly revision: number
}

/** Names a stream of a tenant. */
export interface StreamPlace {
  readonly stream: string
  readonly tenant: string
}

/** What stands in the document, beside its id. */
interface Contents {
  readonly aggregate: string
  readonly stream: string
  readonly tag: string
  readonly version: number
  readonly state: unknown
}

/** The newest state that was kept. */
export async function loadSnapshot<State>(
  database: Database,
  aggregate: Aggregate<State>,
  { stream, tenant }: StreamPlace,
): Promise<FoundSnapshot<State>> {
  const ids = [idOf(aggregate, stream)]
  const [[stored]] = await database.read([{ kind: 'load', collection: SNAPSHOTS, ids, tenant }])
  if (stored === undefined) return { snapshot: undefined, revision: 0 }
  const { tag, version, state } = JSON.parse(stored.text) as Contents
  const checked = tag === tagOf(aggregate) ? checkedState(aggregate, state) : undefined
  return { snapshot: checked?.ok ? { state: checked.value, version } : undefined, revision: stored.revision }
}

/**
 * Keeps a state, unless somebody else has kept another since it was looked for, or the stream was tombstoned.
 *
 * @throws DOCUMENT_INVALID for a state that JSON cannot hold
 */
export function keepSnapshot<State>(
  aggregate: Aggregate<State>,
  { stream, tenant }: StreamPlace,
  { state, version }: Snapshot<State>,
  expectedRevision: number,
): readonly WriteOperation[] {
  const id = idOf(aggregate, stream)
  const contents: Contents = { aggregate: aggregate.name, stream, tag: tagOf(aggregate), version, state }
  const text = textOf(aggregate, { id, ...contents })
  return [
    { kind: 'expect', collection: SNAPSHOTS, id: endOf(stream), tenant, revision: 0 },
    { kind: 'store', collection: SNAPSHOTS, id, tenant, text, expectedRevision },
  ]
}

/** Takes away what was kept of a stream, for good: what its events said must not live on in a snapshot. */
export function eraseSnapshots({ stream, tenant }: StreamPlace): readonly WriteOperation[] {
  const id = endOf(stream)
  const value = stream
  return [
    {
      kind: 'delete-where',
      collection: SNAPSHOTS,
      tenant,
      where: { kind: 'compare', path: ['stream'], operator: 'eq', value },
      hard: true,
    },
    { kind: 'store', collection: SNAPSHOTS, id, tenant, text: JSON.stringify({ id, state: 'tombstoned' }) },
  ]
}

/** Stream names may be longer than ids, so both are hashed. */
function idOf({ name }: { readonly name: string }, stream: string): string {
  return derivedId(stream, name, 0)
}

/** The mark of a tombstoned stream, which refuses snapshots of it. */
function endOf(stream: string): string {
  return derivedId(stream, 'tombstone', 1)
}

const tags = new WeakMap<object, string>()

/** Names the code that folds. */
function tagOf<State>(aggregate: Aggregate<State>): string {
  const known = tags.get(aggregate)
  if (known !== undefined) return known
  const { cases, options } = aggregate
  const parts = cases.map(({ type, fold }) => [type.type, type.version, String(fold)])
  const tag = derivedId(JSON.stringify([options.initial ?? null, parts]), 'fold', options.foldVersion ?? 1)
  tags.set(aggregate, tag)
  return tag
}

/**
 * With a schema that converts it back, the state may hold what JSON turns into something else (a date); without one it
 * may not.
 */
function textOf<State>(aggregate: Aggregate<State>, document: { readonly id: string } & Contents): string {
  if (aggregate.options.state === undefined) return documentText(SNAPSHOTS, document.id, document)
  const text = JSON.stringify(document)
  const checked = checkedState(aggregate, (JSON.parse(text) as Contents).state)
  if (checked.ok) return text
  throw millraceError('DOCUMENT_INVALID', { collection: SNAPSHOTS, issues: formatIssues(checked.issues) })
}

function checkedState<State>({ options }: Aggregate<State>, state: unknown) {
  if (options.state === undefined) return { ok: true, value: state as State } as const
  return checkSchema(options.state, state)
}
