import { posix } from 'node:path'
import type { Finding } from '../finding.ts'
import { type Package, packageNameOf, type Workspace } from '../workspace.ts'
import { findCycles } from './graph.ts'

/**
 * No file and no package waits at load for one that waits for it. Types and `import()` wait for nothing, so a
 * circle that contains one is allowed.
 */
export function checkCycles(workspace: Workspace): Finding[] {
  const files = workspace.packages.flatMap((owner) =>
    findCycles(fileGraph(owner)).map((cycle) => ({
      path: cycle[0] ?? owner.folder,
      wrong: `These files load each other in a circle: ${cycle.map((path) => path.slice(owner.folder.length + 1)).join(' → ')}`,
      cure: 'Move what both need into a file of its own, or make one of the imports an "import type"',
    })),
  )
  const packages = findCycles(packageGraph(workspace)).map((cycle) => ({
    path: `${cycle[0]}/package.json`,
    wrong: `These packages load each other in a circle: ${cycle.join(' → ')}`,
    cure: 'Let the lower one declare a port that the upper one implements, or move what both need below both',
  }))
  return [...files, ...packages]
}

function fileGraph(owner: Package): Map<string, Set<string>> {
  return new Map(
    owner.files.map(({ source }) => [
      source.path,
      new Set(
        source.imports
          .filter(({ kind, specifier }) => kind === 'static' && specifier.startsWith('.'))
          .map(({ specifier }) => posix.join(posix.dirname(source.path), specifier)),
      ),
    ]),
  )
}

function packageGraph(workspace: Workspace): Map<string, Set<string>> {
  return new Map(
    workspace.packages.map((owner) => {
      const sources = owner.files.filter(({ part }) => part === 'src').map(({ source }) => source)
      const targets = sources
        .flatMap((source) => source.imports)
        .filter(({ kind }) => kind === 'static')
        .map(({ specifier }) => workspace.packageNamed(packageNameOf(specifier))?.folder)
        .filter((folder) => folder !== undefined && folder !== owner.folder)
      return [owner.folder, new Set(targets as string[])]
    }),
  )
}
