import { type Filter, matches } from '@millrace/documents'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { and, compare, not, or } from './database-filter-cases.ts'
import {
  codeOf,
  type DatabaseFactory,
  opened,
  useDocuments,
  useOwnTenant,
  useTenant,
} from './database-harness.ts'
import { BENCHES, type Body, idIs, patch, remove, store } from './database-operations.ts'
import { erase, set } from './database-patch-cases.ts'
import { Tenant } from './database-tenant.ts'

const FULL_TEXT = [['title'], ['tags'], ['in', 'note']]
const SCHEMA = { collections: [{ name: BENCHES, softDelete: true, fullText: FULL_TEXT }, { name: 'plain' }] }

const search = (text: string, prefix?: boolean): Filter =>
  prefix === undefined ? { kind: 'search', text } : { kind: 'search', text, prefix }

const TEXTS: Readonly<Record<string, Body>> = {
  fox: { title: 'The Quick brown fox' },
  bread: { title: 'quick', tags: ['Brown bread', 'x-ray', 7, null, ['nested'], { a: 'inside' }] },
  world: { in: { note: 'Käse & Brötchen, ГРУША 東京 3.14 v2.0 हिन्दी' } },
  mail: { title: "don't stop_believing e-mail@example.org" },
  odd: { title: 5, tags: 'single text', other: 'quick', in: 'outside' },
  french: { title: 'naïve café 100% (50 €)', in: { note: '' } },
  cases: { title: 'İstanbul ΟΔΟΣ Straße ǅ' },
  long: { title: `${'x'.repeat(1_000)} end` },
  nothing: {},
}

/** What is looked for, whether the last word may be the beginning of one, and what is found. */
const CASES: readonly (readonly [string, boolean, readonly string[]])[] = [
  ['quick', false, ['bread', 'fox']],
  ['QUICK', false, ['bread', 'fox']],
  ['the', false, ['fox']],
  ['quick brown', false, ['bread', 'fox']],
  ['brown, quick!', false, ['bread', 'fox']],
  ['quick fox', false, ['fox']],
  ['quick quick quick', false, ['bread', 'fox']],
  ['quick cat', false, []],
  ['qui', false, []],
  ['qui', true, ['bread', 'fox']],
  ['quick', true, ['bread', 'fox']],
  ['brown qui', true, ['bread', 'fox']],
  ['qui brown', true, []],
  ['b', true, ['bread', 'fox', 'mail', 'world']],
  ['quicker', true, []],
  ['foxes', false, []],
  ['', false, []],
  ['', true, []],
  ['!? -- * " () %', false, []],
  ['*', true, []],
  ['nested', false, []],
  ['inside', false, []],
  ['outside', false, []],
  ['7', false, []],
  ['5', false, []],
  ['single', false, ['odd']],
  ['x ray', false, ['bread']],
  ['x-ray', false, ['bread']],
  ['xray', false, []],
  ['käse', false, ['world']],
  ['KÄSE BRÖT', true, ['world']],
  ['kase', false, []],
  ['ka\u0308se', false, []],
  ['груша', false, ['world']],
  ['Гру', true, ['world']],
  ['東京', false, ['world']],
  ['東', false, []],
  ['東', true, ['world']],
  ['हिन्दी', false, ['world']],
  ['3.14', false, ['world']],
  ['14', false, ['world']],
  ['v2', false, ['world']],
  ["don't", false, ['mail']],
  ['don', false, ['mail']],
  ['stop', false, ['mail']],
  ['e-mail@example.org', false, ['mail']],
  ['email', false, []],
  ['café', false, ['french']],
  ['cafe', false, []],
  ['50 100', false, ['french']],
  ['İSTANBUL', false, ['cases']],
  ['istanbul', false, []],
  ['οδοσ', false, ['cases']],
  ['ΟΔ', true, ['cases']],
  ['straße', false, ['cases']],
  ['strasse', false, []],
  ['ǆ', false, ['cases']],
  ['x'.repeat(1_000), false, ['long']],
  ['x'.repeat(999), false, []],
  ['x'.repeat(999), true, ['long']],
  // What engines have a meaning of their own for.
  ['quick OR cat', false, []],
  ['quick AND fox', false, []],
  ['NOT cat', false, []],
  ['-quick fox', false, ['fox']],
  ['"quick fox"', false, ['fox']],
  ['qui*', false, []],
  ['title:quick', false, []],
  ['NEAR(quick fox)', false, []],
  ['(quick', false, ['bread', 'fox']],
  ['quick & fox', false, ['fox']],
  ['quick | cat', false, []],
  ['!cat fox', false, []],
  ['fox:*', false, ['fox']],
  ['fox <-> quick', false, ['fox']],
  ["quick'; --", false, ['bread', 'fox']],
  ['{quick}', false, ['bread', 'fox']],
]

/** Words in documents. */
export function databaseSearchTests(open: DatabaseFactory): void {
  describe('finding', () => findTests(open))
  describe('what has changed', () => changeTests(open))
}

function findTests(open: DatabaseFactory): void {
  const tenant = useDocuments(open, SCHEMA, TEXTS)
  const own = useOwnTenant(() => tenant().under)
  const definition = (where: Filter) =>
    Object.entries(TEXTS).flatMap(([id, body]) => (matches(where, { id, body }, FULL_TEXT) ? [id] : []))

  test.each(CASES)('%j (prefix %j) finds %j', async (text, prefix, expected) => {
    const where = search(text, prefix)
    expect(await tenant().ids({ where })).toEqual(expected)
    expect(await tenant().count({ where })).toBe(expected.length)
    expect(await tenant().count({ where: not(where) })).toBe(Object.keys(TEXTS).length - expected.length)
    expect(definition(where).sort(), 'by definition').toEqual(expected)
    if (!prefix) expect(await tenant().ids({ where: search(text) }), 'by default').toEqual(expected)
  })

  test('a search goes with other filters, orders and pages', async () => {
    const quick = search('quick')
    const found = (where: Filter) => tenant().ids({ where })
    expect(await found(and(quick, compare('eq', 'quick', ['title'])))).toEqual(['bread'])
    expect(await found(and(quick, search('fox')))).toEqual(['fox'])
    expect(await found(or(search('fox'), search('single'), idIs('nothing')))).toEqual([
      'fox',
      'nothing',
      'odd',
    ])
    expect(await found(and(quick, not(search('fox'))))).toEqual(['bread'])
    const orderBy = [{ path: ['title'], direction: 'descending' }] as const
    expect(await tenant().ids({ where: quick, orderBy })).toEqual(['bread', 'fox'])
    expect(await tenant().ids({ where: quick, orderBy, limit: 1, offset: 1 })).toEqual(['fox'])
  })

  test('fifty words can be looked for', async () => {
    const words = Array.from({ length: 50 }, (_, index) => `w${index}`)
    await own().put({ all: { tags: words }, most: { tags: words.slice(1) } })
    expect(await own().ids({ where: search(words.join(' ')) })).toEqual(['all'])
  })

  test('whatever the texts, a search finds what the definition says', async () => {
    const pieces = [
      'a',
      'A',
      'ab',
      'é',
      'E\u0301',
      'ß',
      'Σ',
      'ς',
      'σ',
      'İ',
      'i',
      '1',
      '²',
      '京',
      'Ж',
      'ж',
      'ا',
      'अ',
    ]
    const cuts = [
      '😀',
      ' ',
      '-',
      '_',
      "'",
      '"',
      '*',
      ':',
      '(',
      '&',
      '|',
      '!',
      '\n',
      '\\',
      '%',
      '\u00a0',
      '\u2028',
    ]
    const piece = fc.constantFrom(...pieces, ...cuts)
    const text = fc.array(piece, { maxLength: 6 }).map((some) => some.join(''))
    const searches = fc.array(fc.tuple(text, fc.boolean()), { minLength: 20, maxLength: 20 })
    const texts = fc.array(text, { minLength: 10, maxLength: 10 })
    const property = fc.asyncProperty(texts, searches, async (titles, asked) => {
      const documents = titles.map((title, index) => ({ id: `t${index}`, body: { title } }))
      await own().put(Object.fromEntries(documents.map(({ id, body }) => [id, body])))
      for (const [one, prefix] of asked) {
        const where = search(one, prefix)
        const expected = documents.filter((each) => matches(where, each, FULL_TEXT)).map(({ id }) => id)
        expect(await own().ids({ where }), JSON.stringify([titles, one, prefix])).toEqual(expected.sort())
      }
    })
    await fc.assert(property, { numRuns: 15 })
  })
}

function changeTests(open: DatabaseFactory): void {
  const tenant = useTenant(open, SCHEMA)
  const found = (text: string, rest: Parameters<Tenant['ids']>[0] = {}) =>
    tenant().ids({ where: search(text), ...rest })

  test('a document is found by what it says now', async () => {
    await tenant().put({ b1: { title: 'old word' } })
    await tenant().put({ b1: { title: 'new word' } })
    expect([await found('old'), await found('new'), await found('word')]).toEqual([[], ['b1'], ['b1']])
    await tenant().commit([patch('b1', [set('title', 'newest'), set('in.note', 'added')])])
    expect([await found('new'), await found('newest added')]).toEqual([[], ['b1']])
    await tenant().commit([patch('b1', [erase('title')])])
    expect([await found('newest'), await found('added')]).toEqual([[], ['b1']])
  })

  test('a document that is deleted is not found, and one that is restored is found again', async () => {
    await tenant().put({ b1: { title: 'word' }, b2: { title: 'word' } })
    await tenant().commit([remove('b1'), remove('b2', { hard: true })])
    expect(await found('word')).toEqual([])
    expect(await found('word', { deleted: 'include' })).toEqual(['b1'])
    expect(await found('word', { deleted: { kind: 'only' } })).toEqual(['b1'])
    await tenant().commit([{ kind: 'restore-where', collection: BENCHES, where: search('word') }])
    expect(await found('word')).toEqual(['b1'])
    await tenant().commit([store('b2', { title: 'other' })])
    expect(await found('word')).toEqual(['b1'])
  })

  test('patches and deletes can go by a search', async () => {
    await tenant().put({ b1: { title: 'one' }, b2: { title: 'one two' }, b3: { title: 'two' } })
    const where = search('one')
    const results = await tenant().commit([
      { kind: 'patch-where', collection: BENCHES, where, patches: [set('title', 'two three')] },
      { kind: 'delete-where', collection: BENCHES, where: search('three') },
      { kind: 'delete-where', collection: BENCHES, where },
    ])
    expect(results).toEqual([{ count: 2 }, { count: 2 }, { count: 0 }])
    expect(await tenant().ids()).toEqual(['b3'])
  })

  test('a unit that is refused changes nothing of what is found', async () => {
    await tenant().put({ b1: { title: 'before' } })
    const unit = [
      store('b1', { title: 'after' }),
      store('b2', { title: 'before' }),
      store('b1', {}, { expectedRevision: 9 }),
    ]
    expect(await codeOf(tenant().commit(unit))).toBe('DOCUMENT_CONFLICT')
    expect([await found('before'), await found('after')]).toEqual([['b1'], []])
  })

  test('a collection without full text cannot be searched, and no search stands inside any and all', async () => {
    const plain = { collection: 'plain', where: search('x') }
    expect(await codeOf(tenant().ids(plain))).toBe('QUERY_INVALID')
    const inside = { kind: 'any', path: ['tags'], filter: search('x') } as const
    expect(await codeOf(tenant().ids({ where: inside }))).toBe('QUERY_INVALID')
    const many = Array.from({ length: 51 }, (_, index) => `w${index}`).join(' ')
    expect(await codeOf(found(many))).toBe('QUERY_INVALID')
  })

  test('documents that were there before are found when full text is declared, and by the paths declared last', async () => {
    await using under = await opened(open, { collections: [{ name: BENCHES }] })
    const own = new Tenant(under, '')
    await own.put({ b1: { title: 'first', other: 'second' }, b2: { other: 'second' } })
    await under.database.prepare({ collections: [{ name: BENCHES, fullText: [['title']] }] })
    const ids = (text: string) => own.ids({ where: search(text) })
    expect([await ids('first'), await ids('second')]).toEqual([['b1'], []])
    await under.database.prepare({ collections: [{ name: BENCHES, fullText: [['other']] }] })
    expect([await ids('first'), await ids('second')]).toEqual([[], ['b1', 'b2']])
    await under.database.prepare({ collections: [{ name: BENCHES }] })
    await own.put({ b3: { other: 'second' } })
    await under.database.prepare({ collections: [{ name: BENCHES, fullText: [['other']] }] })
    expect(await ids('second')).toEqual(['b1', 'b2', 'b3'])
  })
}
