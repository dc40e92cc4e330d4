import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { openLog } from '@millrace/log'
import { nodeDirectory } from '@millrace/node'
import { expect, onTestFinished, test } from 'vitest'

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-directory-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

test('a log is opened at a path whose folders are not there yet', async () => {
  const folder = await temporaryFolder()
  await using log = await openLog(nodeDirectory(join(folder, 'a', 'b', 'orders')))
  await log.append([{ value: new Uint8Array([7]) }])
  expect(await readdir(join(folder, 'a', 'b'))).toEqual(['orders'])
})

test('a relative path goes from the working directory, and every way to write a path is one place', async () => {
  const folder = await temporaryFolder()
  const ways = ['orders', 'orders/', 'other/../orders'].map((path) => join(folder, path))
  for (const path of [...ways, relative(process.cwd(), join(folder, 'orders'))]) {
    await using log = await openLog(nodeDirectory(path))
    await log.append([{ value: new Uint8Array([7]) }])
  }
  await using log = await openLog(nodeDirectory(join(folder, 'orders')))
  expect(log.endOffset).toBe(4)
})
