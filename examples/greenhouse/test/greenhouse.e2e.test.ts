import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
/** From "npm start" to the first document on the page. */
const FIRST_DOCUMENT_MS_MAX = 60_000
/** The README's picture is written when it is asked for; otherwise the picture goes beside the build. */
const PICTURE = process.env.UPDATE_SCREENSHOT
  ? join(ROOT, 'docs/images/fleet.png')
  : join(ROOT, '.cache/fleet.png')
const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

interface Demo {
  readonly process: ChildProcess
  output: string
}

/** What `npm start` runs, on free ports and a data directory of its own. */
function startDemo(dataDirectory: string): Demo {
  const start = [join(ROOT, 'tools/src/start.ts'), '--http-port', '0', '--mqtt-port', '0']
  const env = { ...process.env, MILLRACE_DATA: dataDirectory }
  const demo: Demo = { process: spawn(process.execPath, start, { cwd: ROOT, env }), output: '' }
  for (const stream of [demo.process.stdout, demo.process.stderr]) {
    stream?.on('data', (chunk) => {
      demo.output += chunk
    })
  }
  return demo
}

async function stopDemo({ process: child }: Demo): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  child.kill('SIGINT')
  return ended
}

async function consoleUrl(demo: Demo): Promise<string> {
  return until(
    async () => /console {2}(http\S+)/.exec(demo.output)?.[1],
    () => demo.output,
  )
}

async function until<Found>(find: () => Promise<Found | undefined>, explain: () => string): Promise<Found> {
  const deadlineMs = performance.now() + FIRST_DOCUMENT_MS_MAX
  for (;;) {
    const found = await find()
    if (found !== undefined) return found
    if (performance.now() > deadlineMs) throw new Error(`it did not happen; the output so far:\n${explain()}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('npm start', () => {
  let dataDirectory: string
  let demo: Demo
  let browser: Browser
  let page: Page
  const complaints: string[] = []

  beforeAll(async () => {
    dataDirectory = await mkdtemp(join(tmpdir(), 'millrace-greenhouse-'))
    demo = startDemo(dataDirectory)
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: CHROMIUM_FLAGS })
    page = await browser.newPage({ viewport: { width: 1280, height: 860 }, colorScheme: 'light' })
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
  })

  afterAll(async () => {
    await browser.close()
    await stopDemo(demo)
    await rm(dataDirectory, { recursive: true, force: true })
  })

  test('shows the fleet with readings within a minute, and vents open when it gets hot', async () => {
    await page.goto(await consoleUrl(demo))
    await page.getByText('bench-01', { exact: true }).waitFor({ timeout: FIRST_DOCUMENT_MS_MAX })
    await page.getByText('40 devices').waitFor({ timeout: FIRST_DOCUMENT_MS_MAX })
    await until(
      async () => demo.output.match(/open-vent/g)?.[20],
      () => demo.output,
    )
    await page.screenshot({ path: PICTURE })
    expect(complaints).toEqual([])
  })

  test('shows a document a bench, with its alarms and what its vent did', async () => {
    const { url } = JSON.parse(await readFile(join(dataDirectory, 'server.json'), 'utf8'))
    const token = (await readFile(join(dataDirectory, 'api-token'), 'utf8')).trim()
    const moved = await until(
      async () => {
        const path = '/api/collections/benches/documents?limit=100'
        const response = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } })
        const { documents } = (await response.json()) as { documents: { document: { ventsMoved: number } }[] }
        return documents.length === 40 && documents.some(({ document }) => document.ventsMoved > 0)
          ? documents
          : undefined
      },
      () => demo.output,
    )
    expect(moved).toHaveLength(40)
  })

  test('npm run smoke follows one reading through every hop of it', async () => {
    const smoke = join(ROOT, 'testing/smoke/src/main.ts')
    const { stdout } = await run(process.execPath, [smoke, '--data', dataDirectory, '--json'])
    const hops = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).hop)
    expect(hops).toHaveLength(8)
    expect(hops.at(-1)).toBe('the fleet shows the device')
  })

  test('stops cleanly on Ctrl-C, and goes on where it stopped', async () => {
    expect(await stopDemo(demo)).toBe(0)
    expect(demo.output).toContain('stopped; everything that was acknowledged is on disk')
    expect(demo.output).not.toMatch(/error/i)
    const before = Number(await readFile(join(dataDirectory, 'greenhouse-minutes'), 'utf8'))
    demo = startDemo(dataDirectory)
    await until(
      async () => /benches connected .*/.exec(demo.output)?.[0],
      () => demo.output,
    )
    const hour = Math.floor((before % 1_440) / 60)
    expect(demo.output).toContain(`T${String(hour).padStart(2, '0')}:`)
  })
})
