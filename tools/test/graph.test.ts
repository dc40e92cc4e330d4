import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findCycles } from '../src/layers/graph.ts'

test('a graph whose edges all lead down has no cycles', () => {
  const edges = fc.array(fc.tuple(fc.nat(20), fc.nat(20)))
  fc.assert(
    fc.property(edges, (pairs) => {
      const graph = new Map<string, string[]>()
      for (const [a, b] of pairs) if (a > b) graph.set(`${a}`, [...(graph.get(`${a}`) ?? []), `${b}`])
      expect(findCycles(graph)).toEqual([])
    }),
  )
})

test('every cycle found goes along edges and ends where it began', () => {
  const edges = fc.array(fc.tuple(fc.nat(8), fc.nat(8)), { maxLength: 30 })
  fc.assert(
    fc.property(edges, (pairs) => {
      const graph = new Map<string, string[]>()
      for (const [a, b] of pairs) graph.set(`${a}`, [...(graph.get(`${a}`) ?? []), `${b}`])
      for (const cycle of findCycles(graph)) {
        expect(cycle.at(0)).toBe(cycle.at(-1))
        for (const [index, node] of cycle.slice(1).entries())
          expect(graph.get(cycle[index] ?? '')).toContain(node)
      }
    }),
  )
})

test('two knots give two cycles', () => {
  const graph = new Map([
    ['a', ['b']],
    ['b', ['a', 'x']],
    ['x', ['x']],
  ])
  expect(findCycles(graph)).toEqual([
    ['a', 'b', 'a'],
    ['x', 'x'],
  ])
})
