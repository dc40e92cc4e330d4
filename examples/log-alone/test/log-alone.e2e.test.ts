import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test, vi } from 'vitest'

const WAIT = { timeout: 30_000, interval: 5 }
const PAUSE_MS = '2'
const KILLS = 5

interface Program {
  readonly process: ChildProcess
  /** What it printed: whole lines only. */
  readonly lines: () => string[]
}

function start(name: 'producer' | 'follower', ...words: string[]): Program {
  const script = fileURLToPath(new URL(`../src/${name}.ts`, import.meta.url))
  const child = spawn(process.execPath, [script, ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (more) => {
    text += more
  })
  return { process: child, lines: () => text.split('\n').slice(0, -1) }
}

/** The offsets in lines such as `acknowledged 7`. */
function offsets({ lines }: Program, word: string): number[] {
  return lines().flatMap((line) => {
    const [first, offset] = line.split(' ')
    return first === word ? [Number(offset)] : []
  })
}

async function endOf({ process: child }: Program, signal: 'SIGKILL' | 'SIGTERM'): Promise<unknown> {
  const closed = once(child, 'close')
  child.kill(signal)
  const [code] = await closed
  return code
}

test('a follower prints every acknowledged reading once and in order, however often the producer is killed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-log-alone-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const directory = join(folder, 'readings')

  let follower: Program | undefined
  const acknowledged: number[] = []
  for (let kill = 0; kill < KILLS; kill += 1) {
    const producer = start('producer', directory, PAUSE_MS)
    await vi.waitFor(() => expect(offsets(producer, 'acknowledged').length).toBeGreaterThan(10), WAIT)
    follower ??= start('follower', directory)
    const seenBefore = offsets(follower, 'read').length
    await vi.waitFor(
      () => expect(offsets(follower as Program, 'read').length).toBeGreaterThan(seenBefore),
      WAIT,
    )
    await endOf(producer, 'SIGKILL')
    acknowledged.push(...offsets(producer, 'acknowledged'))
  }
  if (follower === undefined) return expect.unreachable()
  const last = acknowledged.at(-1) ?? 0
  // What the last producer had acknowledged when it died is read without it.
  await vi.waitFor(() => expect(offsets(follower, 'read').at(-1)).toBeGreaterThanOrEqual(last), WAIT)

  const read = offsets(follower, 'read')
  expect(read).toEqual(read.map((_, index) => index))
  expect(read).toEqual(expect.arrayContaining(acknowledged))
  expect(await endOf(follower, 'SIGTERM')).toBe(0)
})

test('a follower that is there before the first producer waits for it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-log-alone-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const directory = join(folder, 'readings')
  const follower = start('follower', directory)
  const producer = start('producer', directory, PAUSE_MS)
  await vi.waitFor(() => expect(offsets(follower, 'read').length).toBeGreaterThan(3), WAIT)
  expect(await endOf(producer, 'SIGKILL')).toBeNull()
  expect(await endOf(follower, 'SIGTERM')).toBe(0)
})
