import type { CheckedQuery, PreparedOperation } from '@millrace/documents'

/** What a worker is told when it starts. */
export interface WorkerSettings {
  readonly role: 'writer' | 'reader'
  readonly file: string
  readonly busyTimeoutMs: number
  readonly statementsMax: number
  readonly fileBytesMax: number | undefined
}

export type WriteRequest =
  | { readonly kind: 'prepare'; readonly collections: readonly string[] }
  | { readonly kind: 'commit'; readonly operations: readonly PreparedOperation[] }

export type ReadRequest =
  | { readonly kind: 'load'; readonly collection: string; readonly ids: readonly string[] }
  | { readonly kind: 'query'; readonly query: CheckedQuery }
  | { readonly kind: 'count'; readonly query: CheckedQuery }
  | { readonly kind: 'positions'; readonly processor: string }

export type Request = WriteRequest | ReadRequest | { readonly kind: 'close' }

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

/** A document as the worker hands it over; the body is parsed where it is wanted. */
export interface DocumentRow {
  readonly id: string
  readonly revision: number
  readonly text: string
}
