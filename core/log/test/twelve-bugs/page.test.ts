import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { bugs } from './bugs.ts'

const page = readFileSync(new URL('../../../../docs/proofs.md', import.meta.url), 'utf8')

test('The page about the proofs has the twelve bugs as they are tested: where they were seen, and how many mutations', () => {
  const rows = bugs.map(({ bug, mutations, module }) => {
    const name = module.replace(/^.*\/|\.ts$/g, '')
    const link = `[${name}](../core/log/test/twelve-bugs/scenarios/${name}.ts)`
    return `| ${bug.number} | ${bug.title} | ${bug.seenIn.join(', ')} | ${link} | ${mutations.length} |`
  })
  expect(page.match(/^\| \d+ \|.*$/gm)).toEqual(rows)
  const count = bugs.reduce((sum, { mutations }) => sum + mutations.length, 0)
  expect(page).toContain(`${count} mutations in all.`)
})
