import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
/** What a program installs that keeps a log, and where the sources of all of it are. */
const PACKAGES = ['@millrace/log', '@millrace/node']
const SOURCES = ['core/kernel', 'core/log', 'adapters/node']
const STAMP = 'built.json'

/**
 * A folder in which the packages are installed as their users have them: built, from the tarballs that `npm run pack`
 * makes. Made when it is missing, or older than the sources.
 */
export async function builtPackages(progress: (line: string) => void): Promise<string> {
  const folder = join(ROOT, '.cache', 'bench-packages')
  if (isNewerThanSources(join(folder, STAMP))) return folder
  progress('building the packages, and installing them as their users have them …')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const packed = join(folder, 'packed')
  await npm(ROOT, ['run', 'pack', '--silent', '--', ...PACKAGES, '--to', packed])
  writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}\n')
  const tarballs = readdirSync(packed).filter((name) => name.endsWith('.tgz'))
  const quietly = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--silent']
  await npm(folder, ['install', ...quietly, ...tarballs.map((name) => `./packed/${name}`)])
  writeFileSync(join(folder, STAMP), `${JSON.stringify({ packages: PACKAGES })}\n`)
  return folder
}

/**
 * Writes modules of ours, by their paths from here, beside those packages, as JavaScript; answers where the first is. Its
 * process then has no compiler in its memory, and nothing of the workspace.
 */
export function writeBeside(folder: string, modules: readonly string[]): string {
  const targets = modules.map((path) => {
    const target = join(folder, 'bench', path.replace(/\.ts$/, '.js'))
    const source = readFileSync(new URL(path, import.meta.url), 'utf8')
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, stripTypeScriptTypes(source).replaceAll(/(from '\.[^']*)\.ts'/g, "$1.js'"))
    return target
  })
  return targets[0] ?? ''
}

function isNewerThanSources(stamp: string): boolean {
  if (!existsSync(stamp)) return false
  const builtMs = statSync(stamp).mtimeMs
  return SOURCES.every((folder) => {
    const names = readdirSync(join(ROOT, folder, 'src'), { recursive: true, encoding: 'utf8' })
    return [...names.map((name) => join('src', name)), 'package.json'].every(
      (name) => statSync(join(ROOT, folder, name)).mtimeMs < builtMs,
    )
  })
}

async function npm(folder: string, args: readonly string[]): Promise<void> {
  const child = spawn('npm', args, {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`npm ${args[0]} in ${folder} ended with exit code ${code}`)
}
