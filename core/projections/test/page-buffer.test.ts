import type { StoredEvent } from '@millrace/documents'
import { describe, expect, test } from 'vitest'
import { PageBuffer, STAGED_CHARACTERS_MAX } from '../src/page-buffer.ts'
import { PageSize } from '../src/page-size.ts'
import { shardOf } from '../src/shard.ts'

const eventAt = (position: number, text = '{}'): StoredEvent => ({
  id: `e${position}`,
  type: 'any',
  text,
  position,
  version: 0,
  tenant: '',
  recordedAtMs: 0,
})

const page = (positions: readonly number[], through: number, text?: string) => ({
  events: positions.map((each) => eventAt(each, text)),
  through,
})

describe('a page buffer', () => {
  test('knows for any number of events up to which position nothing else is left', () => {
    const buffer = new PageBuffer({ pauseAt: 10, resumeAt: 5 }, 3)
    buffer.add(page([5, 9], 12))
    buffer.add(page([20], 30))
    expect([0, 1, 2, 3].map((count) => buffer.throughOf(count))).toEqual([4, 8, 19, 30])
    expect(buffer.peek(1, 1)).toMatchObject([{ position: 9 }])
    buffer.drop(1)
    expect(buffer.peek(10)).toMatchObject([{ position: 9 }, { position: 20 }])
    expect([0, 1, 2].map((count) => buffer.throughOf(count))).toEqual([8, 19, 30])
    buffer.drop(2)
    expect([buffer.staged, buffer.through]).toEqual([0, 30])
  })

  test('has room until the upper threshold, and then none until the lower one', () => {
    const buffer = new PageBuffer({ pauseAt: 4, resumeAt: 2 }, 0)
    const rooms = [buffer.room]
    buffer.add(page([1, 2, 3], 3))
    rooms.push(buffer.room)
    buffer.add(page([4], 4))
    rooms.push(buffer.room)
    buffer.drop(1)
    rooms.push(buffer.room)
    buffer.drop(1)
    rooms.push(buffer.room)
    expect(rooms).toEqual([4, 1, 0, 0, 2])
  })

  test('has no room while it holds too much text, however few the events', () => {
    const buffer = new PageBuffer({ pauseAt: 1_000, resumeAt: 500 }, 0)
    const text = 'x'.repeat(STAGED_CHARACTERS_MAX / 4)
    buffer.add(page([1, 2, 3, 4], 4, text))
    expect(buffer.room).toBe(0)
    buffer.drop(1)
    expect(buffer.room).toBe(0)
    buffer.drop(1)
    expect(buffer.room).toBe(998)
  })

  test('takes no feed that goes back', () => {
    const buffer = new PageBuffer({ pauseAt: 10, resumeAt: 5 }, 7)
    expect(() => buffer.add(page([7], 8))).toThrow('in order')
    expect(() => buffer.add(page([], 6))).toThrow('does not go back')
  })
})

describe('a page size', () => {
  const texts = (count: number, characters = 10) =>
    Array.from({ length: count }, () => ({ text: 'x'.repeat(characters) }))

  test('doubles while pages are full, up to its bound, and returns at the end', () => {
    const size = new PageSize(1_500)
    const limits = [size.limit]
    for (const isFull of [true, true, true, false]) {
      size.note(texts(10), isFull)
      limits.push(size.limit)
    }
    expect(limits).toEqual([500, 1_000, 1_500, 1_500, 500])
  })

  test('shrinks for large events, and halves when an answer was too large', () => {
    const size = new PageSize(10_000)
    size.note(texts(2, 4 * 1024 * 1024), true)
    expect(size.limit).toBe(2)
    expect([size.halve(), size.limit, size.halve()]).toEqual([true, 1, false])
  })
})

describe('the shard of a key', () => {
  test('never changes', () => {
    const keys = ['', 'a', 't1', 'bench-7', 'ä', '\u{1f600}', 'x'.repeat(500)]
    expect(keys.map((key) => shardOf(key, 4_294_967_291))).toMatchInlineSnapshot(`
      [
        2166136261,
        723832900,
        1111897064,
        1243589069,
        3084921993,
        3007978922,
        2308185541,
      ]
    `)
    expect(keys.map((key) => shardOf(key, 1))).toEqual(keys.map(() => 0))
  })

  test('spreads keys evenly', () => {
    const counts = [0, 0, 0, 0, 0, 0, 0]
    for (let index = 0; index < 7_000; index += 1) counts[shardOf(`device-${index}`, 7)]! += 1
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150)
  })
})
