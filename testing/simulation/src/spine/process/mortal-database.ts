import {
  bodyOf,
  type CommitOptions,
  type CommitResult,
  type Database,
  type WriteOperation,
} from '@millrace/documents'
import { millraceError, type Random, type Runtime, sleep } from '@millrace/kernel'
import { chance } from '../../seed-streams.ts'
import { PROJECTION_NAME } from '../application.ts'
import type { Oracle, TotalsCommit } from '../oracle/oracle.ts'
import type { Life } from './life.ts'

/** How a simulated database behaves. */
export interface DatabaseTemper {
  readonly runtime: Runtime
  readonly random: Random
  readonly latencyMsMax: number
  /** Share of calls that fail; looked at for each call. */
  readonly failureShare: () => number
  /** A defect on purpose: documents and positions are committed apart. */
  readonly isTorn: boolean
}

/**
 * A database as one process sees it: slow, now and then failing before or after a commit took effect, and silent when
 * the process is dead. What has been committed stays, as with `synchronous=FULL`.
 */
export function mortalDatabase(
  store: Database,
  life: Life,
  oracle: Oracle,
  temper: DatabaseTemper,
): Database {
  const { runtime, random, latencyMsMax, failureShare } = temper
  let turn: Promise<unknown> = Promise.resolve()
  const pause = () => sleep(runtime.scheduler, random.next() * latencyMsMax)
  const failNow = () => {
    if (!chance(random, failureShare())) return
    const code = chance(random, 0.5) ? 'DATABASE_FAILED' : 'DISK_FULL'
    throw code === 'DISK_FULL'
      ? millraceError(code, { path: 'simulated.db' })
      : millraceError(code, { reason: 'a failure on purpose' })
  }
  const slowly = <Result>(call: () => Promise<Result>) =>
    life.bind(async () => {
      await pause()
      failNow()
      return call()
    })
  const apply = async (operations: readonly WriteOperation[], options?: CommitOptions) => {
    const result = await store.commit(operations, options)
    noteCommit(oracle, operations)
    return result
  }
  const commitOnce = async (
    operations: readonly WriteOperation[],
    options?: CommitOptions,
  ): Promise<CommitResult> => {
    await pause()
    failNow()
    if (life.isOver) return { results: [] }
    if (temper.isTorn)
      await apply(
        operations.filter(({ kind }) => kind === 'position'),
        options,
      )
    if (temper.isTorn) await pause()
    const result = await apply(
      temper.isTorn ? operations.filter(({ kind }) => kind !== 'position') : operations,
      options,
    )
    await pause()
    if (chance(random, failureShare() / 2)) {
      throw millraceError('DATABASE_FAILED', { reason: 'a failure on purpose, after the commit' })
    }
    return result
  }
  return {
    supports: store.supports,
    prepare: (schema, options) => slowly(() => store.prepare(schema, options)),
    plan: (schema) => slowly(() => store.plan(schema)),
    commit: (operations, options) => {
      const copy = structuredClone(operations)
      const result = turn.then(() => commitOnce(copy, options))
      turn = result.catch(() => undefined)
      return life.bind(() => result)
    },
    read: (reads) => slowly(() => store.read(reads)),
    explain: (read) => slowly(() => store.explain(read)),
    raw: (sql, parameters) => slowly(() => store.raw(sql, parameters)),
    transform: (step) => slowly(() => store.transform(step)),
    eventsBeyond: (position, options) => life.bind(() => store.eventsBeyond(position, options)),
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
}

function noteCommit(oracle: Oracle, operations: readonly WriteOperation[]): void {
  const documents = new Map<string, unknown>()
  const positions: TotalsCommit['positions'][number][] = []
  for (const operation of operations) {
    if (operation.kind === 'store') documents.set(operation.id, bodyOf(operation))
    else if (operation.kind === 'delete') documents.set(operation.id, undefined)
    else if (operation.kind === 'position' && operation.processor === PROJECTION_NAME) {
      positions.push(operation.position)
    }
  }
  oracle.commits.push({ positions, documents })
}
