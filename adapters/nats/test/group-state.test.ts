import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EMPTY_GROUP, type GroupState, released, withMember, withoutMembers } from '../src/group-state.ts'

const member = (id: string, topics: Readonly<Record<string, number>> = { t: 5 }) => ({
  id,
  session: id,
  topics,
})

test('the first member owns everything that it wants', () => {
  const { shares } = withMember(EMPTY_GROUP, member('a', { t: 2, u: 1 }))
  expect(shares.map(({ topic, partition, owner, heir }) => [topic, partition, owner, heir])).toEqual([
    ['t', 0, 'a', 'a'],
    ['t', 1, 'a', 'a'],
    ['u', 0, 'a', 'a'],
  ])
})

test('a partition stays with its owner until the owner lets go of it', () => {
  const joined = withMember(withMember(EMPTY_GROUP, member('a')), member('b'))
  expect(joined.shares.filter(({ heir }) => heir === 'b')).toHaveLength(2)
  expect(joined.shares.every(({ owner }) => owner === 'a')).toBe(true)
  const after = released(joined, 'a')
  expect(after.shares.filter(({ owner }) => owner === 'b')).toHaveLength(2)
})

test('what a dead member owned is its heirs’ at once', () => {
  const joined = released(withMember(withMember(EMPTY_GROUP, member('a')), member('b')), 'a')
  const { shares } = withoutMembers(joined, new Set(['a']))
  expect(shares.every(({ owner, heir }) => owner === 'b' && heir === 'b')).toBe(true)
})

test('whoever comes, goes and lets go: each wanted partition has one living owner and heir, and shares are even', () => {
  const id = fc.constantFrom('a', 'b', 'c', 'd')
  const step = fc.tuple(fc.constantFrom('join', 'die', 'let go'), id)
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let state: GroupState = EMPTY_GROUP
      for (const [kind, who] of steps) {
        if (kind === 'join') state = withMember(state, member(who))
        else if (kind === 'die') state = withoutMembers(state, new Set([who]))
        else state = released(state, who)
        const alive = new Set(state.members.map((each) => each.id))
        expect(state.shares).toHaveLength(alive.size === 0 ? 0 : 5)
        for (const { owner, heir } of state.shares) expect(alive.has(owner) && alive.has(heir)).toBe(true)
        const loads = [...alive].map((each) => state.shares.filter(({ heir }) => heir === each).length)
        if (loads.length > 0) expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1)
      }
    }),
  )
})
