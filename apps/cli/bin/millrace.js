#!/usr/bin/env node
// Plain JavaScript that any Node can read: it makes sure that the rest runs on a Node that can run TypeScript.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major > 22 || (major === 22 && minor >= 18)) {
  const { main } = await import('../src/main.ts')
  process.exitCode = await main(process.argv.slice(2))
  // Interrupted: what is still on its way to a reader that does not read must not keep the process.
  if (process.exitCode === 130) process.exit()
} else {
  const node = newerNode()
  if (node === undefined) {
    console.error(
      `Millrace needs Node 22.18 or newer, this is ${process.versions.node}. "npm install" brings one along.`,
    )
    process.exitCode = 2
  } else {
    const { status } = spawnSync(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
      stdio: 'inherit',
    })
    process.exitCode = status ?? 1
  }
}

/** The Node that npm installed beside us, if there is one. */
function newerNode() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  for (let directory = dirname(fileURLToPath(import.meta.url)); ; directory = dirname(directory)) {
    const node = join(directory, 'node_modules', '.bin', name)
    if (existsSync(node)) return node
    if (directory === dirname(directory)) return undefined
  }
}
