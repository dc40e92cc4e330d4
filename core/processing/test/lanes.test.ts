import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { heldItem, type Item } from '../src/item.ts'
import { Lanes } from '../src/lanes.ts'

function itemOf(offset: number, key?: string): Item {
  return heldItem({
    topic: 't',
    partition: 0,
    offset,
    timestampMs: 0,
    key,
    headers: {},
    value: new Uint8Array(0),
  })
}

describe('lanes', () => {
  test('hand out the next item of a key only when the one before is finished', () => {
    const lanes = new Lanes()
    const [a1, a2, b1] = [itemOf(1, 'a'), itemOf(2, 'a'), itemOf(3, 'b')]
    for (const item of [a1, a2, b1]) lanes.add(item)
    expect(lanes.next()).toBe(a1)
    expect(lanes.next()).toBe(b1)
    expect(lanes.next()).toBeUndefined()
    lanes.again(a1)
    expect(lanes.next()).toBe(a1)
    lanes.finish(a1)
    expect(lanes.next()).toBe(a2)
  })

  test('hand out messages without a key at once, whatever happens to the others', () => {
    const lanes = new Lanes()
    const items = [itemOf(1), itemOf(2), itemOf(3)]
    for (const item of items) lanes.add(item)
    expect([lanes.next(), lanes.next(), lanes.next()]).toEqual(items)
  })

  test('let go of forgotten items that wait, and of their keys, but not of one that is handed out', () => {
    const lanes = new Lanes()
    const [busy, behind, waiting, kept] = [itemOf(1, 'a'), itemOf(2, 'a'), itemOf(3, 'b'), itemOf(4, 'c')]
    for (const item of [busy, behind, waiting, kept]) lanes.add(item)
    expect(lanes.next()).toBe(busy)
    for (const item of [busy, behind, waiting]) item.state = 'forgotten'
    lanes.dropForgotten()
    expect(lanes.next()).toBe(kept)
    lanes.finish(busy)
    expect(lanes.next()).toBeUndefined()
    const late = itemOf(5, 'b')
    lanes.add(late)
    expect(lanes.next()).toBe(late)
  })

  test('keep order per key and one item per key at a time, whatever the sequence of calls', () => {
    const action = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), key: fc.constantFrom('a', 'b', 'c') }),
      fc.record({
        kind: fc.constantFrom('next' as const, 'finish' as const, 'again' as const),
        pick: fc.nat(),
      }),
    )
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
        const lanes = new Lanes()
        const out: Item[] = []
        const finished = new Map<string, number[]>()
        const finish = (item: Item) => {
          lanes.finish(item)
          const key = String(item.message.key)
          finished.set(key, [...(finished.get(key) ?? []), item.message.offset])
        }
        let added = 0
        for (const step of actions) {
          if (step.kind === 'add') {
            added += 1
            lanes.add(itemOf(added, step.key))
          } else if (step.kind === 'next') {
            const item = lanes.next()
            if (item !== undefined) out.push(item)
          } else if (out.length > 0) {
            const [item] = out.splice(step.pick % out.length, 1)
            if (step.kind === 'finish') finish(item!)
            else lanes.again(item!)
          }
          expect(new Set(out.map((item) => item.message.key)).size).toBe(out.length)
        }
        for (const item of out) finish(item)
        for (let item = lanes.next(); item !== undefined; item = lanes.next()) finish(item)
        expect([...finished.values()].flat()).toHaveLength(added)
        for (const offsets of finished.values()) expect(offsets).toEqual(offsets.toSorted((a, b) => a - b))
      }),
    )
  })
})
