import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Log, openLog, openLogReader } from '@millrace/log'
import { nodeFiles, nodeRuntime } from '@millrace/node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { contents, record } from './test-log.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-log-'))
})
afterEach(() => rm(root, { recursive: true }))

function openReal(): Promise<Log> {
  return openLog({
    files: nodeFiles(root),
    directory: 'log',
    runtime: nodeRuntime(),
    segmentBytesMax: 100_000,
  })
}

describe('a log on real files', () => {
  test('holds what was appended by many at once, over segments and restarts', async () => {
    const expected: string[] = []
    for (let round = 0; round < 3; round += 1) {
      await using log = await openReal()
      await Promise.all(
        Array.from({ length: 400 }, async (_, index) => {
          const name = `${round}/${index}`
          const { baseOffset } = await log.append([record(name.padEnd(300, '.'))])
          expected[baseOffset] = `${baseOffset}:${name}`
        }),
      )
    }
    await using log = await openReal()
    expect(await contents(log)).toEqual(expected)
    expect(expected).toHaveLength(1200)
    expect((await readdir(join(root, 'log'))).filter((name) => name.endsWith('.seg')).length).toBeGreaterThan(
      3,
    )
  })

  test('is refused while it is open, and free after it was closed', async () => {
    const log = await openReal()
    await expect(openReal()).rejects.toMatchObject({ code: 'DIRECTORY_LOCKED' })
    await log.close()
    await (await openReal()).close()
  })

  test('whose process is killed while it writes holds every acknowledged record at its offset', async () => {
    const acknowledged = new Map<number, string>()
    for (let round = 0; round < 3; round += 1) {
      await appendUntilKilled(round, (seen) => seen === 40 + round * 37, acknowledged)
      await using log = await openReal()
      expect(log.gaps).toEqual([])
      const found = new Map((await contents(log)).map((entry) => entry.split(':') as [string, string]))
      for (const [offset, name] of acknowledged) expect(found.get(String(offset))).toBe(name)
    }
    expect(acknowledged.size).toBeGreaterThan(100)
  })

  test('is followed by a reader in another process than its writer, also when that one is killed and another comes', async () => {
    await using reader = await openLogReader({
      files: nodeFiles(root),
      directory: 'log',
      runtime: nodeRuntime(),
    })
    const acknowledged = new Map<number, string>()
    for (const round of [0, 1]) {
      const before = acknowledged.size
      await appendUntilKilled(round, () => reader.endOffset > before + 100, acknowledged)
      const seen = await contents(reader)
      // What the killed writer had acknowledged last is there as soon as there is a writer again.
      await using log = await openReal()
      await expect.poll(() => reader.endOffset).toBe(log.endOffset)
      const found = new Map((await contents(reader)).map((entry) => entry.split(':') as [string, string]))
      for (const [offset, name] of acknowledged) expect(found.get(String(offset))).toBe(name)
      expect([...found.keys()].slice(0, seen.length)).toEqual(seen.map((entry) => entry.split(':')[0]))
    }
    expect(reader.gaps).toEqual([])
  })
})

/** Lets another process append, and kills it when `isEnough` of the number of acknowledgements that it has reported. */
async function appendUntilKilled(
  round: number,
  isEnough: (seen: number) => boolean,
  acknowledged: Map<number, string>,
): Promise<void> {
  const script = new URL('./fixtures/append-forever.ts', import.meta.url)
  const child = spawn(process.execPath, [script.pathname, root, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  let seen = 0
  for await (const line of createInterface({ input: child.stdout })) {
    const [offset, name = ''] = line.split(' ')
    expect(acknowledged.has(Number(offset))).toBe(false)
    acknowledged.set(Number(offset), name)
    seen += 1
    if (isEnough(seen)) child.kill('SIGKILL')
  }
  await exited
}
