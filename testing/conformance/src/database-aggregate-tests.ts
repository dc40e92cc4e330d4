import { type AggregateRead, type FilterValue, figureOf } from '@millrace/documents'
import { expect, test } from 'vitest'
import { and, compare, HOSTILE_NAMES, VALUES } from './database-filter-cases.ts'
import { type DatabaseFactory, useDocuments, useOwnTenant } from './database-harness.ts'
import { BENCHES, type Body, remove } from './database-operations.ts'
import type { Tenant } from './database-tenant.ts'

const SCHEMA = { collections: [{ name: 'benches', softDelete: true }] }

type Figure = AggregateRead['figures'][number]

const figure = (kind: Figure['kind'], ...path: string[]): Figure => ({ kind, path })

async function figures(
  tenant: Tenant,
  asked: readonly Figure[],
  rest: Partial<AggregateRead> = {},
): Promise<readonly FilterValue[]> {
  const read = {
    kind: 'aggregate',
    collection: BENCHES,
    tenant: tenant.name,
    figures: asked,
    ...rest,
  } as const
  const [answer] = await tenant.database.read([read])
  return answer
}

/** Figures over the documents that match. */
export function databaseAggregateTests(open: DatabaseFactory): void {
  const values = useDocuments(open, SCHEMA, VALUES)
  const tenant = useOwnTenant(() => values().under)

  test.each([
    ['sum of numbers', figure('sum', 'v'), 15 - 1.5, compare('lt', 1e6)],
    ['sum of a huge number', figure('sum', 'v'), 1.5e300, compare('gt', 1e6)],
    ['sum of texts that look like numbers', figure('sum', 'v'), 0, compare('ge', '')],
    ['sum of nothing', figure('sum', 'v'), 0, compare('eq', 'none')],
    ['sum of what is missing', figure('sum', 'none'), 0, and()],
    ['sum on a nested path', figure('sum', 'in', 'v'), 15, { kind: 'in', path: ['v'], values: [5, 10, '1'] }],
    ['sum below a value', figure('sum', 'v', 'v'), 5, and()],
    ['min across types', figure('min', 'v'), false, and()],
    ['max across types', figure('max', 'v'), '😀', and()],
    ['min of numbers', figure('min', 'v'), -1.5, compare('le', 1e300)],
    ['max of numbers', figure('max', 'v'), 10, compare('lt', 1e6)],
    ['min of texts', figure('min', 'in', 'v'), '', compare('ge', '')],
    ['max of truths', figure('max', 'v'), true, compare('le', true)],
    ['min of truths', figure('min', 'v'), true, compare('eq', true)],
    ['min of null', figure('min', 'v'), null, compare('eq', null)],
    ['max of null', figure('max', 'v'), null, compare('eq', null)],
    ['min of nothing', figure('min', 'v'), null, compare('eq', 'none')],
    [
      'max of lists and objects',
      figure('max', 'v'),
      null,
      { kind: 'in', path: ['id'], values: ['list', 'object'] },
    ],
    ['min below a value', figure('min', 'v', 'v'), 5, and()],
  ] satisfies [string, Figure, FilterValue, AggregateRead['where']][])(
    '%s',
    async (_, asked, expected, where) => {
      expect(await figures(values(), [asked], { where })).toEqual([expected])
    },
  )

  test('several figures are answered at once, in the order of the questions', async () => {
    const asked = [figure('max', 'v'), figure('sum', 'v'), figure('min', 'v'), figure('sum', 'none')]
    expect(await figures(values(), asked, { where: compare('lt', 1e6) })).toEqual([10, 13.5, -1.5, 0])
    expect(await figures(values(), Array(20).fill(figure('min', 'v')))).toEqual(Array(20).fill(false))
  })

  test('figures over everything are those of the definition', async () => {
    const documents = Object.entries(VALUES).map(([id, body]) => ({ id, body }))
    for (const path of [['v'], ['in', 'v'], ['v', 'v'], ['id'], ['in']]) {
      const asked = (['sum', 'min', 'max'] as const).map((kind) => ({ kind, path }))
      expect(await figures(values(), asked)).toEqual(asked.map((each) => figureOf(each, documents)))
    }
  })

  test('a sum is one of 64-bit floating point', async () => {
    await tenant().put({ a: { n: 2 ** 53 }, b: { n: 1 }, c: { n: 0.5 } })
    const [sum] = await figures(tenant(), [figure('sum', 'n')])
    expect([2 ** 53, 2 ** 53 + 2]).toContain(sum)
  })

  test('documents that are marked as deleted are left out, unless they are asked for', async () => {
    await tenant().put({ a: { n: 1 }, b: { n: 2 } })
    await tenant().commit([remove('b')])
    const asked = [figure('sum', 'n'), figure('max', 'n')]
    expect(await figures(tenant(), asked)).toEqual([1, 1])
    expect(await figures(tenant(), asked, { deleted: 'include' })).toEqual([3, 2])
    expect(await figures(tenant(), asked, { deleted: { kind: 'only' } })).toEqual([2, 2])
  })

  test('a name in the path of a figure is a name and nothing else, whatever it contains', async () => {
    for (const [index, name] of HOSTILE_NAMES.entries()) {
      const body: Body = JSON.parse(`{${JSON.stringify(name)}: ${index}}`)
      await tenant().put({ d: body })
      expect(await figures(tenant(), [figure('sum', name), figure('max', name)]), name).toEqual([
        index,
        index,
      ])
    }
  })
}
