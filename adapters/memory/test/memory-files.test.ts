import { filesSuite } from '@millrace/conformance'
import { isMillraceError, manualRuntime, seededRandom } from '@millrace/kernel'
import { memoryFiles } from '@millrace/memory'
import { describe, expect, test } from 'vitest'

filesSuite('memoryFiles', () => Object.assign(memoryFiles(), { [Symbol.asyncDispose]: async () => {} }))

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (content: Uint8Array) => new TextDecoder().decode(content)

describe('a disk in memory that loses its power', () => {
  test('keeps the contents up to the last sync and nothing that was written later', async () => {
    const files = memoryFiles()
    const file = await files.open('a', 'create')
    await files.syncDirectory('')
    await file.write([bytes('abc')], 0)
    await file.sync()
    await file.write([bytes('XYZ!')], 0)
    expect(text(files.contents('a'))).toBe('XYZ!')
    expect(text(files.crash().contents('a'))).toBe('abc')
  })

  test('keeps the names up to the last sync of their directory: creations, renames and removals', async () => {
    const files = memoryFiles()
    for (const name of ['removed', 'renamed', 'kept']) await (await files.open(name, 'create')).close()
    await files.syncDirectory('')
    await files.remove('removed')
    await files.rename('renamed', 'other')
    await (await files.open('created', 'create')).close()
    expect([...(await files.list(''))].sort()).toEqual(['created', 'kept', 'other'])
    expect([...(await files.crash().list(''))].sort()).toEqual(['kept', 'removed', 'renamed'])
  })

  test('keeps any sectors of what was not synced, whole, if it is given chance', async () => {
    const outcomes = new Set<string>()
    for (let seed = 0; seed < 64; seed += 1) {
      const files = memoryFiles()
      const file = await files.open('a', 'create')
      await file.write([new Uint8Array(1024).fill(1)], 0)
      await file.sync()
      await files.syncDirectory('')
      await file.write([new Uint8Array(1024).fill(2)], 0)
      const content = files.crash({ random: seededRandom(seed) }).contents('a')
      const sectors = [content.subarray(0, 512), content.subarray(512)]
      for (const sector of sectors) expect(new Set(sector).size).toBe(1)
      outcomes.add(sectors.map((sector) => sector[0]).join())
    }
    expect([...outcomes].sort()).toEqual(['1,1', '1,2', '2,1', '2,2'])
  })

  test('fails every call of those who still use it, also those under way', async () => {
    const runtime = manualRuntime()
    const files = memoryFiles({ scheduler: runtime.scheduler, latencyMs: 5 })
    const opening = files.open('a', 'create')
    files.crash()
    const outcome = expect(opening).rejects.toMatchObject({ code: 'EIO' })
    await runtime.advance(5)
    await outcome
  })

  test('a sync covers what was written before it began, not what came meanwhile', async () => {
    const runtime = manualRuntime()
    const files = memoryFiles({ scheduler: runtime.scheduler, latencyMs: 5 })
    const opening = files.open('a', 'create')
    await runtime.advance(5)
    const file = await opening
    const names = files.syncDirectory('')
    void file.write([bytes('before')], 0)
    const sync = file.sync()
    void file.write([bytes('after!')], 0)
    await runtime.advance(5)
    await Promise.all([names, sync])
    expect(text(files.afterCrash().contents('a'))).toBe('before')
  })
})

describe('a disk in memory with faults', () => {
  test('fails the next matching call once, and says DISK_FULL for ENOSPC', async () => {
    const files = memoryFiles()
    const file = await files.open('a', 'create')
    files.failNext('write', 'ENOSPC')
    await expect(file.write([bytes('x')], 0)).rejects.toSatisfy((error) =>
      isMillraceError(error, 'DISK_FULL'),
    )
    await file.write([bytes('x')], 0)
    files.failNext('read', 'EIO', { path: 'other' })
    expect(await file.read(new Uint8Array(1), 0)).toBe(1)
  })

  test('a failed sync drops what it was to write, although it can still be read, and the next one does not bring it back', async () => {
    const files = memoryFiles()
    const file = await files.open('a', 'create')
    await files.syncDirectory('')
    await file.write([bytes('abc')], 0)
    files.failNext('sync', 'EIO')
    await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' })
    await file.sync()
    expect(text(files.contents('a'))).toBe('abc')
    expect(text(files.crash().contents('a'))).toBe('')
  })

  test('a full disk takes what fits and then says so, and takes more when there is space', async () => {
    const files = memoryFiles({ diskBytesMax: 4 })
    const file = await files.open('a', 'create')
    await expect(file.write([bytes('abc'), bytes('def')], 0)).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(text(files.contents('a'))).toBe('abcd')
    files.diskBytesMax = 6
    await file.write([bytes('abc'), bytes('def')], 0)
    expect(text(files.contents('a'))).toBe('abcdef')
  })
})
