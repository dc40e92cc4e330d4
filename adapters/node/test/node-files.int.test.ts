import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { filesSuite } from '@millrace/conformance'
import { directoryOwner, nodeFiles } from '@millrace/node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const HOLD_LOCK = fileURLToPath(new URL('./fixtures/hold-lock.ts', import.meta.url))

filesSuite('nodeFiles', async () => {
  const root = await mkdtemp(join(tmpdir(), 'millrace-files-'))
  return Object.assign(nodeFiles(root), { [Symbol.asyncDispose]: () => rm(root, { recursive: true }) })
})

describe('the lock on a directory', () => {
  let root: string
  const children: ChildProcess[] = []
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'millrace-lock-'))
    await nodeFiles(root).makeDirectory('data')
  })
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await rm(root, { recursive: true })
  })

  async function lockInAnotherProcess(): Promise<ChildProcess> {
    const child = spawn(process.execPath, [HOLD_LOCK, root, 'data'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    await once(child.stdout, 'data')
    return child
  }

  test('is refused while another process holds it, with the name of that process', async () => {
    const child = await lockInAnotherProcess()
    await expect(nodeFiles(root).lock('data')).rejects.toMatchObject({
      code: 'DIRECTORY_LOCKED',
      parameters: { owner: expect.stringContaining(`process ${child.pid} on `) },
    })
  })

  test('is free at once when the process that held it is killed', async () => {
    const child = await lockInAnotherProcess()
    child.kill('SIGKILL')
    await once(child, 'exit')
    await using lock = await nodeFiles(root).lock('data')
    expect(lock).toBeDefined()
    expect(JSON.parse(await readFile(join(root, 'data', 'owner.json'), 'utf8')).pid).toBe(process.pid)
  })

  test('can be asked for, without being taken, or given up by whoever asks', async () => {
    const directory = join(root, 'data')
    expect(await directoryOwner(directory)).toBeUndefined()
    const child = await lockInAnotherProcess()
    expect(await directoryOwner(directory)).toContain(`process ${child.pid} on `)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await directoryOwner(directory)).toBeUndefined()
    await using _lock = await nodeFiles(root).lock('data')
    for (let look = 0; look < 3; look += 1)
      expect(await directoryOwner(directory)).toContain(`process ${process.pid} on `)
    // Looking has not given our lock away: another process is still refused.
    const other = spawn(process.execPath, [HOLD_LOCK, root, 'data'], { stdio: 'ignore' })
    children.push(other)
    expect(await once(other, 'exit')).not.toEqual([0, null])
  })

  test('is refused to a second user in the same process, even through another root', async () => {
    await using _lock = await nodeFiles(root).lock('data')
    await expect(nodeFiles(join(root, 'data')).lock('')).rejects.toMatchObject({ code: 'DIRECTORY_LOCKED' })
  })
})
