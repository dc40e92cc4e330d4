import type { CommitResult, OperationResult } from '@millrace/documents'
import { assert, BoundedQueue } from '@millrace/kernel'
import type { Connections } from './connections.ts'
import { isLocked, isStale, isUnreachable, isWorthAnother } from './postgres-failure.ts'
import type { PostgresSettings } from './postgres-options.ts'
import type { Statement, StatementResult } from './statement.ts'
import { BatchFailure } from './statement-batch.ts'
import { type FailureContext, unitFailure } from './unit-failure.ts'
import type { UnitStatement } from './unit-statement.ts'

/** A unit that waits for its turn. */
export interface WaitingUnit {
  readonly characters: number
  /** Makes the statements, at the time when they are sent. */
  statements(atMs: number): readonly UnitStatement[]
  readonly operations: number
}

interface Entry {
  readonly unit: WaitingUnit
  readonly resolve: (result: CommitResult) => void
  readonly reject: (error: unknown) => void
}

/**
 * Units on their way to the server. Those that wait at the same time share a transaction, and so one round trip and one
 * sync of the disk; some transactions are under way at a time. If one unit of a group is refused, those before it go
 * again without it, then it alone, then those behind it: each is all or nothing, and what it is refused for has happened.
 */
export class CommitQueue {
  readonly #connections: Connections
  readonly #settings: PostgresSettings
  readonly #context: FailureContext
  readonly #waiting: BoundedQueue<Entry>
  #underWay = 0

  constructor(connections: Connections, settings: PostgresSettings, context: FailureContext) {
    this.#connections = connections
    this.#settings = settings
    this.#context = context
    const { requestsMax, requestCharactersMax } = settings.limits
    this.#waiting = new BoundedQueue({
      name: `units of the database ${settings.name}`,
      itemsMax: requestsMax,
      bytesMax: requestCharactersMax,
      sizeOf: ({ unit }) => unit.characters,
    })
  }

  /** @throws as Database.commit */
  add(unit: WaitingUnit): Promise<CommitResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ unit, resolve, reject })
      // On a later turn, so that units of one turn go together.
      queueMicrotask(() => this.#start())
    })
  }

  #start(): void {
    while (this.#underWay < this.#settings.commitConnectionsMax && this.#waiting.size > 0) {
      this.#underWay += 1
      void this.#runGroup(this.#nextGroup()).finally(() => {
        this.#underWay -= 1
        this.#start()
      })
    }
  }

  #nextGroup(): readonly Entry[] {
    const { groupUnitsMax, groupCharactersMax } = this.#settings.limits
    const group: Entry[] = []
    let characters = 0
    for (let next = this.#waiting.peek(); next !== undefined; next = this.#waiting.peek()) {
      characters += next.unit.characters
      if (group.length === groupUnitsMax || (group.length > 0 && characters > groupCharactersMax)) break
      this.#waiting.shift()
      group.push(next)
    }
    return group
  }

  /** Never rejects: each unit is told. */
  async #runGroup(group: readonly Entry[], attempt = 1): Promise<void> {
    if (group.length === 0) return
    const atMs = this.#settings.clock.now()
    let statements: (readonly UnitStatement[])[] = []
    try {
      statements = group.map(({ unit }) => unit.statements(atMs))
      answer(group, statements, await this.#run(statements))
    } catch (error) {
      await this.#afterFailure(group, statements, error, attempt)
    }
  }

  /** One transaction. Of several units, none waits long for somebody else's lock: the others wait with it. */
  async #run(statements: readonly (readonly UnitStatement[])[]): Promise<readonly StatementResult[]> {
    const all = statements.flat()
    if (all.length === 0) return []
    if (statements.length === 1) return this.#connections.run(all)
    try {
      return (await this.#connections.run([IMPATIENCE, ...all])).slice(1)
    } catch (error) {
      throw error instanceof BatchFailure ? new BatchFailure(error.index - 1, error.cause) : error
    }
  }

  async #afterFailure(
    group: readonly Entry[],
    statements: readonly (readonly UnitStatement[])[],
    error: unknown,
    attempt: number,
  ): Promise<void> {
    if (!(error instanceof BatchFailure) || isUnreachable(error)) {
      for (const { reject } of group) reject(unitFailure(this.#context, error, undefined))
      return
    }
    const [first] = group as [Entry]
    if ((isWorthAnother(error) || isStale(error)) && attempt < this.#settings.limits.attemptsMax) {
      return this.#runGroup(group, attempt + 1)
    }
    const { unit, statement } = whoFailed(statements, error.index)
    if (group.length === 1) {
      first.reject(unitFailure(this.#context, error, statement))
      return
    }
    // The end of a transaction does not say whose fault it is.
    const parts = unit === undefined ? group.map((entry) => [entry]) : apart(group, unit, isLocked(error))
    for (const part of parts) await this.#runGroup(part)
  }
}

/** As long as a unit of a group waits for a lock; alone it may wait as long as `lockMsMax`. */
const GROUP_LOCK_MS_MAX = 500
const IMPATIENCE: Statement = {
  sql: `SELECT set_config('lock_timeout', '${GROUP_LOCK_MS_MAX}', true)`,
  parameters: [],
}

/** A unit by itself: behind those before it, and behind the others, too, if it has to wait for somebody else. */
function apart(group: readonly Entry[], unit: number, isLast: boolean): readonly (readonly Entry[])[] {
  const [before, own, behind] = [group.slice(0, unit), group.slice(unit, unit + 1), group.slice(unit + 1)]
  return isLast ? [[...before, ...behind], own] : [before, own, behind]
}

function whoFailed(
  statements: readonly (readonly UnitStatement[])[],
  index: number,
): { readonly unit: number | undefined; readonly statement: UnitStatement | undefined } {
  let before = 0
  for (const [unit, own] of statements.entries()) {
    if (index < before + own.length) return { unit, statement: own[index - before] }
    before += own.length
  }
  return { unit: undefined, statement: undefined }
}

function answer(
  group: readonly Entry[],
  statements: readonly (readonly UnitStatement[])[],
  results: readonly StatementResult[],
): void {
  let at = 0
  for (const [index, { unit, resolve }] of group.entries()) {
    const answers: OperationResult[] = new Array(unit.operations)
    for (const statement of statements[index] ?? []) {
      const result = results[at++]
      assert(result !== undefined, 'every statement has a result')
      statement.answer(result, answers)
    }
    resolve({ results: answers })
  }
}
