import { isBuiltin } from 'node:module'
import { posix } from 'node:path'
import type { Finding } from '../finding.ts'
import { readPage, resolveLink } from '../markdown.ts'
import { parseSource } from '../source.ts'
import { packageNameOf } from '../workspace.ts'
import type { FullManifest } from './published-manifest.ts'
import type { Tarball } from './tarball.ts'

const FORBIDDEN =
  /(^|\/)(test|src|node_modules)\/|\.(test|spec)\.|\.tsbuildinfo$|(?<!\.d)\.ts$|(^|\/)tsconfig/
const CURE = 'Correct tools/src/pack, or what the package says of itself'

/** Looks for what would make a published package fail at somebody else's, or make him carry what he does not need. */
export function checkTarball(name: string, tarball: Tarball): Finding[] {
  const text = tarball.get('package.json')
  if (text === undefined) return [{ path: name, wrong: 'There is no package.json', cure: CURE }]
  const manifest = JSON.parse(text) as FullManifest
  const complaints = [
    ...checkFiles(tarball),
    ...checkManifest(manifest),
    ...checkExports(manifest, tarball),
    ...[...tarball.keys()].flatMap((path) => checkFile(manifest, tarball, path)),
  ]
  return complaints.map((wrong) => ({ path: name, wrong, cure: CURE }))
}

function checkFiles(tarball: Tarball): string[] {
  const missing = ['README.md', 'LICENSE'].filter((path) => !tarball.has(path))
  const tooMuch = [...tarball.keys()].filter((path) => FORBIDDEN.test(path))
  return [
    ...missing.map((path) => `${path} is missing`),
    ...tooMuch.map((path) => `${path} is of no use to whoever installs the package`),
  ]
}

function checkManifest(manifest: FullManifest): string[] {
  const { devDependencies, scripts, dependencies, files } = manifest
  const loose = Object.entries(dependencies ?? {}).filter(([, range]) => !/^\d+\.\d+\.\d+$/.test(range))
  return [
    ...(devDependencies === undefined ? [] : ['package.json has devDependencies']),
    ...(scripts === undefined ? [] : ['package.json has scripts, which may run when it is installed']),
    ...(files === undefined ? ['package.json has no files'] : []),
    ...loose.map(([name, range]) => `${name} is asked for as "${range}", which is not one exact version`),
  ]
}

function checkExports({ exports, bin }: FullManifest, tarball: Tarball): string[] {
  const targets = Object.entries(exports ?? {}).flatMap(([path, target]) => targetsOf(path, target))
  const named = [...targets, ...Object.entries(bin ?? {})]
  const missing = named.filter(([, target]) => !tarball.has(target.replace(/^\.\//, '')))
  const untyped = Object.entries(exports ?? {}).filter(
    ([, target]) => typeof target === 'string' && target.endsWith('.js'),
  )
  return [
    ...missing.map(([path, target]) => `"${path}" leads to ${target}, which is not there`),
    ...untyped.map(([path]) => `"${path}" has no types`),
  ]
}

function targetsOf(path: string, target: unknown): [string, string][] {
  if (typeof target === 'string') return [[path, target]]
  return Object.values(target ?? {}).flatMap((each) => targetsOf(path, each))
}

function checkFile(manifest: FullManifest, tarball: Tarball, path: string): string[] {
  if (path.endsWith('.md')) return checkLinks(tarball, path)
  if (path.endsWith('.js.map')) return checkMap(tarball, path)
  if (!/\.(js|d\.ts)$/.test(path)) return []
  const text = tarball.get(path) ?? ''
  const imported = parseSource(path, text).imports.map(({ specifier }) => specifier)
  const byUrl = [...text.matchAll(/new URL\(['"](\.[^'"]*)['"],\s*import\.meta\.url\)/g)]
  const names = [...imported, ...byUrl.map((match) => match[1] ?? '')]
  return names.flatMap((specifier) => checkSpecifier(manifest, tarball, path, specifier))
}

function checkSpecifier(manifest: FullManifest, tarball: Tarball, path: string, specifier: string): string[] {
  if (isBuiltin(specifier)) return []
  if (!specifier.startsWith('.')) {
    const name = packageNameOf(specifier)
    const isKnown = name === manifest.name || Object.hasOwn(manifest.dependencies ?? {}, name)
    return isKnown ? [] : [`${path} imports ${name}, which the package does not depend on`]
  }
  const target = posix.join(posix.dirname(path), specifier)
  const inDeclarations = target.replace(/\.js$/, '.d.ts')
  const isThere = path.endsWith('.d.ts')
    ? tarball.has(inDeclarations)
    : tarball.has(target) || [...tarball.keys()].some((each) => each.startsWith(posix.join(target, '/')))
  return isThere ? [] : [`${path} names ${specifier}, which is not there`]
}

/** Without its source a map leads to a file that nobody has. */
function checkMap(tarball: Tarball, path: string): string[] {
  const { sources, sourcesContent } = JSON.parse(tarball.get(path) ?? '') as {
    sources: string[]
    sourcesContent?: (string | null)[]
  }
  const isWhole = sources.length === sourcesContent?.length && sourcesContent.every((each) => each !== null)
  return isWhole ? [] : [`${path} does not carry its source`]
}

function checkLinks(tarball: Tarball, path: string): string[] {
  return readPage(tarball.get(path) ?? '')
    .links.map(({ target }) => ({ target, place: resolveLink(path, target)?.path }))
    .filter(({ place }) => place !== undefined && !tarball.has(place))
    .map(({ target }) => `${path} links to ${target}, which is not there`)
}
