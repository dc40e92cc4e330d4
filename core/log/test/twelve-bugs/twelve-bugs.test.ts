import { describe, test } from 'vitest'
import { bugs } from './bugs.ts'

describe.each(bugs)('Bug $bug.number, $bug.title', ({ bug }) => {
  for (const [sentence, scenario] of Object.entries(bug.scenarios)) test(sentence, scenario, 30_000)
})
