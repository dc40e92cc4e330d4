import { posix } from 'node:path'
import type { Finding } from '../finding.ts'
import { filesOf, type Package, packageNameOf, type Workspace } from '../workspace.ts'

/** A package is entered through its front door: by name, at a path that its `exports` open. */
export function checkReach(workspace: Workspace): Finding[] {
  return filesOf(workspace, 'src', 'test', 'configuration').flatMap(({ owner, source }) =>
    source.imports.flatMap(({ specifier, line }) => {
      const problem = specifier.startsWith('.')
        ? leavesPackage(workspace, owner, posix.join(posix.dirname(source.path), specifier))
        : entersDeep(workspace, specifier)
      return problem
        ? [{ path: source.path, line, wrong: `"${specifier}" ${problem.wrong}`, cure: problem.cure }]
        : []
    }),
  )
}

function leavesPackage(workspace: Workspace, owner: Package, path: string) {
  if (path.startsWith(`${owner.folder}/`)) return undefined
  const target = workspace.packages.find((each) => path.startsWith(`${each.folder}/`))
  return {
    wrong: `is a relative path that leaves ${owner.folder}`,
    cure: target
      ? `Import it from '${target.manifest.name}', and export it there if it is missing`
      : 'Move the file into a package, and import it by the name of the package',
  }
}

function entersDeep(workspace: Workspace, specifier: string) {
  const name = packageNameOf(specifier)
  const target = workspace.packageNamed(name)
  const door = `.${specifier.slice(name.length)}`
  if (!target || door === '.' || target.manifest.exports?.[door] !== undefined) return undefined
  return {
    wrong: `reaches into ${target.folder} past its exports`,
    cure: `Import from '${name}', and export the name in ${target.folder}/src/index.ts if others need it`,
  }
}
