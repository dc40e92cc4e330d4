import type { JsonValue, Patch } from '@millrace/documents'

type Document = { readonly [property: string]: JsonValue }

/** What it is about, the document before, the patches, and the document after or that the patch is refused. */
export type PatchCase = readonly [string, Document, Patch | readonly Patch[], Document | 'PATCH_REFUSED']

/** "a.b" is the path of `b` in `a`; a list is taken as it is. */
type Path = string | readonly string[]

const pathOf = (path: Path): readonly string[] => (typeof path === 'string' ? path.split('.') : path)

export const set = (path: Path, value: JsonValue): Patch => ({ kind: 'set', path: pathOf(path), value })
export const increment = (path: Path, by = 1): Patch => ({ kind: 'increment', path: pathOf(path), by })
export const add = (path: Path, value: JsonValue): Patch => ({ kind: 'append', path: pathOf(path), value })
export const addMissing = (path: Path, value: JsonValue): Patch => ({
  kind: 'append-if-missing',
  path: pathOf(path),
  value,
})
export const insertAt = (path: Path, index: number, value: JsonValue): Patch => ({
  kind: 'insert-at',
  path: pathOf(path),
  index,
  value,
})
export const removeFirst = (path: Path, value: JsonValue): Patch => ({
  kind: 'remove',
  path: pathOf(path),
  value,
  which: 'first',
})
export const removeAll = (path: Path, value: JsonValue): Patch => ({
  kind: 'remove',
  path: pathOf(path),
  value,
  which: 'all',
})
export const rename = (path: Path, to: string): Patch => ({ kind: 'rename', path: pathOf(path), to })
export const duplicate = (path: Path, ...to: Path[]): Patch => ({
  kind: 'duplicate',
  path: pathOf(path),
  to: to.map(pathOf),
})
export const erase = (path: Path): Patch => ({ kind: 'delete', path: pathOf(path) })

/** A document with one property, which may be called "__proto__". */
const named = (name: string, value: JsonValue): Document =>
  JSON.parse(`{${JSON.stringify(name)}: ${JSON.stringify(value)}}`)

const REFUSED = 'PATCH_REFUSED'

const SET: readonly PatchCase[] = [
  ['set a new property', {}, set('a', 1), { a: 1 }],
  ['set over another type', { a: 'x' }, set('a', 1), { a: 1 }],
  ['set null', { a: 1 }, set('a', null), { a: null }],
  ['set null where nothing is', {}, set('a', null), { a: null }],
  ['set true', { a: 1 }, set('a', true), { a: true }],
  ['set false', { a: 1 }, set('a', false), { a: false }],
  ['set a text', { a: 1 }, set('a', '1'), { a: '1' }],
  ['set a text that looks like JSON', {}, set('a', '{"b":1}'), { a: '{"b":1}' }],
  ['set an empty text', {}, set('a', ''), { a: '' }],
  ['set an object, all of it', { a: { b: 1 } }, set('a', { c: { d: [] } }), { a: { c: { d: [] } } }],
  ['set a list', { a: { b: 1 } }, set('a', [1, null, 'x', {}, []]), { a: [1, null, 'x', {}, []] }],
  ['set a large number', {}, set('a', 1.5e300), { a: 1.5e300 }],
  ['set a tiny number', {}, set('a', 5e-324), { a: 5e-324 }],
  ['set on a nested path', { a: { b: 1, c: 2 } }, set('a.b', 3), { a: { b: 3, c: 2 } }],
  ['set makes the objects on the way', {}, set('a.b.c', 1), { a: { b: { c: 1 } } }],
  ['set makes objects where null is on the way', { a: null }, set('a.b.c', 1), { a: { b: { c: 1 } } }],
  ['set beside others on the way', { a: { x: 1 } }, set('a.b.c', 1), { a: { x: 1, b: { c: 1 } } }],
  ['set through a text', { a: 'x' }, set('a.b', 1), REFUSED],
  ['set through a number', { a: 0 }, set('a.b', 1), REFUSED],
  ['set through false', { a: false }, set('a.b', 1), REFUSED],
  ['set through a list', { a: [1, 2] }, set('a.0', 3), REFUSED],
  ['set through an empty list', { a: [] }, set('a.b', 3), REFUSED],
  ['set through a text further up', { a: { b: 'x' } }, set('a.b.c.d', 1), REFUSED],
  ['set a nested "id", which is like any other', { a: { id: 1 } }, set('a.id', 2), { a: { id: 2 } }],
]

const INCREMENT: readonly PatchCase[] = [
  ['increment a number', { a: 1 }, increment('a', 2), { a: 3 }],
  ['increment by a negative number', { a: 1 }, increment('a', -2.5), { a: -1.5 }],
  ['increment what is missing', {}, increment('a', 2), { a: 2 }],
  ['increment null', { a: null }, increment('a', 2), { a: 2 }],
  ['increment on a nested path', { a: { b: 1 } }, increment('a.b'), { a: { b: 2 } }],
  ['increment makes the objects on the way', { a: null }, increment('a.b.c'), { a: { b: { c: 1 } } }],
  ['increment in floating point', { a: 0.1 }, increment('a', 0.2), { a: 0.30000000000000004 }],
  ['increment a large number by one', { a: 2 ** 53 }, increment('a', 1), { a: 2 ** 53 }],
  ['increment a whole number beyond 64 bits', { a: 2 ** 63 - 1024 }, increment('a', 1024), { a: 2 ** 63 }],
  ['increment a huge number', { a: 1e300 }, increment('a', 1e300), { a: 2e300 }],
  ['increment by zero', { a: 1.5 }, increment('a', 0), { a: 1.5 }],
  ['increment to zero', { a: -1 }, increment('a', 1), { a: 0 }],
  ['increment a text', { a: '1' }, increment('a'), REFUSED],
  ['increment an empty text', { a: '' }, increment('a'), REFUSED],
  ['increment true', { a: true }, increment('a'), REFUSED],
  ['increment a list', { a: [1] }, increment('a'), REFUSED],
  ['increment an object', { a: {} }, increment('a'), REFUSED],
  ['increment beyond what is finite', { a: 1.7e308 }, increment('a', 1.7e308), REFUSED],
  ['increment below what is finite', { a: -1.7e308 }, increment('a', -1.7e308), REFUSED],
  ['increment through a text', { a: 'x' }, increment('a.b'), REFUSED],
]

const APPEND: readonly PatchCase[] = [
  ['append to a list', { a: [1] }, add('a', 2), { a: [1, 2] }],
  ['append to an empty list', { a: [] }, add('a', 'x'), { a: ['x'] }],
  ['append to what is missing', {}, add('a', 1), { a: [1] }],
  ['append to null', { a: null }, add('a', 1), { a: [1] }],
  ['append makes the objects on the way', {}, add('a.b', 1), { a: { b: [1] } }],
  ['append null', { a: [1] }, add('a', null), { a: [1, null] }],
  ['append true', { a: [] }, add('a', true), { a: [true] }],
  ['append a list as one element', { a: [1] }, add('a', [2, 3]), { a: [1, [2, 3]] }],
  ['append an object', { a: [{ x: 1 }] }, add('a', { x: 2, y: [] }), { a: [{ x: 1 }, { x: 2, y: [] }] }],
  ['append what is there already', { a: [1] }, add('a', 1), { a: [1, 1] }],
  ['append to a text', { a: 'x' }, add('a', 1), REFUSED],
  ['append to a number', { a: 1 }, add('a', 1), REFUSED],
  ['append to an object', { a: {} }, add('a', 1), REFUSED],
  ['append to false', { a: false }, add('a', 1), REFUSED],
  ['append through a list', { a: [[]] }, add('a.0', 1), REFUSED],
  ['append-if-missing what is missing', { a: [1] }, addMissing('a', 2), { a: [1, 2] }],
  ['append-if-missing what is there', { a: [1, 2] }, addMissing('a', 1), { a: [1, 2] }],
  ['append-if-missing to what is missing', {}, addMissing('a.b', 1), { a: { b: [1] } }],
  ['append-if-missing to null', { a: null }, addMissing('a', null), { a: [null] }],
  ['append-if-missing null that is there', { a: [null] }, addMissing('a', null), { a: [null] }],
  ['append-if-missing tells 1 from "1"', { a: ['1'] }, addMissing('a', 1), { a: ['1', 1] }],
  ['append-if-missing tells 1 from true', { a: [true] }, addMissing('a', 1), { a: [true, 1] }],
  ['append-if-missing tells 0 from false', { a: [0] }, addMissing('a', false), { a: [0, false] }],
  ['append-if-missing tells "null" from null', { a: ['null'] }, addMissing('a', null), { a: ['null', null] }],
  ['append-if-missing tells texts by case', { a: ['a'] }, addMissing('a', 'A'), { a: ['a', 'A'] }],
  [
    'append-if-missing tells texts by form',
    { a: ['\u00e9'] },
    addMissing('a', 'e\u0301'),
    { a: ['\u00e9', 'e\u0301'] },
  ],
  [
    'append-if-missing knows a number however it is written',
    { a: [100] },
    addMissing('a', 1e2),
    { a: [100] },
  ],
  [
    'append-if-missing knows objects with properties in another order',
    { a: [{ x: 1, y: { p: 1, q: 2 } }] },
    addMissing('a', { y: { q: 2, p: 1 }, x: 1 }),
    { a: [{ x: 1, y: { p: 1, q: 2 } }] },
  ],
  [
    'append-if-missing tells objects with more properties',
    { a: [{ x: 1, y: 1 }] },
    addMissing('a', { x: 1 }),
    { a: [{ x: 1, y: 1 }, { x: 1 }] },
  ],
  [
    'append-if-missing tells null from missing',
    { a: [{ x: null }] },
    addMissing('a', {}),
    { a: [{ x: null }, {}] },
  ],
  ['append-if-missing knows lists', { a: [[1, 2]] }, addMissing('a', [1, 2]), { a: [[1, 2]] }],
  [
    'append-if-missing tells lists by order',
    { a: [[1, 2]] },
    addMissing('a', [2, 1]),
    {
      a: [
        [1, 2],
        [2, 1],
      ],
    },
  ],
  ['append-if-missing does not look into lists', { a: [[1]] }, addMissing('a', 1), { a: [[1], 1] }],
  ['append-if-missing to a text', { a: 'x' }, addMissing('a', 'x'), REFUSED],
  ['append-if-missing to an object', { a: { x: 1 } }, addMissing('a', 1), REFUSED],
]

const INSERT: readonly PatchCase[] = [
  ['insert-at the start', { a: [1, 2] }, insertAt('a', 0, 0), { a: [0, 1, 2] }],
  ['insert-at the middle', { a: [1, 3] }, insertAt('a', 1, 2), { a: [1, 2, 3] }],
  ['insert-at the end', { a: [1, 2] }, insertAt('a', 2, 3), { a: [1, 2, 3] }],
  ['insert-at behind the end', { a: [1] }, insertAt('a', 100, 2), { a: [1, 2] }],
  ['insert-at the largest index', { a: [1] }, insertAt('a', Number.MAX_SAFE_INTEGER, 2), { a: [1, 2] }],
  ['insert-at into an empty list', { a: [] }, insertAt('a', 0, null), { a: [null] }],
  ['insert-at into what is missing', {}, insertAt('a.b', 3, 'x'), { a: { b: ['x'] } }],
  ['insert-at into null', { a: null }, insertAt('a', 1, 'x'), { a: ['x'] }],
  ['insert-at a list as one element', { a: [1] }, insertAt('a', 0, [2]), { a: [[2], 1] }],
  [
    'insert-at at ten, which comes after nine',
    { a: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] },
    insertAt('a', 10, 'x'),
    { a: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 'x', 10, 11] },
  ],
  ['insert-at into a text', { a: 'x' }, insertAt('a', 0, 1), REFUSED],
  ['insert-at into an object', { a: { 0: 1 } }, insertAt('a', 0, 1), REFUSED],
]

const REMOVE: readonly PatchCase[] = [
  ['remove the first', { a: [1, 2, 1] }, removeFirst('a', 1), { a: [2, 1] }],
  ['remove all', { a: [1, 2, 1] }, removeAll('a', 1), { a: [2] }],
  ['remove all there is', { a: [1, 1] }, removeAll('a', 1), { a: [] }],
  ['remove what is not there', { a: [1] }, removeFirst('a', 2), { a: [1] }],
  ['remove all of what is not there', { a: [1] }, removeAll('a', 2), { a: [1] }],
  ['remove from an empty list', { a: [] }, removeAll('a', 1), { a: [] }],
  ['remove null', { a: [1, null, null] }, removeFirst('a', null), { a: [1, null] }],
  ['remove true, and not 1', { a: [1, true, 'true'] }, removeAll('a', true), { a: [1, 'true'] }],
  ['remove a text, and not a number', { a: [1, '1'] }, removeFirst('a', '1'), { a: [1] }],
  [
    'remove an object',
    { a: [{ x: 1 }, { y: 2, x: 1 }, 3] },
    removeAll('a', { x: 1, y: 2 }),
    { a: [{ x: 1 }, 3] },
  ],
  ['remove a list', { a: [[1], [2], 1] }, removeFirst('a', [2]), { a: [[1], 1] }],
  ['remove keeps the order of the others', { a: [3, 1, 2, 1, 0] }, removeAll('a', 1), { a: [3, 2, 0] }],
  [
    'remove keeps the order among more than ten',
    { a: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] },
    removeFirst('a', 5),
    { a: [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11] },
  ],
  ['remove on a missing path', { x: 1 }, removeAll('a.b', 1), { x: 1 }],
  ['remove below null', { a: null }, removeAll('a.b', 1), { a: null }],
  ['remove from null', { a: null }, removeAll('a', null), REFUSED],
  ['remove from a text', { a: 'x' }, removeFirst('a', 'x'), REFUSED],
  ['remove from an object', { a: { x: 1 } }, removeAll('a', 1), REFUSED],
  ['remove through a list', { a: [[1]] }, removeAll('a.0', 1), REFUSED],
]

const NAMES: readonly PatchCase[] = [
  ['rename', { a: 1, c: 2 }, rename('a', 'b'), { b: 1, c: 2 }],
  ['rename on a nested path', { a: { b: [1] }, b: 0 }, rename('a.b', 'c'), { a: { c: [1] }, b: 0 }],
  ['rename overwrites', { a: 1, b: 2 }, rename('a', 'b'), { b: 1 }],
  ['rename null', { a: null, b: 2 }, rename('a', 'b'), { b: null }],
  ['rename to itself', { a: 1 }, rename('a', 'a'), { a: 1 }],
  ['rename to an empty name', { a: 1 }, rename('a', ''), { '': 1 }],
  ['rename to a name with a dot', { a: { b: 1 } }, rename('a.b', 'a.b'), { a: { 'a.b': 1 } }],
  ['rename a missing property leaves the other', { b: 2 }, rename('a', 'b'), { b: 2 }],
  ['rename on a missing path', { x: 1 }, rename('a.b', 'c'), { x: 1 }],
  ['rename below null', { a: null }, rename('a.b', 'c'), { a: null }],
  ['rename to a nested "id"', { a: { b: 1 } }, rename('a.b', 'id'), { a: { id: 1 } }],
  ['rename through a text', { a: 'x' }, rename('a.b', 'c'), REFUSED],
  ['duplicate', { a: { b: 1 } }, duplicate('a', 'c'), { a: { b: 1 }, c: { b: 1 } }],
  [
    'duplicate to several',
    { a: 1, c: 0 },
    duplicate('a', 'b', 'c', 'd.e'),
    { a: 1, b: 1, c: 1, d: { e: 1 } },
  ],
  [
    'duplicate makes the objects on the way',
    { a: 1, b: null },
    duplicate('a', 'b.c.d'),
    { a: 1, b: { c: { d: 1 } } },
  ],
  ['duplicate null', { a: null, b: 1 }, duplicate('a', 'b'), { a: null, b: null }],
  ['duplicate what is missing', { b: 1 }, duplicate('a', 'b', 'c'), { b: null, c: null }],
  ['duplicate from a nested path that is missing', { a: null }, duplicate('a.b', 'c'), { a: null, c: null }],
  ['duplicate to itself', { a: [1] }, duplicate('a', 'a'), { a: [1] }],
  ['duplicate into itself', { a: { b: 1 } }, duplicate('a', 'a.c'), { a: { b: 1, c: { b: 1 } } }],
  [
    'duplicate to several places inside itself, made on the way',
    { a: { b: 1 } },
    duplicate('a', 'a.c', 'a.d.e'),
    { a: { b: 1, c: { b: 1 }, d: { e: { b: 1 } } } },
  ],
  ['duplicate over what it is in', { a: { b: { c: 1 } } }, duplicate('a.b', 'a'), { a: { c: 1 } }],
  ['duplicate through a text', { a: 1, b: 'x' }, duplicate('a', 'b.c'), REFUSED],
  ['duplicate from below a text', { a: 'x' }, duplicate('a.b', 'c'), REFUSED],
  ['duplicate into a list', { a: 1, b: [] }, duplicate('a', 'b.0'), REFUSED],
  ['delete', { a: 1, b: 2 }, erase('a'), { b: 2 }],
  ['delete on a nested path', { a: { b: 1, c: 2 } }, erase('a.b'), { a: { c: 2 } }],
  ['delete the last property', { a: { b: 1 } }, erase('a.b'), { a: {} }],
  ['delete null', { a: null }, erase('a'), {}],
  ['delete an object', { a: { b: { c: 1 } }, d: 1 }, erase('a'), { d: 1 }],
  ['delete a missing property', { a: 1 }, erase('b'), { a: 1 }],
  ['delete on a missing path', { a: 1 }, erase('b.c.d'), { a: 1 }],
  ['delete below null', { a: null }, erase('a.b'), { a: null }],
  ['delete a nested "id"', { a: { id: 1 } }, erase('a.id'), { a: {} }],
  ['delete through a text', { a: 'x' }, erase('a.b'), REFUSED],
  ['delete an element of a list', { a: [1, 2] }, erase('a.0'), REFUSED],
]

const SEVERAL: readonly PatchCase[] = [
  ['several see what came before', {}, [set('a', 1), increment('a'), increment('a', 3)], { a: 5 }],
  ['set, then delete', { x: 1 }, [set('a.b', 1), erase('a.b')], { x: 1, a: {} }],
  ['delete, then set', { a: { b: 1 } }, [erase('a'), set('a.c', 2)], { a: { c: 2 } }],
  ['delete, then increment', { a: 5 }, [erase('a'), increment('a')], { a: 1 }],
  ['rename, then set the old name', { a: 1 }, [rename('a', 'b'), set('a', 2)], { a: 2, b: 1 }],
  [
    'exchange two properties',
    { a: 1, b: 2 },
    [rename('a', 'c'), rename('b', 'a'), rename('c', 'b')],
    { a: 2, b: 1 },
  ],
  ['append twice', {}, [add('a', 1), add('a', 2), insertAt('a', 0, 0)], { a: [0, 1, 2] }],
  ['append-if-missing twice', { a: [] }, [addMissing('a', 1), addMissing('a', 1)], { a: [1] }],
  ['append, then remove', { a: [1] }, [add('a', 2), removeFirst('a', 1)], { a: [2] }],
  [
    'duplicate, then change the original',
    { a: { n: 1 } },
    [duplicate('a', 'b'), increment('a.n')],
    { a: { n: 2 }, b: { n: 1 } },
  ],
  ['a text, then an object in its place', { a: 'x' }, [set('a', {}), set('a.b', 1)], { a: { b: 1 } }],
  ['the last one is refused', { a: 1, b: 'x' }, [increment('a'), increment('b')], REFUSED],
  ['the first one is refused', { a: 'x' }, [increment('a'), set('a', 1)], REFUSED],
  ['an object that an earlier one has replaced', { a: { b: 1 } }, [set('a', 'x'), increment('a.b')], REFUSED],
]

const ODD_NAMES = [
  'a.b',
  '"',
  "'",
  '$',
  '$.a',
  ' ',
  '',
  '\\',
  '[0]',
  '#',
  '\n',
  '0',
  '-1',
  'é',
  '😀',
  '__proto__',
]
const WORDS = ['constructor', 'null', 'a,b', '{a}', '?', '%', "') --", '"]']

const ODD: readonly PatchCase[] = [...ODD_NAMES, ...WORDS].flatMap((name): PatchCase[] => {
  const shown = JSON.stringify(name)
  const inner = named(name, 1)
  return [
    [`set ${shown}`, {}, set([name, name], 1), named(name, inner)],
    [`increment ${shown}`, { a: inner }, increment(['a', name]), { a: named(name, 2) }],
    [`append to ${shown}`, named(name, { list: [1] }), add([name, 'list'], 2), named(name, { list: [1, 2] })],
    [`remove from ${shown}`, named(name, [1, name]), removeAll([name], name), named(name, [1])],
    [`rename ${shown} and back`, { a: inner }, [rename(['a', name], 'z'), rename('a.z', name)], { a: inner }],
    [`duplicate ${shown}`, { a: 7 }, [duplicate('a', [name, name]), erase('a')], named(name, named(name, 7))],
    [`delete ${shown}`, { a: inner }, erase(['a', name]), { a: {} }],
  ]
})

/** What each patch does to a document. */
export const PATCH_CASES: readonly PatchCase[] = [
  ...SET,
  ...INCREMENT,
  ...APPEND,
  ...INSERT,
  ...REMOVE,
  ...NAMES,
  ...SEVERAL,
  ...ODD,
]
