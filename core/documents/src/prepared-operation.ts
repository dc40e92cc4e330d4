import type { ColumnValue, StoredPosition } from './database.ts'
import type { Filter } from './filter.ts'
import type { Patch } from './patch.ts'

/** An event that has been checked and copied. */
export interface PreparedEvent {
  readonly id: string
  readonly type: string
  readonly text: string
  readonly topic: string | undefined
}

/**
 * A write operation that has been checked and copied, with its tenant and its defaults filled in: what an engine still
 * has to do. Plain data that can go to another thread.
 */
export type PreparedOperation = { readonly tenant: string } & (
  | PreparedDocumentOperation
  | PreparedStreamOperation
  | PreparedPosition
  | PreparedRowOperation
)

export type PreparedDocumentOperation =
  | {
      readonly kind: 'store'
      readonly collection: string
      readonly id: string
      readonly text: string
      readonly expectedRevision: number | undefined
    }
  | {
      readonly kind: 'patch'
      readonly collection: string
      readonly id: string
      readonly patches: readonly Patch[]
      readonly expectedRevision: number | undefined
    }
  | {
      readonly kind: 'patch-where'
      readonly collection: string
      readonly where: Filter
      readonly patches: readonly Patch[]
      readonly withChanges: boolean
    }
  | {
      readonly kind: 'delete'
      readonly collection: string
      readonly id: string
      readonly expectedRevision: number | undefined
      /** True for every delete in a collection without soft deletes. */
      readonly hard: boolean
    }
  | {
      readonly kind: 'delete-where'
      readonly collection: string
      readonly where: Filter | undefined
      /** True for every delete in a collection without soft deletes. */
      readonly hard: boolean
      readonly withChanges: boolean
    }
  | { readonly kind: 'restore-where'; readonly collection: string; readonly where: Filter }
  | { readonly kind: 'replace-all'; readonly collection: string; readonly from: string | undefined }
  | {
      readonly kind: 'expect'
      readonly collection: string
      readonly id: string
      readonly revision: number
    }

export type PreparedStreamOperation =
  | {
      readonly kind: 'append'
      readonly stream: string
      readonly streamType: string | undefined
      readonly expectedVersion: number | undefined
      readonly events: readonly PreparedEvent[]
    }
  | { readonly kind: 'publish'; readonly events: readonly PreparedEvent[] }
  | { readonly kind: 'archive' | 'tombstone'; readonly stream: string }
  | { readonly kind: 'forget-published'; readonly before: number }

export interface PreparedPosition {
  readonly kind: 'position'
  readonly processor: string
  readonly position: StoredPosition
  readonly expectedOffset: number | undefined
}

export type PreparedRowOperation =
  | {
      readonly kind: 'put-row'
      readonly table: string
      readonly key: Readonly<Record<string, string | number>>
      readonly set: Readonly<Record<string, ColumnValue>>
      readonly add: Readonly<Record<string, number>>
    }
  | {
      readonly kind: 'delete-row'
      readonly table: string
      readonly key: Readonly<Record<string, string | number>>
    }
  | { readonly kind: 'delete-rows'; readonly table: string }

/** A unit that has been checked and copied. */
export interface PreparedCommit {
  readonly operations: readonly PreparedOperation[]
  readonly correlationId: string | undefined
  readonly causationId: string | undefined
  /** Length of all documents, patches, events and rows. */
  readonly characters: number
}
