import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { formatFindings } from '../src/finding.ts'
import { publishable } from '../src/pack/publishable.ts'
import { publishedManifest } from '../src/pack/published-manifest.ts'
import { publishedReadme, withBuiltNames, withLibrary, withSource } from '../src/pack/published-text.ts'
import { readTarball } from '../src/pack/tarball.ts'
import { checkTarball } from '../src/pack/tarball-check.ts'
import { smallHouse } from './small-house.ts'

describe('what is packed', () => {
  const workspace = smallHouse({
    packages: {
      'core/kernel': {},
      'core/log': { imports: ['core/kernel'], manifest: { dependencies: { '@house/kernel': '1.0.0' } } },
      'adapters/node': { imports: ['core/log'], manifest: { dependencies: { '@house/log': '1.0.0' } } },
      'apps/console': { manifest: { private: true } },
      'apps/cli': { manifest: { dependencies: { '@house/console': '1.0.0' } } },
      'apps/site': { manifest: { private: true, publishConfig: { access: 'public' } } },
    },
  })
  const namesOf = (...names: string[]) =>
    publishable(workspace, names).packages.map(({ manifest }) => manifest.name)

  test('a package brings the siblings that it needs, and they stand before it', () => {
    expect(namesOf('@house/node')).toEqual(['@house/kernel', '@house/log', '@house/node'])
  })

  test('without names it is everything that can be published, and needs nothing that cannot', () => {
    expect(namesOf().toSorted()).toEqual(['@house/kernel', '@house/log', '@house/node', '@house/site'])
    expect(publishable(workspace).held).toEqual([{ name: '@house/cli', needs: '@house/console' }])
  })

  test('a name that cannot be packed is refused with the reason', () => {
    expect(() => namesOf('@house/console')).toThrow('it is private or unknown')
    expect(() => namesOf('@house/cli')).toThrow('it needs @house/console, which is private')
  })
})

test('the published manifest leads to what was built, and nothing of the workspace is left in it', () => {
  const manifest = {
    name: '@house/log',
    version: '1.2.3',
    type: 'module',
    exports: { '.': './src/index.ts', './deep': './src/deep/part.ts', './data.json': './data.json' },
    bin: { log: 'bin/log.js' },
    files: ['templates'],
    dependencies: { '@house/kernel': '*', other: '2.0.0' },
    devDependencies: { vitest: '1.0.0' },
    scripts: { build: 'make' },
  }
  expect(publishedManifest(manifest, (name) => (name === '@house/kernel' ? '1.2.3' : undefined))).toEqual({
    name: '@house/log',
    version: '1.2.3',
    type: 'module',
    exports: {
      '.': { types: './dist/index.d.ts', default: './dist/index.js' },
      './deep': { types: './dist/deep/part.d.ts', default: './dist/deep/part.js' },
      './data.json': './data.json',
      './package.json': './package.json',
    },
    bin: { log: 'bin/log.js' },
    files: ['dist', 'bin', 'templates'],
    publishConfig: { access: 'public' },
    dependencies: { '@house/kernel': '1.2.3', other: '2.0.0' },
  })
})

test('names of sources become names of what was built, and no text gets longer', () => {
  const before = [
    "export { a } from './a.ts'",
    "import '../b.ts'",
    "let c: import('./c.ts').C",
    "new URL('./worker.ts', import.meta.url)",
  ].join('\n')
  const after = withBuiltNames(before)
  expect(after).toBe(before.replaceAll('.ts', '.js'))
  expect(withBuiltNames("await import('../src/main.ts')")).toBe("await import('../dist/main.js')")
  expect(withBuiltNames("console.log('run ./app.ts')")).toBe("console.log('run ./app.ts')")
})

test('a declaration brings the library of disposables if it speaks of them', () => {
  const library = '/// <reference lib="esnext.disposable" />\n'
  expect(withLibrary('interface Log extends AsyncDisposable {}')).toMatch(library)
  expect(withLibrary('interface A { [Symbol.dispose](): void }')).toMatch(library)
  expect(withLibrary('interface A {}')).toBe('interface A {}')
})

test('a README says where a page stands that does not come with the package', () => {
  const readme = (text: string) => publishedReadme(text, 'core/log')
  expect(readme('[the format](../../docs/format.md#frames) and [below](#limits)')).toBe(
    'the format (`docs/format.md` in the repository) and [below](#limits)',
  )
  expect(readme('[`docs/format.md`](../../docs/format.md)')).toBe('`docs/format.md`')
  expect(readme('[a](https://a.example)')).toBe('[a](https://a.example)')
  expect(readme('```ts\nrows[0](../../x.md)\n```')).toBe('```ts\nrows[0](../../x.md)\n```')
})

/** A tarball as npm writes it, with one file. */
function tarballOf(path: string, text: string): Uint8Array {
  const header = Buffer.alloc(512)
  header.write(`package/${path}`, 0)
  header.write(text.length.toString(8).padStart(11, '0'), 124)
  header.write('0', 156)
  const body = Buffer.alloc(512)
  body.write(text)
  return gzipSync(Buffer.concat([header, body, Buffer.alloc(1024)]))
}

test('a tarball is read as npm unpacks it', () => {
  expect([...readTarball(tarballOf('dist/index.js', 'export {}'))]).toEqual([['dist/index.js', 'export {}']])
})

describe('a tarball is found wrong', () => {
  const manifest = {
    name: '@house/log',
    version: '1.0.0',
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
    files: ['dist'],
    dependencies: { '@house/kernel': '1.0.0' },
  }
  const map = JSON.stringify({ version: 3, sources: ['../src/index.ts'], mappings: '' })
  const good = {
    'README.md': '# @house/log\n\n[Limits](#limits)\n',
    LICENSE: 'free',
    'package.json': JSON.stringify(manifest),
    'dist/index.js': "export { a } from './a.js'\nimport '@house/kernel'\nimport 'node:fs'\n",
    'dist/index.js.map': withSource(map, 'source'),
    'dist/index.d.ts': "export { a } from './a.js'\n",
    'dist/a.js': 'export const a = 1\n',
    'dist/a.d.ts': 'export declare const a = 1\n',
  }
  const complaintsOf = (changes: Readonly<Record<string, string | undefined>>) => {
    const files = Object.entries({ ...good, ...changes })
    const present = files.filter((file): file is [string, string] => file[1] !== undefined)
    return formatFindings(checkTarball('@house/log', new Map(present)))
  }
  const manifestWith = (changes: object) => ({ 'package.json': JSON.stringify({ ...manifest, ...changes }) })

  test('only for a reason', () => {
    expect(complaintsOf({})).toEqual([])
  })

  test.each([
    ['there is no licence', { LICENSE: undefined }, 'LICENSE is missing'],
    ['a test comes along', { 'dist/a.test.js': '' }, 'dist/a.test.js is of no use'],
    ['a source comes along', { 'dist/b.ts': '' }, 'dist/b.ts is of no use'],
    ['an export leads to a source', manifestWith({ exports: { '.': './src/index.ts' } }), './src/index.ts'],
    ['an export has no types', manifestWith({ exports: { '.': './dist/index.js' } }), '"." has no types'],
    ['a sibling has a range', manifestWith({ dependencies: { '@house/kernel': '^1.0.0' } }), '"^1.0.0"'],
    ['development packages are named', manifestWith({ devDependencies: {} }), 'has devDependencies'],
    ['a script could run', manifestWith({ scripts: {} }), 'has scripts'],
    ['an import leads nowhere', { 'dist/a.js': undefined }, 'names ./a.js, which is not there'],
    ['a declaration leads nowhere', { 'dist/a.d.ts': undefined }, 'dist/index.d.ts names ./a.js'],
    ['a declaration names a source', { 'dist/index.d.ts': "export * from './a.ts'" }, 'names ./a.ts'],
    ['a dependency is not declared', manifestWith({ dependencies: {} }), 'imports @house/kernel'],
    ['a worker is missing', { 'dist/a.js': "new URL('./w.js', import.meta.url)" }, 'names ./w.js'],
    ['a map has no source', { 'dist/index.js.map': map }, 'does not carry its source'],
    ['a link leads nowhere', { 'README.md': '[a](docs/a.md)' }, 'links to docs/a.md'],
  ])('when %s', (_, changes, complaint) => {
    expect(complaintsOf(changes)).toEqual([expect.stringContaining(complaint)])
  })
})
