import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expectedReferences } from './layers/references.ts'
import { root } from './root.ts'
import { diskTree } from './tree.ts'
import { readJson, readWorkspace } from './workspace.ts'

/** Writes the references of every tsconfig.json as the package.json files ask for them. */
const workspace = readWorkspace(diskTree(root))
const changed: string[] = []
for (const { path, references } of expectedReferences(workspace)) {
  const config = readJson<{ references?: { path: string }[] }>(workspace.tree, path)
  const present = (config.references ?? []).map((each) => each.path)
  if (present.length === references.length && references.every((each) => present.includes(each))) continue
  const text = JSON.stringify({ ...config, references: references.map((each) => ({ path: each })) }, null, 2)
  writeFileSync(join(root, path), `${text}\n`)
  changed.push(path)
}
if (changed.length > 0) {
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
  spawnSync(process.execPath, [biome, 'format', '--write', ...changed], { cwd: root, stdio: 'ignore' })
}
console.log(changed.length === 0 ? 'Every tsconfig.json is up to date.' : `Written: ${changed.join(', ')}`)
