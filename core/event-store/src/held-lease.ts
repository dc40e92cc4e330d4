import type { CommitOptions, CommitResult, Database, WriteOperation } from '@millrace/documents'
import { abortReason, type Cancel, isMillraceError, millraceError, type Runtime } from '@millrace/kernel'
import type { Lease } from './lease.ts'
import { expectLease, LEASES, type LeaseNote, loadLease, storeLease } from './lease-note.ts'

/** A lease is renewed after this part of its time, so that a renewal may fail and be tried again. */
export const RENEWALS_PER_TTL = 3

/** How long a lease holds, and as what. */
export interface Term {
  /** The revision of its note. */
  readonly token: number
  /** When the renewal was begun, by the monotonic clock: others count from a later moment. */
  readonly sinceMs: number
}

/**
 * A lease that has been taken. States: held; in doubt (a renewal failed, and nobody knows whether it was done); lost,
 * which is the end. Units and renewals are one at a time, or a renewal would refuse a unit that is under way.
 */
export class HeldLease implements Lease {
  readonly #database: Database
  readonly #runtime: Runtime
  readonly #note: LeaseNote
  readonly #ending = new AbortController()
  #term: Term
  #isInDoubt = false
  #turn: Promise<unknown> = Promise.resolve()
  #cancelExpiry: Cancel = () => {}
  #cancelRenewal: Cancel = () => {}

  constructor(
    surroundings: { readonly database: Database; readonly runtime: Runtime },
    note: LeaseNote,
    term: Term,
  ) {
    this.#database = surroundings.database
    this.#runtime = surroundings.runtime
    this.#note = note
    this.#term = term
    this.#begin(term)
  }

  get name(): string {
    return this.#note.id
  }

  get holder(): string {
    return this.#note.holder
  }

  get lost(): AbortSignal {
    return this.#ending.signal
  }

  assertHeld(): void {
    const endMs = this.#term.sinceMs + this.#note.ttlMs
    if (this.#runtime.clock.monotonic() >= endMs) this.#expire()
    if (this.lost.aborted) throw abortReason(this.lost)
  }

  commit(operations: readonly WriteOperation[], options?: CommitOptions): Promise<CommitResult> {
    return this.#inTurn(() => this.#commit(operations, options))
  }

  release(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.lost.aborted) return
      this.#lose('nobody')
      const released: LeaseNote = { ...this.#note, state: 'released' }
      await this.#database.commit([storeLease(released, this.#term.token)]).catch(() => {
        // Somebody else has it, or the database is gone: the next one waits for the lease's time instead.
      })
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }

  #inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(act)
    this.#turn = result.catch(() => {})
    return result
  }

  async #commit(
    operations: readonly WriteOperation[],
    options: CommitOptions | undefined,
  ): Promise<CommitResult> {
    if (this.#isInDoubt) await this.#lookUp()
    if (this.lost.aborted) throw abortReason(this.lost)
    const { token } = this.#term
    const sinceMs = this.#runtime.clock.monotonic()
    const isRenewal = operations.length === 0 || sinceMs - this.#term.sinceMs >= this.#renewalMs
    const guard = isRenewal ? storeLease(this.#note, token) : expectLease(this.name, token)
    try {
      const { results } = await this.#database.commit([guard, ...operations], options)
      const [first, ...others] = results
      if (isRenewal) this.#begin({ token: first?.revision ?? token, sinceMs })
      return { results: others }
    } catch (error) {
      if (isConflictOf(error, this.name)) throw await this.#loseToOthers()
      this.#isInDoubt = isRenewal
      throw error
    }
  }

  get #renewalMs(): number {
    return this.#note.ttlMs / RENEWALS_PER_TTL
  }

  /** A new term: what was planned for the old one is planned anew. */
  #begin(term: Term): void {
    if (this.lost.aborted) return
    this.#term = term
    this.#cancelExpiry()
    const leftMs = term.sinceMs + this.#note.ttlMs - this.#runtime.clock.monotonic()
    this.#cancelExpiry = this.#runtime.scheduler.after(leftMs, () => this.#expire())
    this.#planRenewal()
  }

  #planRenewal(): void {
    this.#cancelRenewal()
    this.#cancelRenewal = this.#runtime.scheduler.after(this.#renewalMs, () => {
      this.commit([]).catch(() => {
        if (!this.lost.aborted) this.#planRenewal()
      })
    })
  }

  /** After a renewal of which the outcome is unknown: is the note still ours, and which revision has it? */
  async #lookUp(): Promise<void> {
    const { note, revision } = await loadLease(this.#database, this.name)
    if (note?.instance !== this.#note.instance) this.#lose(note?.holder ?? 'nobody')
    else this.#term = { ...this.#term, token: revision }
    this.#isInDoubt = false
  }

  async #loseToOthers(): Promise<Error> {
    const holder = await loadLease(this.#database, this.name).then(
      ({ note }) => note?.holder ?? 'nobody',
      () => 'somebody else',
    )
    this.#lose(holder)
    return abortReason(this.lost)
  }

  #expire(): void {
    this.#lose('nobody that has renewed it in time')
  }

  #lose(holder: string): void {
    this.#cancelExpiry()
    this.#cancelRenewal()
    this.#ending.abort(millraceError('LEASE_LOST', { lease: this.name, holder }))
  }
}

function isConflictOf(error: unknown, name: string): boolean {
  if (!isMillraceError(error, 'DOCUMENT_CONFLICT')) return false
  return error.parameters.collection === LEASES && error.parameters.id === name
}
