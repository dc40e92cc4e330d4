import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Package, readJson, type Workspace } from '../workspace.ts'
import { builtPath, carriedFolders, type FullManifest, publishedManifest } from './published-manifest.ts'
import { publishedReadme, withBuiltNames, withLibrary, withSource } from './published-text.ts'

/**
 * The files of a package's `dist` that belong to a source; what an older build has left there does not. None if its
 * `exports` lead to no source: then it names in `files` what it carries.
 */
export function builtFiles(owner: Package): { readonly source: string; readonly built: string[] }[] {
  if (!JSON.stringify(owner.manifest.exports ?? {}).includes('"./src/')) return []
  return sourcesOf(owner).map((source) => ({
    source,
    built: [builtPath(source), `${builtPath(source)}.map`, builtPath(source, '.d.ts')],
  }))
}

/** Writes the package as it is published into the folder `target`, which is emptied before. */
export function stagePackage(workspace: Workspace, owner: Package, root: string, target: string): void {
  const { tree } = workspace
  const manifest = readJson<FullManifest>(tree, `${owner.folder}/package.json`)
  const home = join(root, owner.folder)
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(target, path)), { recursive: true })
    writeFileSync(join(target, path), text)
  }
  rmSync(target, { recursive: true, force: true })
  for (const { source, built } of builtFiles(owner)) {
    for (const path of built) {
      const text = readFileSync(join(home, path), 'utf8')
      const read = () => tree.read(`${owner.folder}/${source}`)
      write(path, publishedText(path, text, read))
    }
  }
  for (const folder of carriedFolders(manifest).filter((each) => each !== 'dist')) {
    cpSync(join(home, folder), join(target, folder), { recursive: true })
  }
  for (const path of Object.values(manifest.bin ?? {})) {
    write(path, withBuiltNames(readFileSync(join(home, path), 'utf8')))
  }
  const versionOf = (name: string) => {
    const sibling = workspace.packageNamed(name)
    return sibling && readJson<FullManifest>(tree, `${sibling.folder}/package.json`).version
  }
  const published = publishedManifest(manifest, versionOf, readJson<FullManifest>(tree, 'package.json'))
  write('package.json', `${JSON.stringify(published, null, 2)}\n`)
  write('README.md', publishedReadme(tree.read(`${owner.folder}/README.md`), owner.folder))
  if (existsSync(join(root, 'LICENSE'))) cpSync(join(root, 'LICENSE'), join(target, 'LICENSE'))
}

function publishedText(path: string, text: string, readSource: () => string): string {
  if (path.endsWith('.map')) return withSource(text, readSource())
  return path.endsWith('.d.ts') ? withLibrary(withBuiltNames(text)) : withBuiltNames(text)
}

function sourcesOf({ folder, files }: Package): string[] {
  return files
    .filter(({ part }) => part === 'src')
    .map(({ source }) => source.path.slice(folder.length + 1))
    .filter((path) => path.startsWith('src/') && path.endsWith('.ts'))
}
