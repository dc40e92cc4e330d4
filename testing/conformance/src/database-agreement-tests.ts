import type { Read } from '@millrace/documents'
import { isMillraceError } from '@millrace/kernel'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { anyQuery, anyUnits } from './database-arbitraries.ts'
import { type DatabaseFactory, opened } from './database-harness.ts'
import {
  DatabaseModel,
  MODEL_FIGURES,
  MODEL_SUM,
  type ModelOperation,
  type ModelQuery,
} from './database-model.ts'
import { BENCHES } from './database-operations.ts'
import { loaded, Tenant } from './database-tenant.ts'

const FULL_TEXT = [['a'], ['b', 'a']]
/** With indexes, which must change nothing. */
const SCHEMA = {
  collections: [
    {
      name: BENCHES,
      softDelete: true,
      fullText: FULL_TEXT,
      indexes: [
        { kind: 'property', name: 'by-a', paths: [['a'], ['b']] },
        { kind: 'column', name: 'b-number', path: ['b'], type: 'number' },
        { kind: 'column', name: 'a-text', path: ['a'], type: 'text' },
        { kind: 'containment', name: 'all' },
      ],
    },
  ],
} as const

/**
 * More runs, by the environment variable MILLRACE_RUNS; a failure again, by MILLRACE_SEED and MILLRACE_PATH with the seed
 * and the path that it has named.
 */
const { MILLRACE_RUNS, MILLRACE_SEED, MILLRACE_PATH } = process.env
const PARAMETERS = {
  numRuns: Number(MILLRACE_RUNS ?? 60),
  ...(MILLRACE_SEED === undefined ? {} : { seed: Number(MILLRACE_SEED) }),
  ...(MILLRACE_PATH === undefined ? {} : { path: MILLRACE_PATH }),
}

/** That an engine does what plain JavaScript over arrays does, whatever it is asked. */
export function databaseAgreementTests(open: DatabaseFactory): void {
  test('any units and any queries have the same outcome as in plain code', async () => {
    await using under = await opened(open, SCHEMA)
    let runs = 0
    const queries = fc.array(anyQuery, { minLength: 8, maxLength: 12 })
    const property = fc.asyncProperty(anyUnits, queries, async (units, asked) => {
      runs += 1
      const tenant = new Tenant(under, `run ${runs}`)
      const model = new DatabaseModel(FULL_TEXT)
      for (const unit of units) expect(await committed(tenant, unit)).toEqual(normal(model.commit(unit)))
      const whole: ModelQuery = { where: { kind: 'and', filters: [] }, orderBy: [], deleted: 'include' }
      for (const query of [whole, ...asked]) {
        const { sum, ...answer } = await answered(tenant, query)
        const { sum: expected, sumOfSizes, ...rest } = model.query(query)
        expect(answer, JSON.stringify(query)).toEqual(rest)
        if (!Number.isFinite(sumOfSizes)) continue
        expect(Math.abs(sum - expected)).toBeLessThanOrEqual(sumOfSizes * 1e-12)
      }
    })
    await fc.assert(property, PARAMETERS)
  }, 600_000)
}

async function committed(tenant: Tenant, unit: readonly ModelOperation[]): Promise<unknown> {
  try {
    return normal(await tenant.commit(unit))
  } catch (error) {
    if (isMillraceError(error)) return error.code
    throw error
  }
}

/** Changes come in any order, and what has no meaning for a kind of operation may be there or not. */
function normal(results: Awaited<ReturnType<Tenant['commit']>> | string): unknown {
  if (typeof results === 'string') return results
  return results.map(({ revision, count, changes }) => ({
    revision,
    count,
    changes: changes && [...changes].sort((left, right) => (left.id < right.id ? -1 : 1)),
  }))
}

async function answered({ database, name: tenant }: Tenant, query: ModelQuery) {
  const { where, deleted } = query
  const selection = { collection: BENCHES, tenant, deleted, ...(where === undefined ? {} : { where }) }
  const reads = [
    { kind: 'query', ...query, ...selection, withTotal: true },
    { kind: 'count', ...selection },
    { kind: 'aggregate', ...selection, figures: [MODEL_SUM, ...MODEL_FIGURES] },
  ] as const satisfies readonly Read[]
  const [{ documents, total }, count, [sum, ...figures]] = await database.read(reads)
  expect(count).toBe(total)
  return {
    documents: documents.map(loaded).map(({ id, revision, body }) => [id, revision, body]),
    total,
    sum: Number(sum),
    figures,
  }
}
