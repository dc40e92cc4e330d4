import { describe, expect, test } from 'vitest'
import { bugs } from './bugs.ts'
import { misfits } from './machinery/edit.ts'

describe.each(bugs)('Bug $bug.number, $bug.title', ({ bug, mutations }) => {
  for (const [sentence, scenario] of Object.entries(bug.scenarios)) test(sentence, scenario, 30_000)

  test('every mutation finds what it changes, exactly once', () => {
    expect(mutations.flatMap(({ edits }) => misfits(edits))).toEqual([])
  })

  test('every scenario has a mutation that turns it red', () => {
    const turned = new Set(mutations.map(({ turnsRed }) => turnsRed))
    expect(Object.keys(bug.scenarios).filter((sentence) => !turned.has(sentence))).toEqual([])
  })
})
