import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Finding, formatFindings } from './finding.ts'
import { publishable } from './pack/publishable.ts'
import type { FullManifest } from './pack/published-manifest.ts'
import { builtFiles, stagePackage } from './pack/stage.ts'
import { readTarball } from './pack/tarball.ts'
import { checkTarball } from './pack/tarball-check.ts'
import { toolPath } from './programs.ts'
import { root } from './root.ts'
import { ensureNode } from './run/node-version.ts'
import { diskTree } from './tree.ts'
import { type Package, readWorkspace } from './workspace.ts'

/** A package as it would be published. */
export interface PackedPackage {
  readonly name: string
  readonly version: string
  /** The tarball. */
  readonly path: string
  readonly bytes: number
  readonly unpackedBytes: number
  readonly files: number
}

export interface PackResult {
  readonly packages: readonly PackedPackage[]
  readonly findings: readonly Finding[]
  /** What is not private, and needs something that is. */
  readonly held: readonly { readonly name: string; readonly needs: string }[]
}

/** What `npm pack --json` says of one tarball, as far as it is used here. */
interface NpmPacked {
  readonly name: string
  readonly version: string
  readonly filename: string
  readonly size: number
  readonly unpackedSize: number
  readonly entryCount: number
}

/**
 * Builds the packages `names` (none: all that can be published) with the siblings they need, writes a tarball of each into
 * `folder`, and looks each tarball over.
 */
export function pack(names: readonly string[], folder: string): PackResult {
  const workspace = readWorkspace(diskTree(root))
  const { packages, held } = publishable(workspace, names)
  mkdirSync(folder, { recursive: true })
  build(packages)
  for (const owner of packages) buildSite(owner)
  const staged = packages.map((owner) => {
    const target = join(folder, 'staged', owner.folder)
    stagePackage(workspace, owner, root, target)
    return target
  })
  for (const old of readdirSync(folder)) if (old.endsWith('.tgz')) rmSync(join(folder, old))
  const packed = npmPack(staged, folder)
  const findings = packed.flatMap(({ name, path }) => checkTarball(name, readTarball(readFileSync(path))))
  return { packages: packed, findings, held }
}

/** The compiler trusts its own records; where somebody has removed what they speak of, everything is built again. */
function build(packages: readonly Package[]): void {
  const folders = packages.map(({ folder }) => folder)
  run(toolPath('typescript'), ['-b', ...folders], root)
  const isWhole = packages.every((owner) =>
    builtFiles(owner).every(({ built }) => built.every((path) => existsSync(join(root, owner.folder, path)))),
  )
  if (!isWhole) run(toolPath('typescript'), ['-b', '--force', ...folders], root)
}

/** What the compiler does not build, a package builds itself. */
function buildSite({ folder, manifest }: Package): void {
  if ((manifest as FullManifest).scripts?.build !== undefined) npm(['run', 'build', '-w', folder], root)
}

function npm(args: readonly string[], cwd: string): string {
  const isWindows = process.platform === 'win32'
  const options = { cwd, encoding: 'utf8', shell: isWindows } as const
  const { status, stdout, stderr } = spawnSync(isWindows ? 'npm.cmd' : 'npm', args, options)
  if (status !== 0) throw new Error(`npm ${args[0]} failed: ${stderr || stdout}`)
  return stdout
}

function npmPack(staged: readonly string[], folder: string): PackedPackage[] {
  const args = ['pack', ...staged, '--json', '--ignore-scripts', '--pack-destination', folder]
  return (JSON.parse(npm(args, folder)) as NpmPacked[]).map((each) => ({
    name: each.name,
    version: each.version,
    path: join(folder, each.filename),
    bytes: each.size,
    unpackedBytes: each.unpackedSize,
    files: each.entryCount,
  }))
}

function run(script: string, args: readonly string[], cwd: string): void {
  const { status, stdout } = spawnSync(process.execPath, [script, ...args], { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`The packages do not compile:\n${stdout}`)
}

const HELP = `npm run pack -- [package ...] [--to folder] [--json]

Writes the tarballs that would be published into .cache/packages, and looks each over. Exit code 0: all can be published;
1: something is wrong with one. Packages that a named one needs are packed with it.`

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { to: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean' } },
  })
  if (values.help) {
    console.log(HELP)
    return
  }
  const result = pack(positionals, resolve(values.to ?? join(root, '.cache', 'packages')))
  if (result.findings.length > 0) process.exitCode = 1
  if (values.json) console.log(JSON.stringify(result))
  else print(result)
}

function print({ packages, held, findings }: PackResult): void {
  for (const { name, version, path, bytes, files } of packages) {
    console.log(`${`${name}@${version}`.padEnd(30)} ${kilobytes(bytes)} in ${files} files  ${path}`)
  }
  for (const { name, needs } of held)
    console.log(`${name} is not packed: it needs ${needs}, which is private.`)
  for (const line of formatFindings(findings)) console.log(line)
  console.log(`${packages.length} packages, ${findings.length} findings`)
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`.padStart(9)
}

if (import.meta.main) {
  ensureNode()
  main()
}
