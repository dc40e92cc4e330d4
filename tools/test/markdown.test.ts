import { expect, test } from 'vitest'
import { findExamples } from '../src/examples.ts'
import { readPage, resolveLink } from '../src/markdown.ts'
import { memoryTree } from '../src/tree.ts'

test('the lead is the paragraph after the title', () => {
  expect(readPage('# Log\n\nReceives records\nand hands them on.\n\nMore.\n')).toMatchObject({
    title: 'Log',
    lead: 'Receives records and hands them on.',
  })
  expect(readPage('')).toMatchObject({ title: '', lead: '' })
})

test('headings get the ids that GitHub gives them, numbered when they repeat', () => {
  const { anchors } = readPage(
    '# What `npm test` does!\n## Same\n## Same\n<a id="own"></a>\n```\n# not a heading\n```\n',
  )
  expect([...anchors]).toEqual(['what-npm-test-does', 'same', 'same-1', 'own'])
})

test('a link is resolved from its page or, with a leading slash, from the root', () => {
  expect(resolveLink('docs/guide.md', '../README.md#a')).toEqual({ path: 'README.md', anchor: 'a' })
  expect(resolveLink('docs/guide.md', '/LICENSE')).toEqual({ path: 'LICENSE', anchor: '' })
  expect(resolveLink('docs/guide.md', '#here')).toEqual({ path: 'docs/guide.md', anchor: 'here' })
  expect(resolveLink('docs/guide.md', 'https://example.com')).toBeUndefined()
})

test('a block of TypeScript is an example only when it imports something', () => {
  const page =
    "# Log\n\n```ts\nimport { a } from 'b'\n```\n\n```ts\nlog.append(record)\n```\n\n```sh\nimport x\n```\n"
  expect(findExamples(memoryTree({ 'core/log/README.md': page }))).toMatchObject([
    { page: 'core/log/README.md', fence: { line: 4 }, file: 'core-log-README-4.ts' },
  ])
})
