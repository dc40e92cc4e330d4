import { expect, test } from 'vitest'
import { encodedBytesMax, FrameBuilder } from '../src/frame-builder.ts'
import { FrameMemory } from '../src/frame-memory.ts'
import { record } from './test-log.ts'

const PLACE = { baseOffset: 7, salt: 1, unsyncedBefore: 0 }

function add(builder: FrameBuilder, ...values: string[]): void {
  const records = values.map((value) => record(value, 1))
  const waiter = { resolve: () => {}, reject: () => {} }
  builder.add(records, encodedBytesMax(records), { nowMs: 1, durability: 'disk', waiter })
}

test('A frame that grows out of its memory has the same bytes as one that never had to move', () => {
  const values = Array.from({ length: 300 }, (_, index) => `${index}`.padEnd(1 + (index % 97) * 20, 'x'))
  const grown = new FrameBuilder(new FrameMemory())
  for (const value of values) add(grown, value)
  const whole = new FrameBuilder(new FrameMemory())
  add(whole, ...values)
  expect(grown.seal(PLACE)).toEqual(whole.seal(PLACE))
})

test('Frames that share memory do not touch each other, in whatever order they are sealed', () => {
  const memory = new FrameMemory()
  const alone = (value: string) => {
    const builder = new FrameBuilder(new FrameMemory())
    add(builder, value)
    return builder.seal(PLACE)
  }
  const values = Array.from({ length: 200 }, (_, index) => 'v'.repeat((index * 37) % 1500))
  const builders = values.map((value) => {
    const builder = new FrameBuilder(memory)
    add(builder, value)
    return builder
  })
  const sealed = builders
    .toReversed()
    .map((builder) => builder.seal(PLACE))
    .reverse()
  expect(sealed).toEqual(values.map(alone))
})

test('A frame behind which another one has begun does not grow any more', () => {
  const memory = new FrameMemory()
  const first = new FrameBuilder(memory)
  add(first, 'a')
  add(new FrameBuilder(memory), 'b')
  expect(() => add(first, 'c')).toThrow('only the newest frame grows')
})

test('Memory comes in small pieces first, and a small log stays small', () => {
  const memory = new FrameMemory()
  const room = memory.begin()
  memory.reserve(room, 100)
  expect(room.slab.length).toBe(4096)
  memory.reserve(room, 4097)
  expect(room.slab.length).toBe(8192)
  memory.reserve(room, 10_000_000)
  expect(room.slab.length).toBe(10_000_000)
  room.bytes = 10_000_000
  const next = memory.begin()
  memory.reserve(next, 1)
  expect(next.slab.length).toBe(256 * 1024)
})
