import type { CommitResult, Database, WriteOperation } from '@millrace/documents'
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
  const apply = async (operations: readonly WriteOperation[]) => {
    const result = await store.commit(operations)
    noteCommit(oracle, operations)
    return result
  }
  const commitOnce = async (operations: readonly WriteOperation[]): Promise<CommitResult> => {
    await pause()
    failNow()
    if (life.isOver) return { revisions: [] }
    if (temper.isTorn) await apply(operations.filter(({ kind }) => kind === 'position'))
    if (temper.isTorn) await pause()
    const result = await apply(
      temper.isTorn ? operations.filter(({ kind }) => kind !== 'position') : operations,
    )
    await pause()
    if (chance(random, failureShare() / 2)) {
      throw millraceError('DATABASE_FAILED', { reason: 'a failure on purpose, after the commit' })
    }
    return result
  }
  return {
    supports: store.supports,
    prepare: (collections) => slowly(() => store.prepare(collections)),
    commit: (operations) => {
      const copy = structuredClone(operations)
      const result = turn.then(() => commitOnce(copy))
      turn = result.catch(() => undefined)
      return life.bind(() => result)
    },
    load: (collection, ids) => slowly(() => store.load(collection, ids)),
    query: (query) => slowly(() => store.query(query)),
    count: (query) => slowly(() => store.count(query)),
    positions: (processor) => slowly(() => store.positions(processor)),
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
}

function noteCommit(oracle: Oracle, operations: readonly WriteOperation[]): void {
  const documents = new Map<string, unknown>()
  const positions: TotalsCommit['positions'][number][] = []
  for (const operation of operations) {
    if (operation.kind === 'store') documents.set(operation.id, operation.body)
    else if (operation.kind === 'delete') documents.set(operation.id, undefined)
    else if (operation.processor === PROJECTION_NAME) positions.push(operation.position)
  }
  oracle.commits.push({ positions, documents })
}
