import { describe, expect, test } from 'vitest'
import { checkArchitecture } from '../src/tidy/architecture.ts'
import { checkFailures } from '../src/tidy/failures.ts'
import { checkLinks } from '../src/tidy/links.ts'
import { checkLock } from '../src/tidy/lock.ts'
import { checkNames } from '../src/tidy/names.ts'
import { checkPlaces } from '../src/tidy/places.ts'
import { checkPorts } from '../src/tidy/ports.ts'
import { checkPurity } from '../src/tidy/purity.ts'
import { checkReadmes } from '../src/tidy/readmes.ts'
import { checkSize } from '../src/tidy/size.ts'
import { checkSyntax } from '../src/tidy/syntax.ts'
import { checkTestHonesty } from '../src/tidy/test-honesty.ts'
import { checkTodos } from '../src/tidy/todos.ts'
import { complaints, complaintsAbout } from './small-house.ts'

/** A line that nothing complains about, `count` times. */
const lines = (count: number) => 'export {}\n'.repeat(count)
const linesInside = (count: number) => '  work()\n'.repeat(count)

describe('size', () => {
  test('a file of 501 lines is too long, one of 500 is not, tests included', () => {
    expect(complaintsAbout(checkSize, lines(500))).toEqual([])
    expect(complaintsAbout(checkSize, lines(501))).toEqual([
      'core/log/src/log.ts: The file has 501 lines, and 500 is the limit. Split it by its nouns: one file, one noun.',
    ])
    expect(complaintsAbout(checkSize, lines(501), 'core/log/test/log.test.ts')).toHaveLength(1)
  })

  test('a function of 71 lines is too long, one of 70 is not', () => {
    expect(complaintsAbout(checkSize, `export function run() {\n${linesInside(68)}}\n`)).toEqual([])
    expect(complaintsAbout(checkSize, `export function run() {\n${linesInside(69)}}\n`)).toEqual([
      'core/log/src/log.ts:1: The function run has 71 lines, and 70 is the limit. Keep the decisions here, and move the steps into functions named after what they do.',
    ])
  })

  test.each([
    [
      'the method append',
      `class Log {\n  append() {\n${linesInside(70)}  }\n}\n`,
      ':2: The function append has 72 lines',
    ],
    ['the constant run', `const run = () => {\n${linesInside(70)}}\n`, ':1: The function run has 72 lines'],
    ['a callback', `each(() => {\n${linesInside(70)}})\n`, ':1: The function without a name has 72 lines'],
  ])('%s is measured as well', (_, code, expected) => {
    expect(complaintsAbout(checkSize, code)[0]).toContain(expected)
  })

  test('a conformance suite may list many tests, but none of them may be long', () => {
    const path = 'testing/conformance/src/log-suite.ts'
    const suite = (body: string) =>
      `export function logSuite() {\n  test('a', () => {\n${body}  })\n${linesInside(60)}}\n`
    expect(complaintsAbout(checkSize, suite(linesInside(20)), path)).toEqual([])
    expect(complaintsAbout(checkSize, suite(linesInside(70)), path)).toHaveLength(1)
  })
})

describe('names', () => {
  test.each([
    [
      'core/log/src/LogWriter.ts',
      'LogWriter.ts is not in kebab-case. Write it in small letters with hyphens.',
    ],
    [
      'core/log/test/log_writer.test.ts',
      'log_writer.test.ts is not in kebab-case. Write it in small letters with hyphens.',
    ],
    [
      'core/log/src/log-utils.ts',
      '"utils" says nothing about what is inside. Name the file after its one noun.',
    ],
    ['core/log/src/base.ts', '"base" says nothing about what is inside. Name the file after its one noun.'],
  ])('the name of %s is reported', (path, expected) => {
    expect(complaintsAbout(checkNames, 'export {}', path)).toEqual([`${path}: ${expected}`])
  })

  test.each([
    'core/log/src/base64.ts',
    'core/log/test/crc32c.test.ts',
    'core/log/test/files.int.test.ts',
    'core/log/src/log.d.ts',
  ])('the name of %s is fine', (path) => {
    expect(complaintsAbout(checkNames, 'export {}', path)).toEqual([])
  })

  test('"export *" and default exports are reported; the console and the examples may have them', () => {
    const code = "export * from './log.ts'\nexport default 1\n"
    expect(complaintsAbout(checkNames, code)).toEqual([
      'core/log/src/log.ts:1: "export *" hides what is exported. List the names.',
      'core/log/src/log.ts:2: A default export has no name. Export it by name.',
    ])
    expect(complaintsAbout(checkNames, 'export default 1', 'apps/console/src/page.tsx')).toEqual([])
  })
})

describe('purity', () => {
  test.each([
    ['const now = Date.now()', 'Date', 'Take the time from Clock'],
    ['export const at = (time: Date) => time', 'Date', 'Take the time from Clock'],
    ['performance.now()', 'performance', 'Take the time from Clock'],
    ['setTimeout(run, 10)', 'setTimeout', 'Take it from Runtime'],
    ['globalThis.setInterval(run, 10)', 'setInterval', 'Take it from Runtime'],
    ['setImmediate(run)', 'setImmediate', 'Take it from Runtime'],
    ['const dice = Math.random()', 'Math.random', 'Take chance from Runtime'],
    ['crypto.randomUUID()', 'crypto', 'Take chance from Runtime'],
    ['const home = process.env.HOME', 'process', 'Take the setting as a parameter'],
    ['Buffer.from([])', 'Buffer', 'Use Uint8Array'],
    ["fetch('http://localhost')", 'fetch', 'Declare a port'],
    ["console.log('here')", 'console', 'Return the fact or count it'],
  ])('core must not say: %s', (code, name, cure) => {
    const found = complaintsAbout(checkPurity, `\n${code}\n`)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(`core/log/src/log.ts:2: Core uses ${name}. ${cure}`)
  })

  test('core imports nothing of Node, not even a type', () => {
    const code = "import type { Stats } from 'node:fs'\nimport net from 'net'\n"
    expect(complaintsAbout(checkPurity, code)).toEqual([
      'core/log/src/log.ts:1: Core imports node:fs, but core touches no file, socket or process. Declare a port for what is needed, and let an adapter implement it.',
      'core/log/src/log.ts:2: Core imports net, but core touches no file, socket or process. Declare a port for what is needed, and let an adapter implement it.',
    ])
  })

  test.each([
    ['a field', 'const later = message.process.Date'],
    ['a key', "const table = { Date: 1, process: 'x' }"],
    ['a member of a port', 'interface Port { setTimeout(ms: number): void }'],
    ['a name of its own', 'export function run(process: () => void) { process() }'],
    ['an imported name', "import { crypto } from './crypto.ts'\ncrypto()"],
    ['a text or a comment', "const text = 'Date' // Date.now()"],
    ['Math without chance', 'const most = Math.max(1, 2)'],
  ])('%s with such a name is allowed', (_, code) => {
    expect(complaintsAbout(checkPurity, code)).toEqual([])
  })

  test('Date is allowed in time.ts of the kernel only, and everything outside of core', () => {
    expect(complaintsAbout(checkPurity, 'new Date(0)', 'core/kernel/src/time.ts')).toEqual([])
    expect(complaintsAbout(checkPurity, 'new Date(0)', 'core/kernel/src/clock.ts')).toHaveLength(1)
    expect(complaintsAbout(checkPurity, 'new Date(process.uptime())', 'adapters/node/src/clock.ts')).toEqual(
      [],
    )
    expect(complaintsAbout(checkPurity, 'new Date(0)', 'core/log/test/log.test.ts')).toEqual([])
  })
})

describe('failures', () => {
  test('"throw new Error" is reported in core, adapters and apps, and not in tools of testing', () => {
    const code = "function open() {\n  throw new Error('closed')\n}\n"
    expect(complaintsAbout(checkFailures, code)).toEqual([
      'core/log/src/log.ts:2: "throw new Error" gives the caller nothing to act on. Throw millraceError(CODE, …) with an entry of the catalogue in core/kernel/src/errors, or call assert if only a mistake of ours can lead here.',
    ])
    expect(complaintsAbout(checkFailures, code, 'adapters/node/src/files.ts')).toHaveLength(1)
    expect(complaintsAbout(checkFailures, code, 'apps/cli/src/run.ts')).toHaveLength(1)
    expect(complaintsAbout(checkFailures, code, 'testing/fleet/src/run.ts')).toEqual([])
    expect(complaintsAbout(checkFailures, code, 'core/log/test/log.test.ts')).toEqual([])
  })

  test('errors of the catalogue and errors passed on are allowed', () => {
    expect(complaintsAbout(checkFailures, "throw millraceError('LOG_CLOSED', {})")).toEqual([])
    expect(complaintsAbout(checkFailures, 'try { run() } catch (error) { throw error }')).toEqual([])
  })
})

describe('todos', () => {
  test('a wish without an owner is reported at its line', () => {
    expect(complaintsAbout(checkTodos, '/*\n * TODO: faster\n */\n// FIXME(ada): slow\n// fixme\n')).toEqual([
      'core/log/src/log.ts:2: TODO has no owner. Do it now, open an issue instead, or write "TODO(name): …".',
    ])
  })
})

describe('test honesty', () => {
  const about = (code: string) => complaintsAbout(checkTestHonesty, code, 'core/log/test/log.test.ts')

  test.each([
    ["test.skip('a', run)", '"skip" keeps a test from running. Mend it or delete it.'],
    ["describe.todo('a')", '"todo" keeps a test from running. Mend it or delete it.'],
    ["it.concurrent.only('a', run)", '"only" keeps every other test from running. Remove it.'],
  ])('%s is reported', (code, expected) => {
    expect(about(code)).toEqual([`core/log/test/log.test.ts:1: ${expected}`])
  })

  test.each([
    ['await new Promise((resolve) => setTimeout(resolve, 100))'],
    ['await new Promise<void>((done) => {\n  setTimeout(() => done(), 100)\n})'],
    ['await new Promise(function (r) { setTimeout(r, 5) })'],
  ])('the sleep %s is reported', (code) => {
    expect(about(code)).toEqual([
      expect.stringContaining('core/log/test/log.test.ts:1: The test sleeps: setTimeout('),
    ])
  })

  test('a sleep from timers/promises is reported', () => {
    expect(about("import { setTimeout } from 'node:timers/promises'")).toEqual([
      'core/log/test/log.test.ts:1: The test sleeps with timers/promises. Drive time with manualRuntime, or wait for the condition itself: vi.waitFor, expect.poll, or the promise of the event.',
    ])
  })

  test.each([
    ["const late = new Promise((_, reject) => setTimeout(() => reject(new Error('late')), 1000))"],
    ['await vi.waitFor(() => expect(seen).toBe(3))'],
    ["test.each([[1]])('n %s', run)"],
    ["test.runIf(supports.delay)('a', run)"],
  ])('%s is allowed', (code) => {
    expect(about(code)).toEqual([])
  })

  test('conformance suites are tests; sources of other packages and what stands beside tests are not', () => {
    const sleep = 'await new Promise((resolve) => setTimeout(resolve, 100))'
    expect(complaintsAbout(checkTestHonesty, sleep, 'testing/conformance/src/log-suite.ts')).toHaveLength(1)
    expect(complaintsAbout(checkTestHonesty, sleep, 'testing/fleet/src/device.ts')).toEqual([])
    expect(complaintsAbout(checkTestHonesty, sleep, 'core/log/test/slow-files.ts')).toEqual([])
  })
})

describe('syntax', () => {
  test('a file that does not parse is reported', () => {
    expect(complaintsAbout(checkSyntax, 'const a = 1\nconst = 2\n')).toEqual([
      'core/log/src/log.ts:2: The file does not parse: Unexpected token. Mend the syntax.',
    ])
  })

  test('fixtures of tests may be broken on purpose', () => {
    expect(complaintsAbout(checkSyntax, 'const = 2', 'core/log/test/fixtures/broken.ts')).toEqual([])
  })
})

describe('readmes', () => {
  const about = (readme: string) => complaintsAbout(checkReadmes, readme, 'core/log/README.md')
  const cure =
    'Write after the title a sentence such as "Receives batches of records from `bus` and hands them to `Files`, durable before acknowledged".'

  test('a package without a README is reported', () => {
    expect(complaints(checkReadmes, { packages: { 'core/log': {} } })).toEqual([
      `core/log/README.md: The package core/log has no README. Begin with "# @house/log". ${cure}`,
    ])
  })

  test('the first sentence names what comes in and what goes out, also over two lines', () => {
    expect(about('# @house/log\n\nReceives batches from `bus` and\nhands them to `Files`. More.\n')).toEqual(
      [],
    )
    expect(about('# @house/log\n\nThe log. It receives records and hands them on.\n')).toEqual([
      `core/log/README.md: The first sentence does not say what the package receives and hands on. ${cure}`,
    ])
  })

  test('the title is the name of the package', () => {
    expect(about('# The log\n\nTakes records and gives offsets.\n')).toEqual([
      'core/log/README.md: The title is "The log", but the package is @house/log. Begin with "# @house/log".',
    ])
  })
})

describe('links', () => {
  const about = (page: string) =>
    complaints(checkLinks, {
      packages: {},
      files: { 'README.md': '# House\n', 'docs/guide.md': page, 'docs/a.png': '' },
    })

  test.each([
    ['a file', '[a](../README.md) ![b](a.png)'],
    ['a folder', '[a](../docs/)'],
    ['a heading', '[a](../README.md#house) and [b](#the-end)\n\n## The end\n'],
    ['another site', '[a](https://example.com/x) <mailto:a@example.com>'],
    ['an example of a link', '`[a](gone.md)`\n\n```md\n[a](gone.md)\n```\n'],
  ])('a link to %s is fine', (_, page) => {
    expect(about(page)).toEqual([])
  })

  test('a link that leads nowhere is reported with the path that it means', () => {
    expect(about('# Guide\n\n[a](gone.md "A title")\n<img src="../b.png">\n')).toEqual([
      'docs/guide.md:3: The link gone.md leads to docs/gone.md, which does not exist. Correct the path.',
      'docs/guide.md:4: The link ../b.png leads to b.png, which does not exist. Correct the path.',
    ])
  })

  test('a link to a heading that does not exist is reported', () => {
    expect(about('[a](../README.md#garden)')).toEqual([
      'docs/guide.md:1: The link ../README.md#garden leads to a heading that README.md does not have. Correct the part after #.',
    ])
  })
})

describe('places', () => {
  const about = (text: string) => complaints(checkPlaces, { packages: {}, files: { 'docs/guide.md': text } })

  test.each(['work/main/x', 'home/ada/project', 'Users/ada', 'tmp/data'])(
    'the machine path /%s is reported',
    (path) => {
      expect(about(`\nin /${path}\n`)).toEqual([
        expect.stringMatching(
          /^docs\/guide\.md:2: \/\S+ is a path of one machine\. Use a path relative to the repository, or os\.tmpdir\(\) in a test\.$/,
        ),
      ])
    },
  )

  test('relative paths and addresses are no machine paths', () => {
    expect(
      about('see src/home/page.ts, https://example.com/home/x, devices/tmp/up and `/openapi.json`'),
    ).toEqual([])
  })

  test('a registry in .npmrc is reported', () => {
    const files = { '.npmrc': 'fund=false\n@acme:registry = https://packages.example\n' }
    expect(complaints(checkPlaces, { packages: {}, files })).toEqual([
      '.npmrc:2: A package registry is named. Remove it: each machine has its own.',
    ])
  })
})

describe('lock', () => {
  const about = (packages: object) =>
    complaints(checkLock, { packages: {}, files: { 'package-lock.json': JSON.stringify({ packages }) } })

  test('what is locked beside, above or at the top is found', () => {
    const packages = {
      '': { dependencies: { a: '1.0.0' } },
      'node_modules/a': { dependencies: { b: '1.0.0', c: '1.0.0' } },
      'node_modules/a/node_modules/b': { dependencies: { c: '1.0.0', b: '1.0.0' } },
      'node_modules/c': {},
      'core/log': { dependencies: { a: '1.0.0' } },
      'node_modules/@house/log': { resolved: 'core/log', link: true },
    }
    expect(about(packages)).toEqual([])
  })

  test('a part for another platform that is not locked is reported, since "npm ci" refuses then', () => {
    expect(about({ 'node_modules/tool': { optionalDependencies: { 'tool-win32': '1.0.0' } } })).toEqual([
      'package-lock.json: tool-win32, which node_modules/tool asks for, is not locked, so "npm ci" refuses. Write the lock file against a registry that has it, or take a version whose parts for all platforms exist.',
    ])
  })

  test('an address of a registry is reported', () => {
    expect(about({ 'node_modules/a': { resolved: 'https://packages.example/a.tgz' } })).toEqual([
      'package-lock.json: node_modules/a is bound to the registry of one machine. Lock with "npm install --omit-lockfile-registry-resolved".',
    ])
  })
})

describe('ports', () => {
  const ports = { Files: { package: 'core/log', suite: 'filesSuite', adapters: ['adapters/node'] } }
  const port = (members: number) => `export interface Files {\n${'  open(): void\n'.repeat(members)}}\n`
  const house = (changes: { port?: string; suite?: string; test?: string }) => ({
    ports,
    packages: {
      'core/log': { files: { 'src/files.ts': changes.port ?? port(12) } },
      'testing/conformance': {
        files: { 'src/index.ts': changes.suite ?? "export { filesSuite } from './files-suite.ts'\n" },
      },
      'adapters/node': { files: { 'test/files.int.test.ts': changes.test ?? "filesSuite('node', open)\n" } },
    },
  })

  test('a port with its suite, run by its adapter, is as it should be', () => {
    expect(complaints(checkPorts, house({}))).toEqual([])
  })

  test('an adapter that does not run the suite is reported, also when it only imports it', () => {
    expect(
      complaints(
        checkPorts,
        house({ test: "import { filesSuite } from '@house/conformance'\n// filesSuite()\n" }),
      ),
    ).toEqual([
      "adapters/node/test: No test of adapters/node runs the conformance suite of its port Files. Call filesSuite(name, factory) from '@millrace/conformance' in a test of adapters/node.",
    ])
  })

  test('a port without a suite is reported', () => {
    expect(complaints(checkPorts, house({ suite: "export { busSuite } from './bus-suite.ts'\n" }))).toEqual([
      'testing/conformance/src/index.ts: The port Files has no conformance suite filesSuite. Write "export function filesSuite(name, factory)" in testing/conformance/src, and export it here.',
    ])
  })

  test('a port with 13 members is too wide', () => {
    expect(complaints(checkPorts, house({ port: port(13) }))).toEqual([
      'core/log/src/files.ts:1: The port Files has 13 members, and 12 is the limit. Leave out what can be made of the others, or split the port by who calls it.',
    ])
  })

  test('a port that is declared nowhere is reported', () => {
    expect(complaints(checkPorts, house({ port: 'export type Disk = {}\n' }))).toEqual([
      'layers.json: The port Files is not an interface in core/log/src. Declare it there, or correct "ports" in layers.json.',
    ])
  })
})

describe('architecture', () => {
  const head = '# Architecture\n\n## Layers\n\n| package | imports | purpose |\n|---|---|---|\n'
  const about = (page: string) =>
    complaints(checkArchitecture, {
      packages: { 'core/kernel': {}, 'core/log': { imports: ['core/kernel'] } },
      files: { 'ARCHITECTURE.md': page },
    })

  test('a table that says what layers.json says is right', () => {
    expect(
      about(
        `${head}| \`core/kernel\` | nothing | words |\n| \`core/log\` | \`core/kernel\` | the log |\n\n| port |\n|---|\n| \`Bus\` |\n`,
      ),
    ).toEqual([])
  })

  test('a missing, a wrong and a superfluous row are reported with the row to write', () => {
    expect(about(`${head}| \`core/log\` | | the log |\n| \`core/old\` | | gone |\n`)).toEqual([
      'ARCHITECTURE.md: The layer table misses core/kernel. Add the row "| `core/kernel` |  |".',
      'ARCHITECTURE.md:7: The layer table and layers.json differ about the imports of core/log. Write "| `core/log` | `core/kernel` |".',
      'ARCHITECTURE.md:8: The layer table names core/old, which layers.json does not. Remove the row.',
    ])
  })

  test('a page without the table, and no page at all, are reported', () => {
    expect(about('# Architecture\n')).toEqual([
      'ARCHITECTURE.md: There is no table under "## Layers". Write one: | package | imports | purpose |.',
    ])
    expect(complaints(checkArchitecture, { packages: {} })).toEqual([
      'ARCHITECTURE.md: There is no ARCHITECTURE.md. Write the one page that shows the house.',
    ])
  })
})
