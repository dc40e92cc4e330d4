import type { Comparison, Filter, FilterValue } from '@millrace/documents'
import type { Body } from './database-operations.ts'

/** What it is about, a filter, and the ids of the documents that it finds. */
export type FilterCase = readonly [string, Filter, readonly string[]]

/** One value of each type, by id. */
const SINGLE: Readonly<Record<string, unknown>> = {
  absent: undefined,
  null: null,
  false: false,
  true: true,
  minus: -1.5,
  zero: 0,
  five: 5,
  ten: 10,
  huge: 1.5e300,
  'text-empty': '',
  'text-1': '1',
  'text-A': 'A',
  'text-a': 'a',
  'text-ab': 'ab',
  'text-ä': 'ä',
  'text-private': '\ue000',
  'text-emoji': '😀',
  'text-true': 'true',
  list: [1, 5],
  object: { v: 5 },
}

/** The values stand under `v`, and nested under `in.v`. */
export const VALUES: Readonly<Record<string, Body>> = Object.fromEntries(
  Object.entries(SINGLE).map(([id, v]) => [id, v === undefined ? { id, in: {} } : { id, v, in: { v } }]),
)

/** In the order of the port: null and missing, false, true, numbers, texts, lists and objects; then by id. */
export const ASCENDING: readonly string[] = [
  ...['absent', 'null', 'false', 'true', 'minus', 'zero', 'five', 'ten', 'huge'],
  ...['text-empty', 'text-1', 'text-A', 'text-a', 'text-ab', 'text-true', 'text-ä', 'text-private'],
  ...['text-emoji', 'list', 'object'],
]

export const compare = (
  operator: Comparison,
  value: FilterValue,
  path: readonly string[] = ['v'],
): Filter => ({ kind: 'compare', path, operator, value })

export const not = (filter: Filter): Filter => ({ kind: 'not', filter })
export const and = (...filters: Filter[]): Filter => ({ kind: 'and', filters })
export const or = (...filters: Filter[]): Filter => ({ kind: 'or', filters })
export const exists = (...path: string[]): Filter => ({ kind: 'exists', path })

const without = (...ids: string[]) => Object.keys(VALUES).filter((id) => !ids.includes(id))
const TEXTS = Object.keys(VALUES).filter((id) => id.startsWith('text'))

/** Over {@link VALUES}; the path is `v`. */
const COMPARISONS: readonly (readonly [Comparison, FilterValue, readonly string[]])[] = [
  ['eq', 5, ['five']],
  ['eq', '1', ['text-1']],
  ['eq', 1, []],
  ['eq', true, ['true']],
  ['eq', 'true', ['text-true']],
  ['eq', false, ['false']],
  ['eq', 0, ['zero']],
  ['eq', '', ['text-empty']],
  ['eq', null, ['absent', 'null']],
  ['eq', 'ä', ['text-ä']],
  ['eq', 'a\u0308', []],
  ['eq', 'null', []],
  ['eq', '[1,5]', []],
  ['eq', '{"v":5}', []],
  ['eq', "' OR 1=1 --", []],
  ['ne', 5, without('five')],
  ['ne', null, without('absent', 'null')],
  ['ne', true, without('true')],
  ['ne', '', without('text-empty')],
  ['lt', 5, ['minus', 'zero']],
  ['lt', -1.5, []],
  ['le', 5, ['five', 'minus', 'zero']],
  ['gt', 5, ['huge', 'ten']],
  ['gt', 1e300, ['huge']],
  ['ge', 10, ['huge', 'ten']],
  ['ge', -1e308, ['five', 'huge', 'minus', 'ten', 'zero']],
  ['lt', 'a', ['text-1', 'text-A', 'text-empty']],
  ['lt', '', []],
  ['ge', '', TEXTS],
  ['gt', 'ab', ['text-emoji', 'text-private', 'text-true', 'text-ä']],
  ['gt', '\ue000', ['text-emoji']],
  ['lt', '😀', TEXTS.filter((id) => id !== 'text-emoji')],
  ['ge', '😀', ['text-emoji']],
  ['lt', true, ['false']],
  ['le', true, ['false', 'true']],
  ['gt', false, ['true']],
  ['lt', false, []],
  ['ge', false, ['false', 'true']],
  ['lt', null, []],
  ['gt', null, []],
  ['le', null, ['absent', 'null']],
  ['ge', null, ['absent', 'null']],
]

/** Over {@link VALUES}. */
export const VALUE_CASES: readonly FilterCase[] = [
  ...COMPARISONS.flatMap(([operator, value, ids]): FilterCase[] => [
    [`${operator} ${JSON.stringify(value)}`, compare(operator, value), ids],
    [`${operator} ${JSON.stringify(value)} on a nested path`, compare(operator, value, ['in', 'v']), ids],
  ]),
  [
    'in with values of several types',
    { kind: 'in', path: ['v'], values: [5, 'a', true, null] },
    ['absent', 'five', 'null', 'text-a', 'true'],
  ],
  ['in with the same value twice', { kind: 'in', path: ['v'], values: [5, 5] }, ['five']],
  ['in without null', { kind: 'in', path: ['v'], values: [0, ''] }, ['text-empty', 'zero']],
  ['in of null alone', { kind: 'in', path: ['in', 'v'], values: [null] }, ['absent', 'null']],
  ['in of nothing', { kind: 'in', path: ['v'], values: [] }, []],
  ['starts-with, by case', { kind: 'starts-with', path: ['v'], value: 'a' }, ['text-a', 'text-ab']],
  ['starts-with of an emoji', { kind: 'starts-with', path: ['v'], value: '😀' }, ['text-emoji']],
  ['starts-with of nothing finds all texts', { kind: 'starts-with', path: ['v'], value: '' }, TEXTS],
  ['starts-with finds texts only', { kind: 'starts-with', path: ['v'], value: '5' }, []],
  ['contains, by case', { kind: 'contains', path: ['v'], value: 'b' }, ['text-ab']],
  ['contains of nothing finds all texts', { kind: 'contains', path: ['in', 'v'], value: '' }, TEXTS],
  ['contains finds no elements of lists', { kind: 'contains', path: ['v'], value: '1' }, ['text-1']],
  ['exists finds null, and nothing that is missing', exists('v'), without('absent')],
  ['exists on a nested path', exists('in', 'v'), without('absent')],
  ['exists of a name that nothing has', exists('w'), []],
  ['exists below a value that is no object', exists('v', 'v'), ['object']],
  ['exists in a list', exists('v', '0'), []],
  ['and of nothing is true', and(), Object.keys(VALUES)],
  ['or of nothing is false', or(), []],
  ['and needs all', and(compare('gt', 0), compare('lt', 10)), ['five']],
  ['or needs one', or(compare('eq', 0), compare('eq', 'A')), ['text-A', 'zero']],
  ['not of and', not(and(compare('ne', 5), compare('ne', 0))), ['five', 'zero']],
  [
    'not of or',
    not(or(compare('ge', ''), compare('le', 1e308))),
    without(...TEXTS, 'minus', 'zero', 'five', 'ten', 'huge'),
  ],
  ['not of not', not(not(compare('eq', 5))), ['five']],
  ['not of nothing', not(and()), []],
  ['a list has no properties', compare('ne', null, ['v', '0']), []],
  ['a list has no length', compare('ne', null, ['v', 'length']), []],
  ['an object has properties', compare('eq', 5, ['v', 'v']), ['object']],
  ['the name of a built-in is a missing property', compare('ne', null, ['constructor']), []],
  [
    'a property of what is missing is missing',
    compare('eq', null, ['no', 'such', 'path']),
    Object.keys(VALUES),
  ],
  ['id eq', { kind: 'id', operator: 'eq', value: 'five' }, ['five']],
  ['id eq, by case', { kind: 'id', operator: 'eq', value: 'Five' }, []],
  ['id ne', { kind: 'id', operator: 'ne', value: 'five' }, without('five')],
  ['id lt', { kind: 'id', operator: 'lt', value: 'five' }, ['absent', 'false']],
  ['id le', { kind: 'id', operator: 'le', value: 'five' }, ['absent', 'false', 'five']],
  ['id gt', { kind: 'id', operator: 'gt', value: 'text-private' }, ['text-true', 'text-ä', 'true', 'zero']],
  ['id ge', { kind: 'id', operator: 'ge', value: 'text-ä' }, ['text-ä', 'true', 'zero']],
  ['id is the document’s id, not its property', compare('eq', 'five', ['id']), ['five']],
  ['any of a value that is no list', { kind: 'any', path: ['v'], filter: and() }, ['list']],
  ['all of a value that is no list', { kind: 'all', path: ['v'], filter: or() }, []],
]

/** Documents with lists, for `any` and `all`. */
export const LISTS: Readonly<Record<string, Body>> = {
  absent: {},
  null: { list: null },
  text: { list: 'a' },
  object: { list: { 0: 'a', a: 'a' } },
  empty: { list: [] },
  a: { list: ['a'] },
  ab: { list: ['a', 'b'] },
  aa: { list: ['a', 'a'] },
  mixed: { list: ['a', 1, null, true, ['a'], { k: 'a' }] },
  numbers: { list: [1, 2, 3] },
  nulls: { list: [null] },
  falses: { list: [false, false] },
  objects: {
    list: [
      { n: 1, k: 'x' },
      { n: 2, k: 'y' },
    ],
  },
  one: { list: [{ n: 1, k: 'y', in: { deep: [7] } }] },
  lists: { list: [['a', 'b'], ['c']] },
  inner: { list: [{ list: [1, 2] }, { list: [3] }] },
  deep: { in: { list: ['a'] } },
}

const any = (filter: Filter, path: readonly string[] = ['list']): Filter => ({ kind: 'any', path, filter })
const all = (filter: Filter, path: readonly string[] = ['list']): Filter => ({ kind: 'all', path, filter })
const FULL = ['a', 'aa', 'ab', 'falses', 'inner', 'lists', 'mixed', 'nulls', 'numbers', 'objects', 'one']
const NO_LIST = ['absent', 'deep', 'null', 'object', 'text']

/** Over {@link LISTS}. */
export const LIST_CASES: readonly FilterCase[] = [
  ['any eq a text', any(compare('eq', 'a', [])), ['a', 'aa', 'ab', 'mixed']],
  ['any eq a number', any(compare('eq', 1, [])), ['mixed', 'numbers']],
  ['any eq null', any(compare('eq', null, [])), ['mixed', 'nulls']],
  ['any eq true', any(compare('eq', true, [])), ['mixed']],
  ['any ne', any(compare('ne', 'a', [])), FULL.filter((id) => id !== 'a' && id !== 'aa')],
  ['any gt', any(compare('gt', 2, [])), ['numbers']],
  ['any le a text', any(compare('le', 'a', [])), ['a', 'aa', 'ab', 'mixed']],
  ['any lt true', any(compare('lt', true, [])), ['falses']],
  ['any in', any({ kind: 'in', path: [], values: ['b', 2, null] }), ['ab', 'mixed', 'nulls', 'numbers']],
  ['any starts-with', any({ kind: 'starts-with', path: [], value: 'b' }), ['ab']],
  ['any contains', any({ kind: 'contains', path: [], value: '' }), ['a', 'aa', 'ab', 'mixed']],
  ['any of anything', any(and()), FULL],
  ['any of nothing', any(or()), []],
  ['any on a property of elements', any(compare('eq', 1, ['n'])), ['objects', 'one']],
  [
    'any with two conditions on one element',
    any(and(compare('eq', 1, ['n']), compare('eq', 'y', ['k']))),
    ['one'],
  ],
  [
    'two any may hold for two elements',
    and(any(compare('eq', 1, ['n'])), any(compare('eq', 'y', ['k']))),
    ['objects', 'one'],
  ],
  ['any exists', any(exists('n')), ['objects', 'one']],
  ['any not', any(not(compare('eq', 'a', []))), FULL.filter((id) => id !== 'a' && id !== 'aa')],
  ['any on a list further inside', any(compare('eq', 'a', []), ['in', 'list']), ['deep']],
  ['all eq', all(compare('eq', 'a', [])), ['a', 'aa', 'empty']],
  ['all ne', all(compare('ne', 'b', [])), ['empty', ...FULL.filter((id) => id !== 'ab')]],
  ['all ge a number', all(compare('ge', 1, [])), ['empty', 'numbers']],
  ['all eq null', all(compare('eq', null, [])), ['empty', 'nulls']],
  ['all on a property of elements', all(compare('eq', 1, ['n'])), ['empty', 'one']],
  [
    'all on a property that some elements cannot have',
    all(compare('eq', null, ['n'])),
    ['empty', ...FULL.filter((id) => id !== 'objects' && id !== 'one')],
  ],
  ['all of anything finds lists', all(and()), ['empty', ...FULL]],
  ['all of nothing finds empty lists', all(or()), ['empty']],
  ['all or', all(or(compare('eq', 'a', []), compare('eq', 'b', []))), ['a', 'aa', 'ab', 'empty']],
  [
    'not any is its exact opposite',
    not(any(compare('eq', 'a', []))),
    ['empty', ...NO_LIST, ...FULL.filter((id) => !['a', 'aa', 'ab', 'mixed'].includes(id))],
  ],
  [
    'not all is its exact opposite',
    not(all(compare('eq', 'a', []))),
    [...NO_LIST, ...FULL.filter((id) => id !== 'a' && id !== 'aa')],
  ],
  ['any in any of elements without such a list', any(any(compare('eq', 3, []), ['n'])), []],
  ['any in any, by a property', any(any(compare('eq', 3, []), ['list'])), ['inner']],
  ['any in any, lists in lists', any(any(compare('eq', 'c', []), [])), ['lists']],
  ['all in any', any(all(compare('le', 2, []), ['list'])), ['inner']],
  ['any in all', all(any(compare('gt', 1, []), ['list'])), ['empty', 'inner']],
  ['all in all, lists in lists', all(all(compare('ge', 'a', []), [])), ['empty', 'lists']],
  [
    'any on a list inside an object inside an element',
    any(any(compare('eq', 7, []), ['in', 'deep'])),
    ['one'],
  ],
  [
    'the document’s id inside any',
    any(and({ kind: 'id', operator: 'eq', value: 'a' }, compare('eq', 'a', []))),
    ['a'],
  ],
]

/** Texts that would mean something else, if they were not taken as they are. */
export const HOSTILE_TEXTS: readonly string[] = [
  ...['%', '_', '\\', '%%', '\\%', '[a-z]', '.*', '^', '*', '?', '??', '$1', ':v', '@v'],
  ...["'", "''", '"', '`', "' OR 1=1 --", "'); DROP TABLE positions; --", '"; DROP TABLE positions; --'],
  ...[
    '\n',
    '\t',
    '\u2028',
    '\ufeff',
    ' a',
    'a ',
    'A',
    'a',
    'é',
    'e\u0301',
    'ß',
    'SS',
    'İ',
    'i',
    '😀',
    '\ue000',
  ],
  ...[
    'null',
    'true',
    '0',
    '0x10',
    '1e3',
    'NaN',
    '[]',
    '{}',
    '{"a":1}',
    '$.a',
    '$$',
    "E'\\n'",
    '\\u0041',
    '/**/',
  ],
]
/** Names of properties that would mean something else, if they were not taken as they are. */
export const HOSTILE_NAMES: readonly string[] = [
  ...[
    'a.b',
    'a"b',
    "a'b",
    '$',
    '$.a',
    '[0]',
    '#-1',
    '',
    ' ',
    '\\',
    '\n',
    '*',
    '**',
    '%',
    '?',
    '$1',
    ':v',
    '@',
  ],
  ...[
    '😀',
    'é',
    'e\u0301',
    '__proto__',
    'constructor',
    'length',
    '0',
    '-1',
    '1.5',
    'null',
    'a,b',
    '{a}',
    'a->b',
  ],
  ...['") OR 1=1 --', "' || '", '"."', "'; DROP TABLE positions; --", 'strict $.a', 'keyvalue()', '\u2028'],
]
