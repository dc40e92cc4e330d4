import type { Finding } from '../finding.ts'
import { readPage, type TableRow } from '../markdown.ts'
import type { Workspace } from '../workspace.ts'

const PATH = 'ARCHITECTURE.md'

/**
 * The table under "## Layers" of ARCHITECTURE.md says the same as layers.json: the folder of the package in the
 * first column, what it may import in the second, each as `code`; an empty second column means nothing.
 */
export function checkArchitecture({ tree, layers }: Workspace): Finding[] {
  if (!tree.has(PATH))
    return [
      { path: PATH, wrong: 'There is no ARCHITECTURE.md', cure: 'Write the one page that shows the house' },
    ]
  const rows = readPage(tree.read(PATH)).tableUnder('Layers')
  if (!rows)
    return [
      {
        path: PATH,
        wrong: 'There is no table under "## Layers"',
        cure: 'Write one: | package | imports | purpose |',
      },
    ]
  const listed = rows.map((row) => ({ row, folder: namesIn(row, 0)[0] ?? '' }))
  const missing = Object.keys(layers.packages).filter(
    (folder) => !listed.some((each) => each.folder === folder),
  )
  return [
    ...missing.map((folder) => ({
      path: PATH,
      wrong: `The layer table misses ${folder}`,
      cure: `Add the row "${rowOf(folder, layers.packages[folder]?.imports ?? [])}"`,
    })),
    ...listed.flatMap(({ row, folder }) => {
      const imports = layers.packages[folder]?.imports
      const place = { path: PATH, line: row.line }
      if (!imports)
        return [
          {
            ...place,
            wrong: `The layer table names ${folder}, which layers.json does not`,
            cure: 'Remove the row',
          },
        ]
      if (sameNames(imports, namesIn(row, 1))) return []
      const wrong = `The layer table and layers.json differ about the imports of ${folder}`
      return [{ ...place, wrong, cure: `Write "${rowOf(folder, imports)}"` }]
    }),
  ]
}

function namesIn(row: TableRow, column: number): string[] {
  return [...(row.cells[column] ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name))
}

function rowOf(folder: string, imports: readonly string[]): string {
  return `| \`${folder}\` | ${imports.map((name) => `\`${name}\``).join(', ')} |`
}
