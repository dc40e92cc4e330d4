import { beforeAll, describe, expect, test } from 'vitest'
import { bugs } from './bugs.ts'
import { runMutation, several } from './machinery/run-mutation.ts'
import type { ScenarioAnswer } from './machinery/run-scenario.ts'

const AT_ONCE = 2
const all = bugs.flatMap(({ bug, mutations, module }) =>
  mutations.map((mutation) => ({ bug, mutation, module })),
)
const answers = new Map<unknown, ScenarioAnswer>()

beforeAll(async () => {
  await several(all, AT_ONCE, async ({ mutation, module }) => {
    const { turnsRed: sentence, edits } = mutation
    answers.set(mutation, await runMutation({ module, sentence, edits }))
  })
}, 300_000)

describe('each bug that is put back turns its test red', () => {
  test.each(all)('bug $bug.number: $mutation.name', ({ mutation }) => {
    const answer = answers.get(mutation)
    expect(answer, answer?.message).toMatchObject({ outcome: 'red' })
  })
})
