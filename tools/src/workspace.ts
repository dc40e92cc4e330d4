import { parseSource, type Source } from './source.ts'
import type { Tree } from './tree.ts'

/** What `layers.json` says about one package. Names are folders; `core/*` stands for every folder below core. */
export interface Layer {
  readonly imports: readonly string[]
  /** Packages of which only types may be imported, beside those of `imports`. */
  readonly types?: readonly string[]
  /** npm packages that the sources may import. */
  readonly npm?: readonly string[]
}

/** A port: where it is declared, the conformance suite that proves it, and who must pass that suite. */
export interface Port {
  readonly package: string
  readonly suite: string
  readonly adapters: readonly string[]
}

export interface Layers {
  readonly packages: Readonly<Record<string, Layer>>
  readonly ports: Readonly<Record<string, Port>>
}

/** The fields of package.json that the checks read. */
export interface Manifest {
  readonly name: string
  readonly private?: boolean
  /** On a private package: its build is published all the same, see `npm run pack`. */
  readonly publishConfig?: unknown
  readonly workspaces?: readonly string[]
  readonly exports?: Readonly<Record<string, unknown>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** Where in its package a file stands: shipped code, tests, or configuration beside them. */
export type Part = 'src' | 'test' | 'configuration'

export interface Package {
  /** For example `core/bus`. */
  readonly folder: string
  readonly manifest: Manifest
  readonly files: readonly { readonly part: Part; readonly source: Source }[]
}

/** The repository as the checks see it: its files, its packages, its layers. */
export interface Workspace {
  readonly tree: Tree
  readonly layers: Layers
  readonly root: Manifest
  /** Ordered by folder. */
  readonly packages: readonly Package[]
  packageNamed(name: string): Package | undefined
}

export function readWorkspace(tree: Tree): Workspace {
  const root = readJson<Manifest>(tree, 'package.json')
  const layers = readJson<Layers>(tree, 'layers.json')
  const packages = packageFolders(tree, root.workspaces ?? []).map((folder) => readPackage(tree, folder))
  const byName = new Map(packages.map((each) => [each.manifest.name, each]))
  return { tree, layers, root, packages, packageNamed: (name) => byName.get(name) }
}

/** The files of one part, over all packages. */
export function filesOf(workspace: Workspace, ...parts: Part[]): { owner: Package; source: Source }[] {
  return workspace.packages.flatMap((owner) =>
    owner.files.filter((file) => parts.includes(file.part)).map(({ source }) => ({ owner, source })),
  )
}

/** True if `folder` is what `pattern` of layers.json names. */
export function matchesLayer(pattern: string, folder: string): boolean {
  return pattern.endsWith('/*') ? folder.startsWith(pattern.slice(0, -1)) : pattern === folder
}

/** Reads JSON in which whole lines may be comments, as in tsconfig.json. */
export function readJson<Shape>(tree: Tree, path: string): Shape {
  return JSON.parse(tree.read(path).replace(/^\s*\/\/.*$/gm, '')) as Shape
}

/** The package part of an import: `@scope/name` of `@scope/name/deep/file.ts`. */
export function packageNameOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}

function packageFolders(tree: Tree, patterns: readonly string[]): string[] {
  const folders = tree.paths
    .filter((path) => path.endsWith('/package.json'))
    .map((path) => path.slice(0, -13))
  return folders.filter((folder) =>
    patterns.some(
      (pattern) => matchesLayer(pattern, folder) && folder.split('/').length === pattern.split('/').length,
    ),
  )
}

function readPackage(tree: Tree, folder: string): Package {
  const paths = tree.paths.filter((path) => path.startsWith(`${folder}/`) && isCode(path))
  const files = paths.map((path) => ({
    part: partOf(path.slice(folder.length + 1)),
    source: parseSource(path, tree.read(path)),
  }))
  return { folder, manifest: readJson<Manifest>(tree, `${folder}/package.json`), files }
}

/** Fixtures of tests may be broken on purpose. */
function isCode(path: string): boolean {
  return /\.(ts|tsx|mts|js|mjs)$/.test(path) && !path.includes('/test/fixtures/')
}

function partOf(path: string): Part {
  if (path.startsWith('test/')) return 'test'
  return /\.config\.\w+$/.test(path) ? 'configuration' : 'src'
}
