import type { CommandBody, DeviceBody } from '@millrace/server/api-shapes'
import { describe, expect, test } from 'vitest'
import { draftFaults, EMPTY_DRAFT, requestOf } from '../src/device/command-draft.ts'
import { COLUMNS_MAX, cellText, documentColumns } from '../src/documents/document-columns.ts'
import { arrange } from '../src/fleet/fleet-order.ts'
import { waterPath } from '../src/fleet/water-path.ts'
import { withCommand } from '../src/live/command-trail.ts'
import type { FleetDevice } from '../src/live/fleet-store.ts'
import { createSampleRing } from '../src/live/sample-ring.ts'
import { sparkPath } from '../src/look/spark-path.ts'
import { visibleRows } from '../src/look/windowed-rows.ts'
import { fleetSearch, topicSearch } from '../src/shell/searches.ts'
import { ShortcutBook } from '../src/shell/shortcut-book.ts'
import { ratesBetween } from '../src/topics/use-topic-rates.ts'

function device(id: string, value: number | undefined, more: Partial<DeviceBody> = {}): FleetDevice {
  const ring = createSampleRing(4)
  if (value !== undefined) ring.push(1, value)
  return {
    body: { id, connected: true, last: {}, commandsPending: 0, ...more },
    sparks: new Map([['r/celsius', ring]]),
  }
}

describe('the order of the fleet', () => {
  const all = [
    device('bench-10', 3, { commandsPending: 2, lastSeenAt: '2026-01-01T00:00:05Z' }),
    device('bench-9', undefined, { connected: false }),
    device('lamp-1', 1, { lastSeenAt: '2026-01-01T00:00:09Z' }),
  ]
  const ids = all.map((each) => each.body.id)
  const order = (search: Parameters<typeof arrange>[1]) =>
    arrange(ids, search, 'r/celsius', (id) => all.find((each) => each.body.id === id))

  test('knows numbers in names', () => {
    expect(order({})).toEqual(['bench-9', 'bench-10', 'lamp-1'])
    expect(order({ down: true })).toEqual(['lamp-1', 'bench-10', 'bench-9'])
  })

  test('puts devices without a value last in either direction', () => {
    expect(order({ order: 'value' })).toEqual(['lamp-1', 'bench-10', 'bench-9'])
    expect(order({ order: 'value', down: true })).toEqual(['bench-10', 'lamp-1', 'bench-9'])
    expect(order({ order: 'seen', down: true })).toEqual(['lamp-1', 'bench-10', 'bench-9'])
    expect(order({ order: 'pending', down: true })[0]).toBe('bench-10')
  })

  test('leaves what matches all words and the presence', () => {
    expect(order({ find: ' BENCH 1' })).toEqual(['bench-10'])
    expect(order({ presence: 'away' })).toEqual(['bench-9'])
    expect(order({ presence: 'connected', find: 'x' })).toEqual([])
  })
})

describe('addresses', () => {
  test('give something usable, whatever stands in them', () => {
    expect(fleetSearch({ find: 12, presence: 'nowhere', order: 'value', down: 'yes', show: '' })).toEqual({
      find: '12',
      order: 'value',
    })
    expect(topicSearch({ tab: 'follow', partition: -1, from: 1.5, offset: 'x' })).toEqual({ tab: 'follow' })
    expect(topicSearch({ tab: 'browse', partition: 0, from: 0 })).toEqual({ from: 0 })
  })
})

describe('shortcuts', () => {
  const press = (key: string, timeMs = 0, more = {}) => ({
    key,
    timeMs,
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    busy: false,
    ...more,
  })

  test('run for one key and for keys in a row, unless they come too late', () => {
    const book = new ShortcutBook()
    const ran: string[] = []
    for (const keys of ['/', 'g f', 'g t', 'f']) book.add({ keys, does: keys, run: () => ran.push(keys) })
    for (const [key, time] of [
      ['/', 0],
      ['g', 10],
      ['f', 20],
      ['g', 30],
      ['t', 40],
      ['g', 50],
      ['f', 9_000],
      ['g', 9_010],
      ['x', 9_020],
      ['f', 9_030],
    ] as const) {
      book.press(press(key, time))
    }
    expect(ran).toEqual(['/', 'g f', 'g t', 'f', 'f'])
  })

  test('leave keys alone that are typed into fields or belong to the browser', () => {
    const book = new ShortcutBook()
    let ran = 0
    const remove = book.add({
      keys: 'c',
      does: '',
      run: () => {
        ran += 1
      },
    })
    for (const more of [{ busy: true }, { ctrlKey: true }, { metaKey: true }, { altKey: true }]) {
      expect(book.press(press('c', 0, more))).toBe(false)
    }
    expect(book.press(press('c'))).toBe(true)
    remove()
    expect(book.press(press('c'))).toBe(false)
    expect(ran).toBe(1)
  })
})

describe('what is drawn', () => {
  test('of a long list are only the rows in sight and a few around them', () => {
    expect(visibleRows(10_000, 50, 300, 900)).toEqual({ first: 0, end: 18 })
    expect(visibleRows(10_000, 50, -250_000, 900)).toEqual({ first: 4_994, end: 5_024 })
    expect(visibleRows(3, 50, 300, 900)).toEqual({ first: 0, end: 3 })
    expect(visibleRows(30, 50, -9_000, 900).end).toBeLessThanOrEqual(30)
    expect(visibleRows(0, 50, 0, 900)).toEqual({ first: 0, end: 0 })
  })

  test('of a sparkline is a line from edge to edge, and nothing of a single sample', () => {
    const ring = createSampleRing(10)
    ring.push(1_000, 5)
    expect(sparkPath(ring, 100, 20)).toBe('')
    ring.push(2_000, 10)
    ring.push(3_000, 0)
    expect(sparkPath(ring, 100, 20)).toBe('M0.0 10.0L50.0 0.0L100.0 20.0')
  })

  test('of the rates is a closed water level over the whole width', () => {
    expect(waterPath([], 600, 100)).toEqual({ area: '', line: '' })
    const { line, area } = waterPath([0, 40], 600, 100)
    expect(line).toMatch(/^M0 100\.0.*600\.0 25\.0$/)
    expect(area.startsWith(line) && area.endsWith('Z')).toBe(true)
  })
})

describe('pages', () => {
  test('a command is sent only with a name, data that is JSON, and a deadline', () => {
    expect(Object.keys(draftFaults({ ...EMPTY_DRAFT, data: '{', deadlineSeconds: '' }))).toEqual([
      'name',
      'data',
      'deadline',
    ])
    const draft = { name: ' open ', data: '{"a":1}', deadlineSeconds: 1.5, idempotencyKey: ' ' }
    expect(draftFaults(draft)).toEqual({})
    expect(requestOf(draft)).toEqual({ name: 'open', data: { a: 1 }, deadlineMs: 1_500 })
    expect(requestOf({ ...draft, data: '', idempotencyKey: 'k' })).toEqual({
      name: 'open',
      deadlineMs: 1_500,
      idempotencyKey: 'k',
    })
  })

  test('a command list takes newer states only, and new commands in front', () => {
    const command = (id: string, state: CommandBody['state'], second: number): CommandBody => {
      const time = `2026-01-01T00:00:0${second}Z`
      return {
        id,
        device: 'd',
        name: 'n',
        data: {},
        state,
        createdAt: time,
        changedAt: time,
        deadlineAt: time,
      }
    }
    const list = [command('b', 'sent', 3), command('a', 'done', 2)]
    expect(withCommand(list, command('b', 'queued', 1))).toBe(list)
    expect(withCommand(list, command('b', 'done', 4)).map(({ id, state }) => id + state)).toEqual([
      'bdone',
      'adone',
    ])
    expect(withCommand(list, command('c', 'queued', 5)).map(({ id }) => id)).toEqual(['c', 'b', 'a'])
  })

  test('a table of documents has the most common properties as columns', () => {
    const body = (id: string, document: Record<string, unknown>) => ({
      id,
      revision: 1,
      document: { id, ...document },
    })
    const many = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`p${index}`, index]))
    expect(documentColumns([body('a', { rare: 1, celsius: 1 }), body('b', { celsius: 2 })])).toEqual([
      'rare',
      'celsius',
    ])
    expect(documentColumns([body('a', many)])).toHaveLength(COLUMNS_MAX)
    expect([cellText(undefined), cellText(21.456), cellText({ a: 1 }), cellText('x')]).toEqual([
      '–',
      '21.46',
      'a 1',
      'x',
    ])
  })

  test('rates of topics come from their ends, and a topic that began anew has none', () => {
    const at = (timeMs: number, ends: Record<string, number>) => ({
      timeMs,
      ends: new Map(Object.entries(ends)),
    })
    expect([...ratesBetween(at(0, { a: 10, b: 50 }), at(2_000, { a: 90, b: 2, c: 7 }))]).toEqual([['a', 40]])
  })
})
