import type { ExpectOperation, NewEvent, Patch, PositionOperation, WriteOperation } from '@millrace/documents'

/** A document of a test. */
export type Body = Readonly<Record<string, unknown>>

/** What most tests call their collection. */
export const BENCHES = 'benches'

type Of<Kind extends WriteOperation['kind']> = Extract<WriteOperation, { readonly kind: Kind }>

/** Stores `body` in "benches", unless `rest` says otherwise; so do the others. */
export function store(id: string, body: Body, rest: Partial<Of<'store'>> = {}): Of<'store'> {
  return { kind: 'store', collection: BENCHES, id, text: JSON.stringify(body), ...rest }
}

export function remove(id: string, rest: Partial<Of<'delete'>> = {}): Of<'delete'> {
  return { kind: 'delete', collection: BENCHES, id, ...rest }
}

export function patch(id: string, patches: readonly Patch[], rest: Partial<Of<'patch'>> = {}): Of<'patch'> {
  return { kind: 'patch', collection: BENCHES, id, patches, ...rest }
}

export function patchWhere(
  where: Of<'patch-where'>['where'],
  patches: readonly Patch[],
  rest: Partial<Of<'patch-where'>> = {},
): Of<'patch-where'> {
  return { kind: 'patch-where', collection: BENCHES, where, patches, ...rest }
}

/** An event whose text is JSON with `data` in it; its id is made of its type and data. */
export function event(type: string, data: unknown = 0, rest: Partial<NewEvent> = {}): NewEvent {
  const id = `${type}-${JSON.stringify(data)}`.slice(0, 100)
  return { id, type, text: JSON.stringify({ specversion: '1.0', id, type, source: 'suite', data }), ...rest }
}

/** Appends an event a type. */
export function append(
  stream: string,
  types: readonly string[],
  rest: Partial<Of<'append'>> = {},
): Of<'append'> {
  return { kind: 'append', stream, events: types.map((type) => event(type)), ...rest }
}

/** Publishes an event a type on the topic "news". */
export function publish(...types: readonly string[]): Of<'publish'> {
  return { kind: 'publish', events: types.map((type) => event(type, 0, { topic: 'news' })) }
}

/** Moves a processor on the only partition of the topic "t". */
export function position(processor: string, offset: number, expectedOffset?: number): PositionOperation {
  const moved = { kind: 'position', processor, position: { topic: 't', partition: 0, offset } } as const
  return expectedOffset === undefined ? moved : { ...moved, expectedOffset }
}

export function expectRevision(id: string, revision: number, collection = BENCHES): ExpectOperation {
  return { kind: 'expect', collection, id, revision }
}

export const idIs = (value: string) => ({ kind: 'id', operator: 'eq', value }) as const
