import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../root.ts'

/** The oldest Node that runs TypeScript sources as they are. */
const OLDEST = [22, 18] as const

export function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])
}

/** Starts this script again on the Node that the workspace brings, if the one that runs is too old. */
export function ensureNode(): void {
  if (!isTooOld(process.version)) return
  const own = join(root, 'node_modules/.bin/node')
  if (!existsSync(own)) {
    console.error(`Node ${process.version} is too old, and node_modules has none. Run "npm install" first.`)
    process.exit(1)
  }
  console.error(
    `Node ${process.version} is older than ${OLDEST.join('.')}: going on with that of node_modules.`,
  )
  const again = spawnSync(own, process.argv.slice(1), { stdio: 'inherit' })
  process.exit(again.status ?? 1)
}
