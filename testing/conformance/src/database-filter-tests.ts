import { type Filter, type FilterValue, matches } from '@millrace/documents'
import { describe, expect, test } from 'vitest'
import {
  compare,
  exists,
  type FilterCase,
  HOSTILE_NAMES,
  HOSTILE_TEXTS,
  LIST_CASES,
  LISTS,
  not,
  VALUE_CASES,
  VALUES,
} from './database-filter-cases.ts'
import { type DatabaseFactory, useDocuments, useOwnTenant, useTenant } from './database-harness.ts'
import type { Body } from './database-operations.ts'
import type { Tenant } from './database-tenant.ts'

const SCHEMA = { collections: [{ name: 'benches' }] }

/** What filters find. */
export function databaseFilterTests(open: DatabaseFactory): void {
  describe('over values of every type', () => caseTests(open, VALUES, VALUE_CASES))
  describe('over lists', () => caseTests(open, LISTS, LIST_CASES))
  describe('every operator and value', () => crossTests(open))
  describe('texts and names', () => hostileTests(open))
}

function caseTests(
  open: DatabaseFactory,
  documents: Readonly<Record<string, Body>>,
  cases: readonly FilterCase[],
): void {
  const tenant = useDocuments(open, SCHEMA, documents)
  const definition = (where: Filter) =>
    Object.keys(documents).filter((id) => matches(where, { id, body: documents[id]! }))

  test.each(cases)('%s', async (_, where, expected) => {
    expect(await tenant().ids({ where })).toEqual([...expected].sort())
    expect(await tenant().count({ where })).toBe(expected.length)
    const others = Object.keys(documents).filter((id) => !expected.includes(id))
    expect(await tenant().ids({ where: not(where) }), 'negated').toEqual(others.sort())
    expect(definition(where).sort(), 'by definition').toEqual([...expected].sort())
  })
}

/** The singles among {@link VALUES}, and some more. */
const SINGLES: readonly FilterValue[] = [
  ...Object.values(VALUES).flatMap(({ v }) =>
    typeof v === 'object' || v === undefined ? [] : [v as FilterValue],
  ),
  ...[null, -0.0, 1, 1e-300, Number.MAX_VALUE, 'b', 'TRUE', '\u{10ffff}', '\ud7ff'],
]

function crossTests(open: DatabaseFactory): void {
  const tenant = useDocuments(open, SCHEMA, VALUES)
  const own = useOwnTenant(() => tenant().under)

  test.each(['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const)(
    '%s with a value of each type finds what the definition says',
    async (operator) => {
      const filters = SINGLES.map((value) => compare(operator, value))
      await expectDefinition(tenant(), filters)
      await expectDefinition(tenant(), filters.map(not))
      await expectDefinition(
        tenant(),
        SINGLES.map((value) => compare(operator, value, ['in', 'v'])),
      )
    },
  )

  test.each(['starts-with', 'contains'] as const)(
    '%s with a text finds what the definition says',
    async (kind) => {
      const texts = SINGLES.filter((value) => typeof value === 'string')
      await expectDefinition(
        tenant(),
        texts.map((value) => ({ kind, path: ['v'], value })),
      )
    },
  )

  test('numbers compare as 64-bit floating point, to the last digit', async () => {
    const numbers = [
      0.1 + 0.2,
      0.3,
      2 ** 53,
      2 ** 53 + 2,
      2 ** 60 + 256,
      2 ** 63,
      1e21,
      5e-324,
      123456789012345680,
    ]
    const both = numbers.flatMap((number) => [number, -number])
    await own().put(Object.fromEntries(both.map((v) => [`v${v}`, { v }])))
    for (const number of both) {
      expect(await own().ids({ where: compare('eq', number) })).toEqual([`v${number}`])
      const below = both.filter((each) => each < number)
      expect(await own().count({ where: compare('lt', number) })).toBe(below.length)
    }
  })
}

async function expectDefinition(tenant: Tenant, filters: readonly Filter[]): Promise<void> {
  const documents = Object.entries(VALUES)
  const answers = await tenant.database.read(
    filters.map((where) => ({ kind: 'query', collection: 'benches', where }) as const),
  )
  for (const [index, where] of filters.entries()) {
    const expected = documents.filter(([id, body]) => matches(where, { id, body })).map(([id]) => id)
    const found = answers[index]!.documents.map(({ id }) => id)
    expect(found, JSON.stringify(where)).toEqual(expected.sort())
  }
}

function hostileTests(open: DatabaseFactory): void {
  const tenant = useTenant(open, SCHEMA)

  test('a text in a filter is a text and nothing else, whatever it contains', async () => {
    await tenant().put(
      Object.fromEntries(HOSTILE_TEXTS.map((v, index) => [`d${index}`, { v: `<${v}>`, w: v }])),
    )
    for (const [index, text] of HOSTILE_TEXTS.entries()) {
      const find = async (where: Filter) => (await tenant().ids({ where })).includes(`d${index}`)
      expect(await tenant().ids({ where: compare('eq', text, ['w']) }), text).toEqual([`d${index}`])
      expect(await find({ kind: 'starts-with', path: ['v'], value: `<${text}` }), text).toBe(true)
      expect(await find({ kind: 'contains', path: ['v'], value: `${text}>` }), text).toBe(true)
      expect(await tenant().ids({ where: { kind: 'in', path: ['w'], values: [text] } })).toEqual([
        `d${index}`,
      ])
      const containing = HOSTILE_TEXTS.filter((each) => each.includes(text)).length
      expect(await tenant().count({ where: { kind: 'contains', path: ['w'], value: text } }), text).toBe(
        containing,
      )
    }
  })

  test('a name in a path is a name and nothing else, whatever it contains', async () => {
    const bodies = HOSTILE_NAMES.map((name, index): [string, Body] => {
      const inner = JSON.stringify({ v: index, list: [index] })
      const quoted = JSON.stringify(name)
      // Written as text, since a literal takes "__proto__" for something else.
      return [`d${index}`, JSON.parse(`{${quoted}: {${quoted}: ${inner}}}`)]
    })
    await tenant().commit(
      bodies.map(([id, body]) => ({ kind: 'store', collection: 'benches', id, text: JSON.stringify(body) })),
    )
    for (const [index, name] of HOSTILE_NAMES.entries()) {
      const path = [name, name]
      const filters: Filter[] = [
        compare('eq', index, [...path, 'v']),
        compare('ne', null, [...path, 'v']),
        exists(...path),
        { kind: 'any', path: [...path, 'list'], filter: compare('eq', index, []) },
        { kind: 'in', path: [...path, 'v'], values: [index] },
      ]
      for (const where of filters) expect(await tenant().ids({ where }), name).toEqual([`d${index}`])
    }
  })
}
