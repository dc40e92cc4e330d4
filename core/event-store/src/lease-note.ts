import type { Database, WriteOperation } from '@millrace/documents'

/** The collection of leases. They belong to no tenant. */
export const LEASES = 'millrace-leases'

/** What stands in the database about a lease. */
export interface LeaseNote {
  readonly id: string
  readonly holder: string
  /** Of one acquisition: how a holder tells its own note from that of somebody with the same name. */
  readonly instance: string
  readonly ttlMs: number
  readonly state: 'held' | 'released'
}

/** The note and its revision; revision 0 if there is none. */
export async function loadLease(
  database: Database,
  name: string,
): Promise<{ readonly note: LeaseNote | undefined; readonly revision: number }> {
  const [[stored]] = await database.read([{ kind: 'load', collection: LEASES, ids: [name] }])
  if (stored === undefined) return { note: undefined, revision: 0 }
  return { note: JSON.parse(stored.text) as LeaseNote, revision: stored.revision }
}

/** Writes the note on condition of its revision, whatever tenant the unit has. */
export function storeLease(note: LeaseNote, expectedRevision: number): WriteOperation {
  const text = JSON.stringify(note)
  return { kind: 'store', collection: LEASES, tenant: '', id: note.id, text, expectedRevision }
}

/** Refuses the unit unless the note has this revision. */
export function expectLease(name: string, revision: number): WriteOperation {
  return { kind: 'expect', collection: LEASES, tenant: '', id: name, revision }
}

/**
 * Takes a lease away from whoever has it, as part of a unit: nothing of theirs is committed after the unit, and whoever
 * waits for the lease may take it at once. For a change that nobody's work may overlap.
 */
export function revokeLease(name: string): WriteOperation {
  const note: LeaseNote = { id: name, holder: 'nobody', instance: '', ttlMs: 0, state: 'released' }
  return { kind: 'store', collection: LEASES, tenant: '', id: name, text: JSON.stringify(note) }
}
