import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { root } from './root.ts'

/** The scripts of the installed tools, started with our own Node, so that no shell and no suffix is needed. */
const TOOLS = {
  biome: '@biomejs/biome/bin/biome',
  typescript: 'typescript/bin/tsc',
  vitest: 'vitest/vitest.mjs',
} as const

export function toolPath(tool: keyof typeof TOOLS): string {
  return join(root, 'node_modules', TOOLS[tool])
}

/** The first of `names` that is installed on this machine, as a path. */
export function findProgram(
  names: readonly string[],
  path: string = process.env.PATH ?? '',
): string | undefined {
  const folders = [...path.split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
