import type {
  CheckedRead,
  CheckedSchema,
  CheckedTransform,
  PrepareOptions,
  RawValue,
} from '@millrace/documents'
import type { CommitUnit } from './write-unit.ts'

/** What a worker's connection is for. */
export type WorkerRole = 'writer' | 'reader' | 'raw'

/** What a worker is told when it starts. */
export interface WorkerSettings {
  readonly role: WorkerRole
  readonly file: string
  readonly busyTimeoutMs: number
  readonly statementsMax: number
  readonly fileBytesMax: number | undefined
}

export type Request =
  /** The first one: opens the file. */
  | { readonly kind: 'open' }
  | { readonly kind: 'prepare'; readonly schema: CheckedSchema; readonly options: PrepareOptions }
  | { readonly kind: 'commit'; readonly unit: CommitUnit }
  | { readonly kind: 'transform'; readonly step: CheckedTransform }
  | { readonly kind: 'plan'; readonly schema: CheckedSchema }
  | { readonly kind: 'read'; readonly reads: readonly CheckedRead[] }
  | { readonly kind: 'explain'; readonly read: CheckedRead }
  | { readonly kind: 'raw'; readonly sql: string; readonly parameters: readonly RawValue[] }
  /** The last one: closes the file. */
  | { readonly kind: 'close' }

/** Requests that go to the worker together; the answers come back together, in the same order. */
export interface RequestBatch {
  readonly atMs: number
  readonly requests: readonly Request[]
}

/** A catalogue error on its way between threads, where classes are lost. */
export interface Failure {
  readonly code: string
  readonly parameters: Readonly<Record<string, string | number>>
}

export type Response =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly failure: Failure }
