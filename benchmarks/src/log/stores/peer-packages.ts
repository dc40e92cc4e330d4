import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A folder with a lock file of its own: what the log is measured against is no part of the workspace. */
const FOLDER = fileURLToPath(new URL('../../../peers', import.meta.url))

/** The installed version of a peer; undefined if it is not installed. */
export function peerVersion(name: string): string | undefined {
  try {
    const manifest = JSON.parse(readFileSync(join(FOLDER, 'node_modules', name, 'package.json'), 'utf8'))
    return String(manifest.version)
  } catch {
    return undefined
  }
}

/** What a peer exports. Its types are not here, since it is not: the caller says as much of them as it uses. */
export function loadPeer<Exports>(name: string): Exports {
  return createRequire(join(FOLDER, 'package.json'))(name) as Exports
}

/** Installs the locked versions, without running their install scripts. */
export async function installPeers(progress: (line: string) => void): Promise<void> {
  progress(`installing the peers of the log in ${FOLDER} …`)
  const npm = spawn('npm', ['ci', '--no-workspaces', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: FOLDER,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  })
  const [code] = await once(npm, 'exit')
  if (code !== 0) throw new Error(`npm ci in ${FOLDER} ended with exit code ${code}`)
}
