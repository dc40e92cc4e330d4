import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const text = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

function names(pattern: RegExp, content: string): string[] {
  return [...content.matchAll(pattern)].map((match) => match[1] ?? '')
}

/** The first column of the table under "Coming back". */
const rows = names(
  /^\| `([a-z-]+)` \|/gm,
  text('../../../docs/reference/log-format.md').split('## Coming back')[1] ?? '',
)

const described = ['recovery.test.ts', 'recovery-rest.test.ts'].flatMap((file) =>
  names(/^describe\('row ([a-z-]+)'/gm, text(file)),
)

describe('the decision table of recovery', () => {
  test('has tests for each of its rows, and no test is of a row that it does not have', () => {
    expect(rows.length).toBeGreaterThan(15)
    expect([...described].sort()).toEqual([...rows].sort())
  })

  test('names no row twice', () => {
    expect(rows).toEqual([...new Set(rows)])
  })
})
