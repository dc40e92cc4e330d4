import { expect, test } from 'vitest'
import { openHistory } from '../../src/spine/history.ts'

function told(...notes: string[]) {
  const history = openHistory(() => 'now', 3)
  for (const note of notes) history.note(note)
  return history
}

test('a history keeps its newest notes in order, and its hash covers all of them', () => {
  const history = told('a', 'b', 'c', 'd')
  expect(history.tail()).toEqual(['now b', 'now c', 'now d'])
  expect(history.length).toBe(4)
  expect(history.hash).toBe(told('a', 'b', 'c', 'd').hash)
  expect(history.hash).not.toBe(told('x', 'b', 'c', 'd').hash)
  expect(history.hash).not.toBe(told('b', 'a', 'c', 'd').hash)
})
