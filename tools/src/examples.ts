import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Finding, formatFindings } from './finding.ts'
import { type Fence, readPage } from './markdown.ts'
import { toolPath } from './programs.ts'
import { root } from './root.ts'
import { diskTree, type Tree } from './tree.ts'

const FOLDER = '.cache/examples'

interface Example {
  readonly page: string
  readonly fence: Fence
  /** Name of the file that the example becomes. */
  readonly file: string
}

/** The complete examples of all Markdown pages: blocks marked `ts` that contain an import. */
export function findExamples(tree: Tree): Example[] {
  return tree.paths
    .filter((path) => path.endsWith('.md'))
    .flatMap((page) =>
      readPage(tree.read(page))
        .fences.filter(({ language, code }) => /^tsx?$/.test(language) && /^import\s/m.test(code))
        .map((fence) => ({
          page,
          fence,
          file: `${page.replace(/\.md$/, '').replace(/[^\w-]+/g, '-')}-${fence.line}.${fence.language}`,
        })),
    )
}

/** Compiles the examples against the packages as they are now; what the pages show must work. */
export function checkExamples(tree: Tree, folder: string = root): Finding[] {
  const examples = findExamples(tree)
  if (examples.length === 0) return []
  writeExamples(join(folder, FOLDER), examples)
  const run = spawnSync(process.execPath, [toolPath('typescript'), '-p', FOLDER, '--pretty', 'false'], {
    cwd: folder,
    encoding: 'utf8',
  })
  const lines = run.stdout.split('\n')
  const broken = run.status === null || lines.some((line) => /^(.*\.json\(\d+,\d+\): )?error TS/.test(line))
  return broken
    ? [compilerFailed(run.stdout.trim() || run.stderr.trim())]
    : lines.flatMap((line) => findingOf(line, examples))
}

/** Files that did not change are not written, so that the compiler can skip what it knows. */
function writeExamples(folder: string, examples: readonly Example[]): void {
  mkdirSync(folder, { recursive: true })
  const config = {
    extends: '../../tsconfig.base.json',
    compilerOptions: {
      noEmit: true,
      composite: false,
      declaration: false,
      sourceMap: false,
      tsBuildInfoFile: 'examples.tsbuildinfo',
      jsx: 'react-jsx',
      noUnusedLocals: false,
      noUnusedParameters: false,
    },
    files: examples.map(({ file }) => file),
  }
  const files = new Map([
    ['tsconfig.json', JSON.stringify(config)],
    ...examples.map(({ file, fence }): [string, string] => [file, fence.code]),
  ])
  const present = readdirSync(folder)
  for (const name of present) if (/\.tsx?$/.test(name) && !files.has(name)) rmSync(join(folder, name))
  for (const [name, text] of files) {
    if (!present.includes(name) || readFileSync(join(folder, name), 'utf8') !== text)
      writeFileSync(join(folder, name), text)
  }
}

function compilerFailed(output: string): Finding {
  const cure = 'Compare with tsconfig.base.json and tools/src/examples.ts'
  return {
    path: `${FOLDER}/tsconfig.json`,
    wrong: `The compiler could not run over the examples: ${output}`,
    cure,
  }
}

/** Errors elsewhere are those of the packages, which the build reports. */
function findingOf(line: string, examples: readonly Example[]): Finding[] {
  const match = /^(.*?)\((\d+),\d+\): error (TS\d+: .*?)\.?$/.exec(line)
  const example = match && examples.find(({ file }) => match[1] === `${FOLDER}/${file}` || match[1] === file)
  if (!match || !example) return []
  return [
    {
      path: example.page,
      line: example.fence.line + Number(match[2]) - 1,
      wrong: `The example does not compile: ${match[3]}`,
      cure: 'Mend the example, or leave out its imports if it is only a fragment',
    },
  ]
}

if (import.meta.main) {
  const tree = diskTree(root)
  const findings = checkExamples(tree)
  for (const line of formatFindings(findings)) console.log(line)
  console.log(`${findExamples(tree).length} examples, ${findings.length} findings`)
  if (findings.length > 0) process.exitCode = 1
}
