import { isBuiltin } from 'node:module'
import type { Finding } from '../finding.ts'
import type { ImportKind } from '../source.ts'
import { filesOf, matchesLayer, type Package, packageNameOf, type Workspace } from '../workspace.ts'

/** Sources import only what layers.json grants them. Types couple too: they need "imports", or at least "types". */
export function checkDirection(workspace: Workspace): Finding[] {
  return filesOf(workspace, 'src').flatMap(({ owner, source }) =>
    source.imports.flatMap(({ specifier, kind, line }) => {
      if (specifier.startsWith('.') || isBuiltin(specifier)) return []
      const name = packageNameOf(specifier)
      const target = workspace.packageNamed(name)
      const problem = target
        ? wrongDirection(workspace, owner, target, kind)
        : wrongNpm(workspace, owner, name)
      const how = kind === 'type' ? 'imports a type of' : 'imports'
      return problem
        ? [{ path: source.path, line, wrong: `${owner.folder} ${how} ${problem.wrong}`, cure: problem.cure }]
        : []
    }),
  )
}

interface Problem {
  readonly wrong: string
  readonly cure: string
}

function wrongDirection(
  workspace: Workspace,
  owner: Package,
  target: Package,
  kind: ImportKind,
): Problem | undefined {
  if (target === owner) return { wrong: 'itself by name', cure: 'Import the file by its relative path' }
  const layer = workspace.layers.packages[owner.folder]
  const allowed = [...(layer?.imports ?? []), ...(kind === 'type' ? (layer?.types ?? []) : [])]
  if (allowed.some((pattern) => matchesLayer(pattern, target.folder))) return undefined
  return {
    wrong: `${target.folder}, which layers.json does not allow (it allows ${namesOf(allowed)})`,
    cure:
      `Declare a port in ${owner.folder} that ${target.folder} implements, or move the code to a package that may know both; ` +
      `only if the direction itself is right, add "${target.folder}" to the imports of "${owner.folder}" in layers.json`,
  }
}

function wrongNpm(workspace: Workspace, owner: Package, name: string): Problem | undefined {
  const allowed = workspace.layers.packages[owner.folder]?.npm ?? []
  if (allowed.includes(name)) return undefined
  return {
    wrong: `the npm package ${name}, which layers.json does not allow (it allows ${namesOf(allowed)})`,
    cure: owner.folder.startsWith('core/')
      ? `Declare a port and use ${name} in an adapter; core takes only pure packages, named in "npm" of "${owner.folder}"`
      : `Do without it, or add it to "npm" of "${owner.folder}" in layers.json with the reason in docs/decisions`,
  }
}

function namesOf(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : names.join(', ')
}
