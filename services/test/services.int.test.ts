import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findServers, freePort, isAtLeast, services, startTestServer } from '@millrace/services'
import { expect, onTestFinished, test } from 'vitest'
import { postgresFolders } from '../src/postgres-cluster.ts'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))

async function run(...words: string[]): Promise<{ code: number; output: string; complaint: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [MAIN, ...words])
    return { code: 0, output: stdout, complaint: stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, output: stdout, complaint: stderr }
  }
}

test('a command line that is wrong ends with 2 and says what there is', async () => {
  for (const words of [
    [],
    ['fly'],
    ['up'],
    ['up', 'kafka'],
    ['up', 'nats', '--port', 'x'],
    ['status', '--nonsense'],
  ]) {
    const { code, output, complaint } = await run(...words)
    expect([words, code]).toEqual([words, 2])
    expect(`${output}${complaint}`).toContain('services --')
  }
  expect(await run('--help')).toMatchObject({ code: 0, output: expect.stringContaining('Exit codes') })
})

test('versions are compared by their parts', () => {
  expect(isAtLeast([2, 10, 0], [2, 9, 10])).toBe(true)
  expect(isAtLeast([2, 9, 10], [2, 10, 0])).toBe(false)
  expect(isAtLeast([2, 10, 0], [2, 10, 0])).toBe(true)
})

test('a program that is not there is not found', () => {
  expect(findServers({ ...services.nats, programs: ['no-such-server'] })).toEqual([])
})

test('a server that cannot start says why, with the end of its log', async () => {
  const server = { path: process.execPath, version: [2, 12, 0] as const }
  await expect(startTestServer('nats', server)).rejects.toThrow(/did not start: it ended with exit code/)
})

test('a free port has no listener', async () => {
  const port = await freePort()
  const refused = new Promise<string | undefined>((resolve) => {
    connect(port, '127.0.0.1').once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
  })
  expect(await refused).toBe('ECONNREFUSED')
})

test('a server that is one program under several names, as Redis is on Debian, is found and asked by its own name', () => {
  const folder = mkdtempSync(join(tmpdir(), 'services-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const real = join(folder, 'redis-check-rdb')
  const script =
    'case "$0" in *redis-server) echo "Redis server v=99.0.1 sha=0";; *) echo "usage" >&2; exit 1;; esac'
  writeFileSync(real, `#!/bin/sh\n${script}\n`)
  chmodSync(real, 0o755)
  symlinkSync(real, join(folder, 'redis-server'))
  const [newest] = findServers(services.redis, folder)
  expect(newest).toEqual({ path: join(folder, 'redis-server'), version: [99, 0, 1] })
})

test.each(findServers(services.postgres).map((program) => [program.version.join('.'), program] as const))(
  'PostgreSQL %s runs as somebody who is not root, and comes back on its data after a kill',
  async (_, program) => {
    await using server = await startTestServer('postgres', program)
    if (process.getuid?.() === 0) expect(statSync(`/proc/${server.pid}`).uid).not.toBe(0)
    const { password } = new URL(server.url)
    await server.kill()
    await server.restart()
    expect(new URL(server.url).password).toBe(password)
    expect(password.length).toBeGreaterThan(20)
  },
)

test('PostgreSQL is looked for in every folder that Debian may have put it in, the newest version first', () => {
  const root = mkdtempSync(join(tmpdir(), 'services-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  for (const name of ['9', '15', '17', 'README']) mkdirSync(join(root, name))
  expect(postgresFolders(root)).toEqual(['17', '15', '9'].map((name) => join(root, name, 'bin')))
  expect(postgresFolders(join(root, 'nowhere'))).toEqual([])
})
