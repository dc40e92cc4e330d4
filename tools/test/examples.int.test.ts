import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { checkExamples } from '../src/examples.ts'
import { formatFindings } from '../src/finding.ts'
import { diskTree } from '../src/tree.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-examples-'))
afterAll(() => rmSync(folder, { recursive: true }))

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}

const page = (type: string) =>
  `# Log\n\n\`\`\`ts\nimport { size } from '@house/log'\n\nexport const own: ${type} = size\n\`\`\`\n`
const options = { target: 'ES2024', module: 'NodeNext', strict: true, types: [] }

test('an example is compiled against the packages, and an error is told at its line in the page', () => {
  write('tsconfig.base.json', JSON.stringify({ compilerOptions: options }))
  write(
    'node_modules/@house/log/package.json',
    '{ "name": "@house/log", "type": "module", "exports": "./index.ts" }',
  )
  write('node_modules/@house/log/index.ts', 'export const size: number = 1\n')
  write('README.md', page('number'))
  expect(checkExamples(diskTree(folder), folder)).toEqual([])
  write('README.md', page('string'))
  expect(formatFindings(checkExamples(diskTree(folder), folder))).toEqual([
    "README.md:6: The example does not compile: TS2322: Type 'number' is not assignable to type 'string'. Mend the example, or leave out its imports if it is only a fragment.",
  ])
})

test('a compiler that cannot run is a finding too', () => {
  write('tsconfig.base.json', JSON.stringify({ compilerOptions: { ...options, module: 'Nonsense' } }))
  expect(formatFindings(checkExamples(diskTree(folder), folder))[0]).toMatch(
    /^\.cache\/examples\/tsconfig\.json: The compiler could not run over the examples: /,
  )
})

test('what is installed, built or cached is not part of the tree, and folders are known', () => {
  write('docs/guide.md', '# Guide\n')
  write('dist/built.js', '')
  const tree = diskTree(folder)
  expect(tree.paths).toEqual(['README.md', 'docs/guide.md', 'tsconfig.base.json'])
  expect(['docs', 'docs/guide.md', 'node_modules', 'guide.md'].map((path) => tree.has(path))).toEqual([
    true,
    true,
    false,
    false,
  ])
  expect(tree.read('docs/guide.md')).toBe('# Guide\n')
})
