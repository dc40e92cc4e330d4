import { posix } from 'node:path'
import type { Finding } from '../finding.ts'
import { type Package, readJson, type Workspace } from '../workspace.ts'

interface TsConfig {
  readonly exclude?: readonly string[]
  readonly references?: readonly { readonly path: string }[]
}

/** A tsconfig.json, and the references that follow from the package.json files. */
export interface ExpectedReferences {
  readonly path: string
  readonly references: readonly string[]
}

/** The TypeScript build follows the same edges as npm, so that it compiles in the right order and only what changed. */
export function checkReferences(workspace: Workspace): Finding[] {
  const without = workspace.packages.filter((each) => !workspace.tree.has(`${each.folder}/tsconfig.json`))
  return [
    ...without.map((each) => ({
      path: `${each.folder}/tsconfig.json`,
      wrong: `The package ${each.folder} has no tsconfig.json`,
      cure: 'Copy the one of a neighbour, then run "npm run sync"',
    })),
    ...expectedReferences(workspace).flatMap((expected) => differences(workspace, expected)),
  ]
}

/** What every tsconfig.json of the workspace should refer to. */
export function expectedReferences(workspace: Workspace): ExpectedReferences[] {
  const { tree, packages } = workspace
  const built = packages.filter((each) => tree.has(`${each.folder}/tsconfig.json`))
  const expected = built.map((each) => ({
    path: `${each.folder}/tsconfig.json`,
    references: dependenciesOf(workspace, each).map((target) => relativePath(each.folder, target.folder)),
  }))
  const below = (each: Package) => `./${each.folder}`
  const tests = 'tsconfig.tests.json'
  const hasTests = tree.has(tests)
  if (hasTests) {
    const excluded = readJson<TsConfig>(tree, tests).exclude ?? []
    const tested = built.filter((each) => !excluded.includes(`${each.folder}/**`))
    expected.push({ path: tests, references: tested.map(below) })
  }
  if (tree.has('tsconfig.json')) {
    const references = [...built.map(below), ...(hasTests ? [`./${tests}`] : [])]
    expected.push({ path: 'tsconfig.json', references })
  }
  return expected
}

/** A package without exports (the console) is taken as files, not as types, so nothing refers to it. */
function dependenciesOf(workspace: Workspace, owner: Package): Package[] {
  const names = new Set(Object.keys({ ...owner.manifest.dependencies, ...owner.manifest.devDependencies }))
  return workspace.packages.filter(
    (each) => names.has(each.manifest.name) && each.manifest.exports?.['.'] !== undefined,
  )
}

function differences(workspace: Workspace, { path, references }: ExpectedReferences): Finding[] {
  const present = (readJson<TsConfig>(workspace.tree, path).references ?? []).map((each) => each.path)
  const missing = references.filter((each) => !present.includes(each))
  const superfluous = present.filter((each) => !references.includes(each))
  if (missing.length === 0 && superfluous.length === 0) return []
  const parts = [
    ...(missing.length > 0 ? [`miss ${missing.join(', ')}`] : []),
    ...(superfluous.length > 0 ? [`name ${superfluous.join(', ')} too much`] : []),
  ]
  return [
    {
      path,
      wrong: `The references ${parts.join(' and ')}, compared with package.json`,
      cure: 'Run "npm run sync"',
    },
  ]
}

function relativePath(from: string, to: string): string {
  return posix.relative(from, to)
}
