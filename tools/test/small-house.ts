import { type Finding, formatFindings } from '../src/finding.ts'
import { memoryTree } from '../src/tree.ts'
import { type Layer, type Manifest, type Port, readWorkspace, type Workspace } from '../src/workspace.ts'

/** A package of a made-up repository; everything that is left out is as it should be. */
export interface SmallPackage extends Partial<Layer> {
  readonly manifest?: Partial<Manifest>
  /** Further files by path in the package. */
  readonly files?: Readonly<Record<string, string>>
  /** Default: what `dependencies` ask for. */
  readonly references?: readonly string[]
}

export interface SmallHouse {
  readonly packages: Readonly<Record<string, SmallPackage>>
  readonly ports?: Readonly<Record<string, Port>>
  readonly files?: Readonly<Record<string, string>>
}

/** A repository in memory with the packages given. A package at `core/log` is called `@house/log`. */
export function smallHouse(house: SmallHouse): Workspace {
  const packages = Object.entries(house.packages)
  const layers = {
    packages: Object.fromEntries(packages.map(([folder, each]) => [folder, layerOf(each)])),
    ports: house.ports ?? {},
  }
  return readWorkspace(
    memoryTree({
      'package.json': JSON.stringify({
        name: 'house',
        workspaces: ['core/*', 'adapters/*', 'apps/*', 'testing/*'],
      }),
      'layers.json': JSON.stringify(layers),
      ...Object.assign({}, ...packages.map(([folder, each]) => packageFiles(folder, each))),
      ...house.files,
    }),
  )
}

/** What a check says, line by line. */
export function complaints(check: (workspace: Workspace) => Finding[], house: SmallHouse): string[] {
  return formatFindings(check(smallHouse(house)))
}

/** What a check says about one source file of core. */
export function complaintsAbout(
  check: (workspace: Workspace) => Finding[],
  code: string,
  path = 'core/log/src/log.ts',
): string[] {
  const [area = '', name = '', ...rest] = path.split('/')
  return complaints(check, { packages: { [`${area}/${name}`]: { files: { [rest.join('/')]: code } } } })
}

function layerOf({ imports, types, npm }: SmallPackage): Layer {
  return { imports: imports ?? [], ...(types ? { types } : {}), ...(npm ? { npm } : {}) }
}

function packageFiles(folder: string, { manifest, files, references }: SmallPackage): Record<string, string> {
  const name = `@house/${folder.split('/').at(-1)}`
  const all = {
    'package.json': JSON.stringify({ name, exports: { '.': './src/index.ts' }, ...manifest }),
    ...files,
  }
  const config = { references: (references ?? []).map((path) => ({ path })) }
  return Object.fromEntries(
    Object.entries({ 'tsconfig.json': JSON.stringify(config), ...all }).map(([path, text]) => [
      `${folder}/${path}`,
      text,
    ]),
  )
}
