import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { readPage } from '../src/markdown.ts'
import { type PackResult, pack } from '../src/pack.ts'
import { toolPath } from '../src/programs.ts'
import { root } from '../src/root.ts'
import { openRegistry } from './registry.ts'

const run = promisify(execFile)
const NAMES = ['@millrace/log', '@millrace/node'] as const
/** What the README says, source maps included. */
const DOWNLOADED_BYTES_MAX = 600_000
const INSTALLED_BYTES_MAX = 2_500_000
const WAIT = { timeout: 20_000, interval: 10 }

const folder = mkdtempSync(join(tmpdir(), 'millrace-pack-'))
const app = join(folder, 'app')
let packed: PackResult
let asked: readonly string[]

/** Nothing of the npm that runs this test: neither its settings nor its workspace. */
const clean = Object.entries(process.env).filter(([name]) => !/^(npm_|node_options|init_cwd)/i.test(name))
const env = { ...Object.fromEntries(clean), HOME: folder, npm_config_cache: join(folder, 'cache') }

beforeAll(async () => {
  packed = pack(NAMES, join(folder, 'packages'))
  mkdirSync(app)
  await using registry = await openRegistry(packed.packages)
  const flags = ['--registry', registry.url, '--no-audit', '--no-fund', '--no-update-notifier']
  const shell = process.platform === 'win32'
  await run('npm', ['install', ...NAMES, ...flags], { cwd: app, env, shell })
  asked = [...registry.asked].toSorted()
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function installedFiles(): string[] {
  return readdirSync(join(app, 'node_modules'), { recursive: true, encoding: 'utf8' })
}

/** Runs a script in the folder where the packages are installed. */
function runNode(...args: string[]) {
  return run(process.execPath, args, { cwd: app, env })
}

interface Program {
  readonly process: ChildProcess
  readonly output: () => string
}

/** Starts a script there; it is killed at the end of the test. */
function startNode(...args: string[]): Program {
  const child = spawn(process.execPath, args, { cwd: app, env, stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (more) => {
    output += more
  })
  return { process: child, output: () => output }
}

async function killed({ process: child }: Program): Promise<void> {
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
}

/** The complete examples in the README of an installed package. */
function examplesOf(name: string): string[] {
  const readme = readFileSync(join(app, 'node_modules', name, 'README.md'), 'utf8')
  return readPage(readme)
    .fences.map(({ code }) => code)
    .filter((code) => code.startsWith('import'))
}

/** What the compiler says of a program in a folder `name` of that place; its exit code says nothing more. */
async function complaintsAbout(name: string, files: readonly string[], options: object): Promise<string> {
  const project = join(app, name)
  mkdirSync(project)
  for (const [index, text] of files.entries()) writeFileSync(join(project, `file-${index}.mts`), text)
  const compilerOptions = { ...options, strict: true, noEmit: true, skipLibCheck: false }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
  const { stdout } = await runNode(toolPath('typescript'), '-p', project).catch((failure) => failure)
  return stdout
}

describe('npm i @millrace/log @millrace/node, in an empty folder', () => {
  test('finds nothing wrong with the tarballs', () => {
    expect(packed.findings).toEqual([])
  })

  test('brings the kernel along, and nothing else: npm does not even ask for more', () => {
    const expected = ['@millrace/kernel', '@millrace/log', '@millrace/node']
    expect(asked).toEqual(expected)
    const manifests = installedFiles().filter((path) => path.endsWith('package.json'))
    expect(manifests.toSorted()).toEqual(expected.map((name) => join(name, 'package.json')))
  })

  test('takes no more of the line and the disk than the README says', () => {
    const sizes = installedFiles().map((path) => statSync(join(app, 'node_modules', path)))
    const bytes = sizes.filter((each) => each.isFile()).reduce((sum, { size }) => sum + size, 0)
    const downloaded = packed.packages.reduce((sum, each) => sum + each.bytes, 0)
    console.log(`downloaded ${downloaded} bytes, installed ${bytes} bytes in ${sizes.length} files`)
    expect(downloaded).toBeLessThan(DOWNLOADED_BYTES_MAX)
    expect(bytes).toBeLessThan(INSTALLED_BYTES_MAX)
  })
})

describe('what was installed', () => {
  test('runs the example of the README under plain Node', async () => {
    writeFileSync(join(app, 'example.mjs'), examplesOf('@millrace/log')[0] ?? '')
    const writer = startNode('example.mjs')
    await vi.waitFor(() => expect(writer.output()).toContain('reading 2 is on the disk'), WAIT)
    const follower = startNode('example.mjs', 'follow')
    await vi.waitFor(() => expect(follower.output()).toContain('read 2:'), WAIT)
    await killed(writer)
    const acknowledged = writer.output().match(/reading \d+ is on the disk/g)?.length

    const next = startNode('example.mjs')
    await vi.waitFor(() => expect(next.output()).toContain(`reading ${acknowledged} is on the disk`), WAIT)
    expect(next.output()).toContain(`${acknowledged} readings are on the disk already`)
    await vi.waitFor(() => expect(follower.output()).toContain(`read ${acknowledged}:`), WAIT)
  })

  test('hands out an item of a queue again if its process was killed before it was done', async () => {
    const code = `
      import { openQueue } from '@millrace/log'
      import { nodeDirectory } from '@millrace/node'
      const queue = await openQueue(nodeDirectory('data/queue'))
      if (process.argv[2] === 'put') await queue.put([{ value: new TextEncoder().encode('door open') }])
      const consumer = await queue.consumer('uplink')
      for (const { value, deliveries } of await consumer.take({ countMax: 1 }))
        console.log(new TextDecoder().decode(value), deliveries)
      process.kill(process.pid, 'SIGKILL')`
    writeFileSync(join(app, 'queue.mjs'), code)
    const killedWith = (...args: string[]) => runNode('queue.mjs', ...args).catch((failure) => failure)
    expect(await killedWith('put')).toMatchObject({ signal: 'SIGKILL', stdout: 'door open 1\n' })
    expect(await killedWith()).toMatchObject({ signal: 'SIGKILL', stdout: 'door open 2\n' })
  })

  test('can be required by programs that are CommonJS still', async () => {
    const code = `
      const { openLog } = require('@millrace/log')
      const { nodeDirectory } = require('@millrace/node')
      openLog(nodeDirectory('data/required')).then((log) => log.close()).then(() => console.log('opened'))`
    writeFileSync(join(app, 'required.cjs'), code)
    expect(await runNode('required.cjs')).toMatchObject({ stdout: 'opened\n' })
  })

  test('names its sources in stack traces', async () => {
    const code = `
      import { openLog } from '@millrace/log'
      import { nodeFiles, nodeRuntime } from '@millrace/node'
      const log = await openLog({ files: nodeFiles('data'), directory: 'traced', runtime: nodeRuntime() })
      await log.read(-1).catch((error) => console.log(error.code, error.stack))
      await log.close()`
    writeFileSync(join(app, 'traced.mjs'), code)
    const { stdout } = await runNode('--enable-source-maps', 'traced.mjs')
    expect(stdout).toMatch(/^LOG_OFFSET_OUT_OF_RANGE .*/)
    expect(stdout).toMatch(/log\/src\/[\w-]+\.ts:\d+:\d+/)
  })

  test.each([
    ['nodenext', { module: 'nodenext', moduleResolution: 'nodenext' }],
    ['bundler', { module: 'esnext', moduleResolution: 'bundler' }],
  ])('type-checks strictly in a program that resolves as %s', async (name, resolution) => {
    const consumer = `
      import { type Log, openLog } from '@millrace/log'
      import { nodeFiles, nodeRuntime } from '@millrace/node'
      const place = { files: nodeFiles('data'), directory: 'typed', runtime: nodeRuntime() }
      export async function record(text: string): Promise<number> {
        await using log: Log = await openLog(place)
        const { baseOffset } = await log.append([{ value: new TextEncoder().encode(text) }])
        // @ts-expect-error A record has bytes; if this line compiled, the types would be any.
        await log.append([{ value: text }])
        // @ts-expect-error There is no such option.
        await openLog({ ...place, segmentBytes: 1 })
        return baseOffset
      }`
    expect(await complaintsAbout(name, [consumer], { ...resolution, types: [] })).toBe('')
  })

  test('is what the READMEs show: their examples compile against it', async () => {
    const examples = NAMES.flatMap(examplesOf)
    expect(examples.length).toBeGreaterThan(2)
    const withNode = { types: ['node'], typeRoots: [join(root, 'node_modules/@types')] }
    const resolution = { module: 'nodenext', moduleResolution: 'nodenext', target: 'esnext' }
    expect(await complaintsAbout('examples', examples, { ...resolution, ...withNode })).toBe('')
  })
})
