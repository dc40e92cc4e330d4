import { isBuiltin } from 'node:module'
import type { Finding } from '../finding.ts'
import { filesOf, type Manifest, type Package, packageNameOf, type Workspace } from '../workspace.ts'

/** What is imported is declared where npm looks for it, so that a package works outside this repository too. */
export function checkDeclared(workspace: Workspace): Finding[] {
  const anywhere = new Set(
    [workspace.root, ...workspace.packages.map((each) => each.manifest)].flatMap(allNames),
  )
  const inSources = filesOf(workspace, 'src').flatMap(({ owner, source }) =>
    source.imports.flatMap(({ specifier, line }) => {
      const name = importedName(workspace, owner, specifier)
      if (name === undefined || declaredBy(workspace, owner).has(name)) return []
      const version = workspace.packageNamed(name) ? ' with the version of the workspace' : ''
      return [
        {
          path: source.path,
          line,
          wrong: `${owner.folder} uses ${name} without declaring it`,
          cure: `Add "${name}" to the dependencies in ${owner.folder}/package.json${version}`,
        },
      ]
    }),
  )
  const elsewhere = filesOf(workspace, 'test', 'configuration').flatMap(({ owner, source }) =>
    source.imports.flatMap(({ specifier, line }) => {
      const name = importedName(workspace, owner, specifier)
      if (name === undefined || workspace.packageNamed(name) || anywhere.has(name)) return []
      return [
        {
          path: source.path,
          line,
          wrong: `${name} is declared by no package.json of the workspace`,
          cure: `Add it to devDependencies in ${owner.folder}/package.json or in the root`,
        },
      ]
    }),
  )
  return [...inSources, ...elsewhere]
}

function importedName(workspace: Workspace, owner: Package, specifier: string): string | undefined {
  if (specifier.startsWith('.') || isBuiltin(specifier)) return undefined
  const name = packageNameOf(specifier)
  return workspace.packageNamed(name) === owner ? undefined : name
}

/** A private package is never installed elsewhere, so what only development brings is there for it too. */
function declaredBy(workspace: Workspace, owner: Package): Set<string> {
  const {
    dependencies,
    optionalDependencies,
    peerDependencies,
    devDependencies,
    private: isPrivate,
  } = owner.manifest
  const development = isPrivate ? { ...devDependencies, ...workspace.root.devDependencies } : {}
  return new Set(
    Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies, ...development }),
  )
}

function allNames(manifest: Manifest): string[] {
  const { dependencies, devDependencies, optionalDependencies, peerDependencies } = manifest
  return Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies, ...peerDependencies })
}
