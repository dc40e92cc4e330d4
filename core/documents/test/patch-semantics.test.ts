import { applyPatches, type JsonValue, type Patch, parseKeepingNumbers } from '@millrace/documents'
import { isMillraceError } from '@millrace/kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codeOf } from './code-of.ts'

type Body = Readonly<Record<string, JsonValue>>

const patched = (body: Body, ...patches: Patch[]) =>
  applyPatches({ collection: 'benches', id: 'b1', body }, patches)

/** An object in an object, and so on, so many times. */
const nested = (levels: number): JsonValue => (levels === 1 ? {} : { a: nested(levels - 1) })

describe('a patch', () => {
  const cases: readonly (readonly [string, Body, Patch, Body])[] = [
    ['sets a value', { a: 1 }, { kind: 'set', path: ['a'], value: [2] }, { a: [2] }],
    [
      'makes objects to set into',
      { a: null },
      { kind: 'set', path: ['a', 'b', 'c'], value: 1 },
      { a: { b: { c: 1 } } },
    ],
    ['sets whatever was there', { a: { b: 1 } }, { kind: 'set', path: ['a'], value: null }, { a: null }],
    ['increments', { a: 1.5 }, { kind: 'increment', path: ['a'], by: -2 }, { a: -0.5 }],
    [
      'counts null and nothing as 0',
      { a: null },
      { kind: 'increment', path: ['b', 'c'], by: 3 },
      { a: null, b: { c: 3 } },
    ],
    ['appends', { a: [1] }, { kind: 'append', path: ['a'], value: [2] }, { a: [1, [2]] }],
    ['appends to nothing', {}, { kind: 'append', path: ['a', 'b'], value: 1 }, { a: { b: [1] } }],
    [
      'appends what is missing',
      { a: [1] },
      { kind: 'append-if-missing', path: ['a'], value: '1' },
      { a: [1, '1'] },
    ],
    [
      'appends nothing that is there, in whatever order',
      { a: [{ x: 1, y: 2 }] },
      { kind: 'append-if-missing', path: ['a'], value: { y: 2, x: 1 } },
      { a: [{ x: 1, y: 2 }] },
    ],
    ['inserts', { a: [1, 3] }, { kind: 'insert-at', path: ['a'], index: 1, value: 2 }, { a: [1, 2, 3] }],
    [
      'inserts behind the end',
      { a: [1] },
      { kind: 'insert-at', path: ['a'], index: 9, value: 2 },
      { a: [1, 2] },
    ],
    [
      'removes the first',
      { a: [1, 2, 1] },
      { kind: 'remove', path: ['a'], value: 1, which: 'first' },
      { a: [2, 1] },
    ],
    ['removes all', { a: [1, 2, 1] }, { kind: 'remove', path: ['a'], value: 1, which: 'all' }, { a: [2] }],
    ['removes nothing from nothing', {}, { kind: 'remove', path: ['a', 'b'], value: 1, which: 'all' }, {}],
    ['renames', { a: { b: 1 } }, { kind: 'rename', path: ['a', 'b'], to: 'c' }, { a: { c: 1 } }],
    ['renames over another', { a: 1, b: 2 }, { kind: 'rename', path: ['a'], to: 'b' }, { b: 1 }],
    ['renames to the same', { a: 1 }, { kind: 'rename', path: ['a'], to: 'a' }, { a: 1 }],
    ['renames null', { a: null }, { kind: 'rename', path: ['a'], to: 'b' }, { b: null }],
    ['renames nothing', { b: 2 }, { kind: 'rename', path: ['a'], to: 'b' }, { b: 2 }],
    [
      'duplicates, each copy its own',
      { a: [1] },
      { kind: 'duplicate', path: ['a'], to: [['b'], ['c', 'd']] },
      { a: [1], b: [1], c: { d: [1] } },
    ],
    ['duplicates nothing as null', {}, { kind: 'duplicate', path: ['a', 'b'], to: [['c']] }, { c: null }],
    [
      'duplicates an object into itself',
      { a: { x: 1 } },
      { kind: 'duplicate', path: ['a'], to: [['a', 'y']] },
      { a: { x: 1, y: { x: 1 } } },
    ],
    ['deletes', { a: { b: 1, c: 2 } }, { kind: 'delete', path: ['a', 'b'] }, { a: { c: 2 } }],
    ['deletes nothing', { a: null }, { kind: 'delete', path: ['a', 'b'] }, { a: null }],
    [
      'goes through names like __proto__ as through others',
      {},
      { kind: 'set', path: ['__proto__', 'constructor'], value: 1 },
      JSON.parse('{"__proto__":{"constructor":1}}'),
    ],
    [
      'takes what objects inherit for missing',
      {},
      { kind: 'append', path: ['toString'], value: 1 },
      { toString: [1] },
    ],
  ]
  test.each(cases)('%s', (_, body, patch, result) => {
    expect(patched(body, patch)).toEqual(result)
    expect(JSON.stringify(patched(body, patch))).toBe(JSON.stringify(result))
  })

  const refused: readonly (readonly [string, Body, Patch, string])[] = [
    [
      'on its way meets a text',
      { a: 'x' },
      { kind: 'set', path: ['a', 'b'], value: 1 },
      'a text at a. Expected an object',
    ],
    [
      'on its way meets an array',
      { a: [] },
      { kind: 'delete', path: ['a', 'b', 'c'] },
      'an array at a. Expected an object',
    ],
    [
      'on its way to a target meets a number',
      { a: 1 },
      { kind: 'duplicate', path: ['b'], to: [['a', 'c']] },
      'a number at a.',
    ],
    [
      'copies a value deeper than documents go',
      { a: nested(90) },
      { kind: 'duplicate', path: ['a'], to: [['b'], ['c', ...Array<string>(10).fill('c')]] },
      'a copy nested too deep at c.c.c.c.c.c.c.c.c.c.c.',
    ],
    [
      'increments a text',
      { a: '1' },
      { kind: 'increment', path: ['a'], by: 1 },
      'a text at a. Expected a number',
    ],
    [
      'increments beyond all numbers',
      { a: 1.7e308 },
      { kind: 'increment', path: ['a'], by: 1.7e308 },
      'not finite',
    ],
    [
      'appends to an object',
      { a: { b: {} } },
      { kind: 'append', path: ['a', 'b'], value: 1 },
      'an object at a.b.',
    ],
    [
      'appends if missing to true',
      { a: true },
      { kind: 'append-if-missing', path: ['a'], value: 1 },
      'a boolean at a.',
    ],
    [
      'inserts into a number',
      { a: 0 },
      { kind: 'insert-at', path: ['a'], index: 0, value: 1 },
      'a number at a.',
    ],
    [
      'removes from null',
      { a: null },
      { kind: 'remove', path: ['a'], value: 1, which: 'all' },
      'null at a. Expected an array',
    ],
    [
      'removes from a text',
      { a: 'x' },
      { kind: 'remove', path: ['a'], value: 'x', which: 'first' },
      'a text at a.',
    ],
  ]
  test.each(refused)('is refused if it %s', (_, body, patch, words) => {
    const refuse = () => patched(body, patch)
    expect(codeOf(refuse)).toBe('PATCH_REFUSED')
    expect(refuse).toThrow(words)
    expect(refuse).toThrow(`"${patch.kind}" of the document "b1" of "benches"`)
  })
})

describe('a duplicate', () => {
  test('copies what was there before it, also to several places inside of itself', () => {
    const to = [
      ['a', 'x'],
      ['a', 'y'],
    ]
    const before = { n: 1 }
    expect(patched({ a: before }, { kind: 'duplicate', path: ['a'], to })).toEqual({
      a: { ...before, x: before, y: before },
    })
  })

  test('keeps the digits of numbers that JavaScript cannot hold', () => {
    const digits = '12345678901234567890'
    const body = parseKeepingNumbers(`{"a":[${digits}]}`) as Body
    const result = patched(body, { kind: 'duplicate', path: ['a'], to: [['b']] })
    expect(JSON.stringify(result)).toBe(`{"a":[${digits}],"b":[${digits}]}`)
  })
})

describe('several patches', () => {
  test('that copy copies are refused before they fill the memory', () => {
    const doubling = Array<Patch>(90).fill({
      kind: 'duplicate',
      path: ['a'],
      to: [
        ['a', 'x'],
        ['a', 'y'],
      ],
    })
    expect(codeOf(() => patched({ a: { b: 'text' } }, ...doubling))).toBe('DOCUMENT_TOO_LARGE')
  })

  test('are applied in order, each to what the one before has left', () => {
    const increment = { kind: 'increment', path: ['n'], by: 1 } as const
    const rename = { kind: 'rename', path: ['n'], to: 'm' } as const
    expect(patched({ n: 1 }, increment, rename, increment)).toEqual({ m: 2, n: 1 })
  })

  const names = fc.constantFrom('a', 'b', 'c')
  const path = fc.array(names, { minLength: 1, maxLength: 3 })
  const value = fc.jsonValue({ maxDepth: 1 }).map((each) => each as JsonValue)
  const patch: fc.Arbitrary<Patch> = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), path, value }),
    fc.record({ kind: fc.constant('increment' as const), path, by: fc.integer() }),
    fc.record({ kind: fc.constantFrom('append' as const, 'append-if-missing' as const), path, value }),
    fc.record({ kind: fc.constant('insert-at' as const), path, value, index: fc.nat(3) }),
    fc.record({ kind: fc.constant('remove' as const), path, value, which: fc.constantFrom('first', 'all') }),
    fc.record({ kind: fc.constant('rename' as const), path, to: names }),
    fc.record({
      kind: fc.constant('duplicate' as const),
      path,
      to: fc.array(path, { minLength: 1, maxLength: 2 }),
    }),
    fc.record({ kind: fc.constant('delete' as const), path }),
  )
  const body = fc.dictionary(names, fc.jsonValue({ maxDepth: 2 })).map((each) => each as Body)

  test('either give a new body or are refused, leave the old one alone, and can be applied one by one', () => {
    fc.assert(
      fc.property(body, fc.array(patch, { minLength: 1, maxLength: 5 }), (before, patches) => {
        const text = JSON.stringify(before)
        const together = attempt(() => patched(before, ...patches))
        const oneByOne = attempt(() => patches.reduce((each, next) => patched(each, next), before))
        expect(together).toEqual(oneByOne)
        expect(JSON.stringify(before)).toBe(text)
      }),
    )
  })
})

function attempt(work: () => Body): string {
  try {
    return JSON.stringify(work())
  } catch (error) {
    if (isMillraceError(error, 'PATCH_REFUSED')) return error.message
    throw error
  }
}
