import type { Manifest } from '../workspace.ts'

/** A package.json with the fields that a registry shows. */
export interface FullManifest extends Manifest {
  readonly version: string
  readonly description?: string
  readonly keywords?: readonly string[]
  readonly license?: string
  readonly repository?: unknown
  readonly type?: string
  readonly engines?: Readonly<Record<string, string>>
  readonly bin?: Readonly<Record<string, string>>
  /** What the package carries beside `dist`, its README and the licence. */
  readonly files?: readonly string[]
  readonly scripts?: Readonly<Record<string, string>>
}

/** Where the compiler's output of a source stands: `./src/a.ts` → `./dist/a.js`. Other paths stay as they are. */
export function builtPath(source: string, suffix: '.js' | '.d.ts' = '.js'): string {
  const match = /^(\.\/)?src\/(.+)\.ts$/.exec(source)
  return match === null ? source : `${match[1] ?? ''}dist/${match[2]}${suffix}`
}

/**
 * The package.json that is published: its `exports` lead to what was built, siblings are named with their exact versions,
 * and nothing of the workspace is left in it.
 *
 * @param root says where the repository is; while it does not know, the package does not say either
 */
export function publishedManifest(
  manifest: FullManifest,
  versionOf: (sibling: string) => string | undefined,
  root: { readonly repository?: unknown } = {},
): FullManifest {
  const { name, version, description, keywords, license, type, engines, bin, dependencies } = manifest
  const exports = Object.entries(manifest.exports ?? {}).map(([path, target]) => [
    path,
    publishedTarget(target),
  ])
  return {
    name,
    version,
    ...(description === undefined ? {} : { description }),
    ...(keywords === undefined ? {} : { keywords }),
    ...(license === undefined ? {} : { license }),
    ...(root.repository === undefined ? {} : { repository: root.repository }),
    ...(type === undefined ? {} : { type }),
    ...(engines === undefined ? {} : { engines }),
    exports: { ...Object.fromEntries(exports), './package.json': './package.json' },
    ...(bin === undefined ? {} : { bin }),
    files: carriedFolders(manifest),
    // A package with a scope is published for nobody unless it says so.
    publishConfig: { access: 'public' },
    dependencies: Object.fromEntries(
      Object.entries(dependencies ?? {}).map(([each, range]) => [each, versionOf(each) ?? range]),
    ),
  }
}

/** Folders and files beside README and licence, which npm always takes along. */
export function carriedFolders({ bin, files }: FullManifest): string[] {
  const folders = Object.values(bin ?? {}).map((path) => path.replace(/\/[^/]*$/, ''))
  const built = files?.some((path) => path.startsWith('dist/')) ? [] : ['dist']
  return [...new Set([...built, ...folders, ...(files ?? [])])]
}

function publishedTarget(target: unknown): unknown {
  if (typeof target !== 'string' || builtPath(target) === target) return target
  return { types: builtPath(target, '.d.ts'), default: builtPath(target) }
}
