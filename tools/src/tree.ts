import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'

/** The files of a repository, as the checks see them. Paths are relative to the root, with forward slashes. */
export interface Tree {
  readonly paths: readonly string[]
  /** True for a file and for a folder that holds one. */
  has(path: string): boolean
  /** The text of a file; throws if there is none. */
  read(path: string): string
}

const SKIPPED_FOLDERS = new Set(['node_modules', 'dist', 'coverage', '.git', '.cache', '.millrace'])

/** The files below `root`, without what is installed or built. Texts are read when they are asked for, once. */
export function diskTree(root: string): Tree {
  const paths = readdirSync(root, { withFileTypes: true }).flatMap((entry) => listPaths(root, '', entry))
  const texts = new Map<string, string>()
  return treeOf(paths, (path) => {
    const known = texts.get(path)
    if (known !== undefined) return known
    const text = readFileSync(join(root, path), 'utf8')
    texts.set(path, text)
    return text
  })
}

/** A tree of texts given by path, for tests. */
export function memoryTree(files: Readonly<Record<string, string>>): Tree {
  return treeOf(Object.keys(files), (path) => {
    const text = files[path]
    if (text === undefined) throw new Error(`There is no file ${path} in this tree.`)
    return text
  })
}

function treeOf(unsorted: readonly string[], read: (path: string) => string): Tree {
  const paths = [...unsorted].sort()
  const known = new Set<string>(['.'])
  for (const path of paths) {
    for (let place = path; place !== '.' && !known.has(place); place = posix.dirname(place)) known.add(place)
  }
  return { paths, has: (path) => known.has(path), read }
}

interface Entry {
  readonly name: string
  isDirectory(): boolean
  isFile(): boolean
}

function listPaths(root: string, folder: string, entry: Entry): string[] {
  const path = posix.join(folder, entry.name)
  if (entry.isFile()) return [path]
  if (!entry.isDirectory() || SKIPPED_FOLDERS.has(entry.name)) return []
  return readdirSync(join(root, path), { withFileTypes: true }).flatMap((child) =>
    listPaths(root, path, child),
  )
}
