import type { Finding } from '../finding.ts'
import { matchesLayer, type Workspace } from '../workspace.ts'

/** Every package stands in layers.json, and everything that stands there exists. */
export function checkMembership(workspace: Workspace): Finding[] {
  const folders = workspace.packages.map((each) => each.folder)
  const listed = Object.entries(workspace.layers.packages)
  return [
    ...folders
      .filter((folder) => workspace.layers.packages[folder] === undefined)
      .map((folder) => ({
        path: `${folder}/package.json`,
        wrong: `The package ${folder} is missing in layers.json`,
        cure: `Add "${folder}" to "packages" there, with the packages that it may import`,
      })),
    ...listed
      .filter(([folder]) => !folders.includes(folder))
      .map(([folder]) => unknownName(folder, 'packages')),
    ...listed.flatMap(([folder, layer]) =>
      [...layer.imports, ...(layer.types ?? [])]
        .filter((pattern) => !folders.some((each) => matchesLayer(pattern, each)))
        .map((pattern) => unknownName(pattern, `the imports of ${folder}`)),
    ),
  ]
}

function unknownName(name: string, where: string): Finding {
  return {
    path: 'layers.json',
    wrong: `"${name}" in ${where} names no package of the workspace`,
    cure: 'Correct the name, or remove the entry',
  }
}
