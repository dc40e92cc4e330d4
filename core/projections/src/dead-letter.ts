import type { CollectionSchema, StoredDocument, WriteOperation } from '@millrace/documents'
import type { Fault } from './fault.ts'
import type { Slot } from './projection-record.ts'

/** The collection of events that projections have left out. It belongs to no tenant. */
export const DEAD_LETTERS: CollectionSchema = {
  name: 'millrace-dead-letters',
  indexes: [{ kind: 'property', name: 'by-projection', paths: [['projection'], ['position']] }],
}

/** An event that a projection has left out, and why. The event itself is where it was, in the store. */
export interface DeadLetter {
  readonly id: string
  readonly projection: string
  readonly shard: number
  readonly slot: Slot
  /** Of the event. */
  readonly position: number
  readonly eventId: string
  readonly type: string
  readonly tenant: string
  readonly stream?: string
  /** Of the event in its stream; 0 without one. */
  readonly version: number
  readonly kind: Fault['kind']
  readonly code: string
  readonly message: string
  readonly attempts: number
  readonly atMs: number
}

/** Characters of the text of an error that are kept. */
const MESSAGE_CHARACTERS_MAX = 4_000

/** Notes in a unit that the event is left out of it. The same event leads to the same note, however often. */
export function storeLetter(
  { kind, event, error }: Fault,
  about: Pick<DeadLetter, 'projection' | 'shard' | 'slot' | 'attempts' | 'atMs'>,
): WriteOperation {
  const { position, id: eventId, type, tenant, stream, version } = event
  const letter: DeadLetter = {
    id: `${about.projection}/${about.slot}/${about.shard}/${position}`,
    ...about,
    position,
    eventId,
    type,
    tenant,
    ...(stream === undefined ? {} : { stream }),
    version,
    kind,
    code: error.code,
    message: error.message.slice(0, MESSAGE_CHARACTERS_MAX).toWellFormed().replaceAll('\0', '\ufffd'),
  }
  return { kind: 'store', collection: DEAD_LETTERS.name, id: letter.id, text: JSON.stringify(letter) }
}

/** The note that is stored. */
export function letterOf({ text }: StoredDocument): DeadLetter {
  return JSON.parse(text) as DeadLetter
}

/** Removes the notes of a slot: its documents are made anew, or gone. */
export function forgetLetters(projection: string, slot: Slot): WriteOperation {
  return {
    kind: 'delete-where',
    collection: DEAD_LETTERS.name,
    hard: true,
    where: {
      kind: 'and',
      filters: [
        { kind: 'compare', path: ['projection'], operator: 'eq', value: projection },
        { kind: 'compare', path: ['slot'], operator: 'eq', value: slot },
      ],
    },
  }
}
