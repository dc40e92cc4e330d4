import { filesSuite } from '@millrace/conformance'
import { isMillraceError, manualRuntime, seededRandom } from '@millrace/kernel'
import { type MemoryFiles, memoryFiles, shortWrites } from '@millrace/memory'
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

  test('a write can take a part before it fails, and so can one on any other disk', async () => {
    const files = memoryFiles()
    const file = await files.open('a', 'create')
    files.failNext('write', 'EIO', { takesBytes: 4 })
    await expect(file.write([bytes('abc'), bytes('def')], 0)).rejects.toMatchObject({ code: 'EIO' })
    expect(text(files.contents('a'))).toBe('abcd')
    const short = await shortWrites(files, (path, count) => (path === 'a' ? count - 1 : undefined)).open(
      'a',
      'write',
    )
    await expect(short.write([bytes('XY'), bytes('Z')], 0)).rejects.toMatchObject({ code: 'EIO' })
    expect(text(files.contents('a'))).toBe('XYcd')
    expect(await short.size()).toBe(4)
  })

  test('what a failed sync has dropped may be on the disk, until a later write of the same sector is synced', async () => {
    const files = memoryFiles()
    const file = await created(files, 'a', sectors('a', 'a'))
    await file.write([sectors('b', 'b')], 0)
    files.failNext('sync', 'EIO')
    await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' })
    expect(statesOf(files, 'a')).toEqual(['aa', 'ab', 'ba', 'bb'])
    await file.write([bytes('c')], 512)
    await file.sync()
    expect(statesOf(files, 'a')).toEqual(['ac', 'bc'])
    expect(text(files.contents('a').subarray(512, 514))).toBe('cb')
  })

  test('a file can have another size than it should, as a damaged file system leaves it', async () => {
    const files = memoryFiles()
    await created(files, 'a', bytes('abcdef'))
    files.damageSize('a', 3)
    expect(text(files.contents('a'))).toBe('abc')
    expect(text(files.crash().contents('a'))).toBe('abc')
  })
})

/** Whole sectors, each full of one letter. */
function sectors(...letters: readonly string[]): Uint8Array {
  return bytes(letters.map((letter) => letter.repeat(512)).join(''))
}

/** The first letters of the sectors of a file; a dot for zeros. */
function letters(files: MemoryFiles, path: string): string {
  const content = text(files.contents(path)).replaceAll('\0', '.')
  return (
    content
      .match(/.{1,512}/gs)
      ?.map((sector) => sector[0])
      .join('') ?? ''
  )
}

/** A file that is durable, with its name. */
async function created(files: MemoryFiles, path: string, content: Uint8Array) {
  const file = await files.open(path, 'create')
  await file.write([content], 0)
  await file.sync()
  await files.syncDirectory(path.slice(0, Math.max(0, path.lastIndexOf('/'))))
  return file
}

/** What each crash can leave of one file, in order; the number of them is what was promised. */
function statesOf(files: MemoryFiles, path: string): string[] {
  const states = files.crashStates()
  const disks = [...states]
  expect(states.count).toBe(disks.length)
  expect(new Set(disks.map((disk) => text(disk.contents(path)))).size).toBe(disks.length)
  return disks.map((disk) => letters(disk, path)).sort()
}

describe('all that a crash can leave', () => {
  test('has every generation of every sector that was not synced, each mixture once', async () => {
    const files = memoryFiles()
    const file = await created(files, 'a', sectors('a', 'a'))
    await file.write([sectors('b', 'b')], 0)
    await file.write([sectors('c')], 0)
    await file.write([sectors('b')], 512)
    expect(statesOf(files, 'a')).toEqual(['aa', 'ab', 'ba', 'bb', 'ca', 'cb'])
    await file.sync()
    expect(statesOf(files, 'a')).toEqual(['cb'])
  })

  test('has every size since the last sync, with zeros where nothing was written', async () => {
    const files = memoryFiles()
    const file = await created(files, 'a', sectors('a'))
    await file.write([sectors('b', 'c')], 512)
    expect(statesOf(files, 'a')).toEqual(['a', 'a..', 'a.c', 'ab.', 'abc'])
  })

  test('brings nothing back that was behind a cut which survived', async () => {
    const files = memoryFiles()
    const file = await created(files, 'a', sectors('a', 'a'))
    await file.truncate(512)
    await file.write([sectors('b')], 512)
    expect(statesOf(files, 'a')).toEqual(['a', 'a.', 'aa', 'ab'])
    await file.sync()
    expect(statesOf(files, 'a')).toEqual(['ab'])
  })

  test('counts at once what several cuts have in common, however many sectors there are', async () => {
    const files = memoryFiles()
    const file = await created(files, 'a', sectors('a', 'a'))
    await file.truncate(512)
    await file.write([sectors('b')], 512)
    await file.truncate(300)
    await file.write([sectors('b')], 512)
    expect(statesOf(files, 'a')).toHaveLength(7)
    await file.write([new Uint8Array(40 * 512).fill(1)], 0)
    await file.truncate(512)
    await file.write([new Uint8Array(40 * 512).fill(2)], 0)
    expect(files.crashStates().count).toBeGreaterThan(2 ** 40)
  })

  test('has the first few changes of each directory, whatever survived of the others', async () => {
    const files = memoryFiles()
    for (const directory of ['x', 'y']) await files.makeDirectory(directory)
    for (const path of ['x/1', 'x/2', 'y/1']) await (await files.open(path, 'create')).close()
    const states = files.crashStates()
    const names = async (disk: MemoryFiles) => [...(await disk.list('x')), ...(await disk.list('y'))].join()
    const all = await Promise.all([...states].map(names))
    expect(all.sort()).toEqual(['', '1', '1', '1,1', '1,2', '1,2,1'])
    expect(states.count).toBe(6)
  })

  test('moves a file from one directory to another as one step', async () => {
    const files = memoryFiles()
    for (const directory of ['x', 'y']) await files.makeDirectory(directory)
    await created(files, 'x/a', bytes('a'))
    await files.rename('x/a', 'y/a')
    await (await files.open('y/b', 'create')).close()
    const places = async (disk: MemoryFiles) => [await disk.list('x'), await disk.list('y')]
    const all = await Promise.all([...files.crashStates()].map(places))
    expect(all).toHaveLength(3)
    expect(all).toContainEqual([['a'], []])
    expect(all).toContainEqual([[], ['a']])
    expect(all).toContainEqual([[], ['a', 'b']])
    await files.syncDirectory('x')
    expect(files.crashStates().count).toBe(2)
  })

  test('contains each that chance leaves', async () => {
    const files = memoryFiles()
    const file = await created(files, 'a', sectors('a', 'a'))
    await file.write([sectors('b', 'b', 'b')], 0)
    await file.write([sectors('c')], 512)
    await file.truncate(700)
    await file.write([sectors('d')], 1024)
    const all = [...files.crashStates()].map((disk) => text(disk.contents('a')))
    const seen = new Set<string>()
    for (let seed = 0; seed < 2000; seed += 1)
      seen.add(text(files.afterCrash({ random: seededRandom(seed) }).contents('a')))
    expect(all.length).toBeGreaterThan(20)
    expect([...seen].sort()).toEqual(all.sort())
  })

  test('stays what it was while the disk goes on, and costs little on a large one', async () => {
    const files = memoryFiles()
    const file = await created(files, 'a', new Uint8Array(64 * 1024 * 1024))
    await file.write([sectors('a')], 1024 * 1024)
    const states = files.crashStates()
    await file.write([sectors('b')], 1024 * 1024)
    await file.sync()
    const startedMs = performance.now()
    for (let round = 0; round < 100; round += 1) {
      const disk = states.random(seededRandom(round))
      await (await disk.open('a', 'write')).write([sectors('c')], 0)
    }
    expect(
      [...states].map((disk) => text(disk.contents('a').subarray(1024 * 1024, 1024 * 1024 + 1))),
    ).toEqual(['\0', 'a'])
    expect(performance.now() - startedMs).toBeLessThan(2_000)
  })

  test('is as open after the process was killed as before: nothing is lost, nothing more is durable', async () => {
    const files = memoryFiles()
    const file = await created(files, 'a', sectors('a'))
    await file.write([sectors('b')], 0)
    await (await files.open('new', 'create')).close()
    await using lock = await files.lock('')
    const next = files.afterKill()
    expect(lock).toBeDefined()
    expect(letters(next, 'a')).toBe('b')
    expect([...(await next.list(''))].sort()).toEqual(['a', 'new'])
    expect([...next.crashStates()].map((disk) => letters(disk, 'a')).sort()).toEqual(['a', 'a', 'b', 'b'])
    await using again = await next.lock('')
    expect(again).toBeDefined()
  })
})

describe('the record of a disk', () => {
  test('tells each call with its moments, refused ones too', async () => {
    const files = memoryFiles()
    const told: string[] = []
    files.onCall = ({ number, operation, path, moment }) =>
      told.push(`${number} ${operation} ${path} ${moment}`)
    const file = await files.open('a', 'create')
    files.failNext('sync', 'EIO')
    await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' })
    expect(told).toEqual([
      '1 open a begun',
      '1 open a acted',
      '1 open a answered',
      '2 sync a begun',
      '2 sync a refused',
    ])
  })
})
