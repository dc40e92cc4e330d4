import { describe, expect, test } from 'vitest'
import { checkCycles } from '../src/layers/cycles.ts'
import { checkDeclared } from '../src/layers/declared.ts'
import { checkDirection } from '../src/layers/direction.ts'
import { checkMembership } from '../src/layers/membership.ts'
import { checkReach } from '../src/layers/reach.ts'
import { checkReferences } from '../src/layers/references.ts'
import { complaints, type SmallPackage } from './small-house.ts'

const importing = (line: string): SmallPackage => ({ files: { 'src/index.ts': `${line}\n` } })
const kernel: SmallPackage = { files: { 'src/index.ts': 'export const now = 1\n' } }

describe('direction', () => {
  test('an import against the direction is reported with a port as the cure', () => {
    const packages = { 'core/kernel': importing("import { append } from '@house/log'"), 'core/log': kernel }
    expect(complaints(checkDirection, { packages })).toEqual([
      'core/kernel/src/index.ts:1: core/kernel imports core/log, which layers.json does not allow (it allows nothing). Declare a port in core/kernel that core/log implements, or move the code to a package that may know both; only if the direction itself is right, add "core/log" to the imports of "core/kernel" in layers.json.',
    ])
  })

  test('an import that layers.json grants, by name or by folder, is allowed', () => {
    const byName = { ...importing("import { now } from '@house/kernel'"), imports: ['core/kernel'] }
    const byFolder = { ...importing("import { now } from '@house/kernel'"), imports: ['core/*'] }
    expect(
      complaints(checkDirection, {
        packages: { 'core/kernel': kernel, 'core/log': byName, 'apps/cli': byFolder },
      }),
    ).toEqual([])
  })

  test('a package granted under "types" may give types but no values', () => {
    const types = ['core/kernel']
    const type = { ...importing("import type { Now } from '@house/kernel'"), types }
    const value = { ...importing("import { now } from '@house/kernel'"), types }
    expect(complaints(checkDirection, { packages: { 'core/kernel': kernel, 'apps/console': type } })).toEqual(
      [],
    )
    expect(
      complaints(checkDirection, { packages: { 'core/kernel': kernel, 'apps/console': value } }),
    ).toHaveLength(1)
  })

  test('a type is an import too', () => {
    const packages = { 'core/kernel': importing("import type { Log } from '@house/log'"), 'core/log': kernel }
    expect(complaints(checkDirection, { packages })[0]).toMatch(
      /^core\/kernel\/src\/index.ts:1: core\/kernel imports a type of core\/log,/,
    )
  })

  test('an npm package that layers.json does not name is reported, in core with an adapter as the cure', () => {
    const packages = {
      'core/log': importing("import pg from 'pg'"),
      'apps/cli': importing("import pg from 'pg'"),
    }
    expect(complaints(checkDirection, { packages })).toEqual([
      'apps/cli/src/index.ts:1: apps/cli imports the npm package pg, which layers.json does not allow (it allows nothing). Do without it, or add it to "npm" of "apps/cli" in layers.json with the reason in docs/decisions.',
      'core/log/src/index.ts:1: core/log imports the npm package pg, which layers.json does not allow (it allows nothing). Declare a port and use pg in an adapter; core takes only pure packages, named in "npm" of "core/log".',
    ])
  })

  test('a path below an allowed npm package is allowed, and so is what Node brings', () => {
    const code = "import '@scope/ui/styles.css'\nimport { join } from 'node:path'"
    expect(
      complaints(checkDirection, {
        packages: { 'apps/console': { ...importing(code), npm: ['@scope/ui'] } },
      }),
    ).toEqual([])
  })

  test('a package does not import itself by name', () => {
    expect(
      complaints(checkDirection, { packages: { 'core/log': importing("import { a } from '@house/log'") } }),
    ).toEqual([
      'core/log/src/index.ts:1: core/log imports itself by name. Import the file by its relative path.',
    ])
  })
})

describe('declared', () => {
  test('a package that is used but not declared is reported with the place to declare it', () => {
    const packages = {
      'core/kernel': kernel,
      'core/log': importing("import { now } from '@house/kernel'\nimport 'pg'"),
    }
    expect(complaints(checkDeclared, { packages })).toEqual([
      'core/log/src/index.ts:1: core/log uses @house/kernel without declaring it. Add "@house/kernel" to the dependencies in core/log/package.json with the version of the workspace.',
      'core/log/src/index.ts:2: core/log uses pg without declaring it. Add "pg" to the dependencies in core/log/package.json.',
    ])
  })

  test('what only development brings counts for a private package and for no other', () => {
    const using = importing("import 'react'")
    const devDependencies = { react: '19.0.0' }
    const packages = (isPrivate: boolean) => ({
      'apps/console': { ...using, manifest: { private: isPrivate, devDependencies } },
    })
    expect(complaints(checkDeclared, { packages: packages(true) })).toEqual([])
    expect(complaints(checkDeclared, { packages: packages(false) })).toHaveLength(1)
  })

  test('a test may use every package of the workspace, but no npm package that nobody declares', () => {
    const files = { 'test/log.test.ts': "import '@house/kernel'\nimport 'hoisted'\n" }
    expect(complaints(checkDeclared, { packages: { 'core/kernel': kernel, 'core/log': { files } } })).toEqual(
      [
        'core/log/test/log.test.ts:2: hoisted is declared by no package.json of the workspace. Add it to devDependencies in core/log/package.json or in the root.',
      ],
    )
  })
})

describe('reach', () => {
  test('a relative path out of its package is reported in sources and in tests', () => {
    const files = {
      'src/log.ts': "import { now } from '../../kernel/src/index.ts'\n",
      'test/log.test.ts': "import '../../../shared.ts'\n",
    }
    expect(complaints(checkReach, { packages: { 'core/kernel': kernel, 'core/log': { files } } })).toEqual([
      `core/log/src/log.ts:1: "../../kernel/src/index.ts" is a relative path that leaves core/log. Import it from '@house/kernel', and export it there if it is missing.`,
      'core/log/test/log.test.ts:1: "../../../shared.ts" is a relative path that leaves core/log. Move the file into a package, and import it by the name of the package.',
    ])
  })

  test('a deep import is reported, and a path that exports open is not', () => {
    const shapes = { manifest: { exports: { '.': './src/index.ts', './shapes': './src/shapes.ts' } } }
    const deep = importing("import '@house/kernel/shapes'\nimport '@house/kernel/src/clock.ts'")
    expect(complaints(checkReach, { packages: { 'core/kernel': shapes, 'core/log': deep } })).toEqual([
      `core/log/src/index.ts:2: "@house/kernel/src/clock.ts" reaches into core/kernel past its exports. Import from '@house/kernel', and export the name in core/kernel/src/index.ts if others need it.`,
    ])
  })
})

describe('cycles', () => {
  test('files that load each other are reported as the way round', () => {
    const files = {
      'src/a.ts': "import { b } from './b.ts'\n",
      'src/b.ts': "export { c } from './deep/c.ts'\n",
      'src/deep/c.ts': "import { a } from '../a.ts'\n",
    }
    expect(complaints(checkCycles, { packages: { 'core/log': { files } } })).toEqual([
      'core/log/src/a.ts: These files load each other in a circle: src/a.ts → src/b.ts → src/deep/c.ts → src/a.ts. Move what both need into a file of its own, or make one of the imports an "import type".',
    ])
  })

  test.each([
    ['import type', "import type { A } from './a.ts'"],
    ['import()', "export const load = () => import('./a.ts')"],
  ])('%s closes no circle', (_, line) => {
    const files = { 'src/a.ts': "import { b } from './b.ts'\n", 'src/b.ts': `${line}\n` }
    expect(complaints(checkCycles, { packages: { 'core/log': { files } } })).toEqual([])
  })

  test('"import { type A }" loads the file, and so closes a circle', () => {
    const files = {
      'src/a.ts': "import { b } from './b.ts'\n",
      'src/b.ts': "import { type A } from './a.ts'\n",
    }
    expect(complaints(checkCycles, { packages: { 'core/log': { files } } })).toHaveLength(1)
  })

  test('packages that load each other are reported, and tests may close the circle', () => {
    const log = importing("import '@house/kernel'")
    const back = { 'test/kernel.test.ts': "import '@house/log'\n" }
    expect(
      complaints(checkCycles, { packages: { 'core/kernel': { files: back }, 'core/log': log } }),
    ).toEqual([])
    expect(
      complaints(checkCycles, {
        packages: { 'core/kernel': importing("import '@house/log'"), 'core/log': log },
      }),
    ).toEqual([
      'core/kernel/package.json: These packages load each other in a circle: core/kernel → core/log → core/kernel. Let the lower one declare a port that the upper one implements, or move what both need below both.',
    ])
  })
})

describe('membership', () => {
  test('a package that layers.json misses and a name that it invents are reported', () => {
    const files = {
      'layers.json': '{ "packages": { "core/old": { "imports": ["core/gone"] } }, "ports": {} }',
    }
    expect(complaints(checkMembership, { packages: { 'core/log': {} }, files })).toEqual([
      'core/log/package.json: The package core/log is missing in layers.json. Add "core/log" to "packages" there, with the packages that it may import.',
      'layers.json: "core/old" in packages names no package of the workspace. Correct the name, or remove the entry.',
      'layers.json: "core/gone" in the imports of core/old names no package of the workspace. Correct the name, or remove the entry.',
    ])
  })
})

describe('references', () => {
  const manifest = { dependencies: { '@house/kernel': '0.1.0' } }

  test('references that differ from package.json are reported with the command that writes them', () => {
    const packages = { 'core/kernel': { references: ['../log'] }, 'core/log': { manifest, references: [] } }
    expect(complaints(checkReferences, { packages })).toEqual([
      'core/kernel/tsconfig.json: The references name ../log too much, compared with package.json. Run "npm run sync".',
      'core/log/tsconfig.json: The references miss ../kernel, compared with package.json. Run "npm run sync".',
    ])
  })

  test('the roots refer to every package, the tests to all but those that they exclude', () => {
    const packages = { 'core/kernel': {}, 'apps/console': {} }
    const files = {
      'tsconfig.json': '{ "references": [{ "path": "./core/kernel" }, { "path": "./tsconfig.tests.json" }] }',
      'tsconfig.tests.json':
        '{ "exclude": ["apps/console/**"], "references": [{ "path": "./core/kernel" }] }',
    }
    expect(complaints(checkReferences, { packages, files })).toEqual([
      'tsconfig.json: The references miss ./apps/console, compared with package.json. Run "npm run sync".',
    ])
  })

  test('a package without tsconfig.json is reported', () => {
    const files = { 'core/log/package.json': '{ "name": "@house/log" }' }
    expect(complaints(checkReferences, { packages: {}, files })).toEqual([
      'core/log/tsconfig.json: The package core/log has no tsconfig.json. Copy the one of a neighbour, then run "npm run sync".',
    ])
  })
})
