import { isMillraceError } from '@millrace/kernel'
import { ANNOUNCEMENT_BYTES, type AnnouncementListener, type Files, type OpenFile } from '@millrace/log'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

/** Makes a new, empty root for one test, and takes it away afterwards. */
export type FilesFactory = () => Promise<Files & AsyncDisposable> | (Files & AsyncDisposable)

const bytes = (text: string) => new TextEncoder().encode(text)

async function textOf(file: OpenFile): Promise<string> {
  const target = new Uint8Array(await file.size())
  await file.read(target, 0)
  return new TextDecoder().decode(target)
}

async function write(files: Files, path: string, text: string): Promise<void> {
  await using file = await files.open(path, 'create')
  await file.write([bytes(text)], 0)
}

async function read(files: Files, path: string): Promise<string> {
  await using file = await files.open(path, 'read')
  return await textOf(file)
}

/** What every `Files` must do. What survives a power cut can only be shown by a disk that simulates one. */
export function filesSuite(name: string, factory: FilesFactory): void {
  describe(`${name} as Files`, () => {
    let files: Files & AsyncDisposable
    beforeEach(async () => {
      files = await factory()
      await files.makeDirectory('data/log')
    })
    afterEach(() => files[Symbol.asyncDispose]())

    contentTests(() => files)
    nameTests(() => files)
    lockTests(() => files)
    announcementTests(() => files)
  })
}

function contentTests(at: () => Files): void {
  test('buffers are written one after another from the position on', async () => {
    await using file = await at().open('data/log/a', 'create')
    await file.write([bytes('abc'), bytes(''), bytes('def')], 0)
    await file.write([bytes('XY')], 2)
    expect(await textOf(file)).toBe('abXYef')
    expect(await file.size()).toBe(6)
  })

  test('more buffers than the system takes at once are written completely', async () => {
    await using file = await at().open('data/log/a', 'create')
    const buffers = Array.from({ length: 3000 }, (_, index) => bytes(String(index % 10)))
    await file.write(buffers, 0)
    expect(await textOf(file)).toBe('0123456789'.repeat(300))
  })

  test('a read answers fewer bytes only at the end of the file', async () => {
    await using file = await at().open('data/log/a', 'create')
    await file.write([bytes('abcdef')], 0)
    const target = new Uint8Array(4)
    expect(await file.read(target, 0)).toBe(4)
    expect(await file.read(target, 4)).toBe(2)
    expect(new TextDecoder().decode(target.subarray(0, 2))).toBe('ef')
    expect(await file.read(target, 100)).toBe(0)
  })

  test('a write behind the end leaves zeros in between', async () => {
    await using file = await at().open('data/log/a', 'create')
    await file.write([bytes('z')], 3)
    expect(await textOf(file)).toBe('\0\0\0z')
  })

  test('truncate cuts and extends with zeros, and what was cut does not come back', async () => {
    await using file = await at().open('data/log/a', 'create')
    await file.write([bytes('abcdef')], 0)
    await file.truncate(2)
    await file.truncate(4)
    await file.sync()
    expect(await textOf(file)).toBe('ab\0\0')
  })

  test('a file opened for writing can be read, and one opened for reading cannot be written', async () => {
    await write(at(), 'data/log/a', 'abc')
    await using writable = await at().open('data/log/a', 'write')
    await writable.write([bytes('X')], 1)
    expect(await textOf(writable)).toBe('aXc')
    await using readable = await at().open('data/log/a', 'read')
    await expect(readable.write([bytes('Y')], 0)).rejects.toMatchObject({ code: 'EBADF' })
  })

  test('the caller may use its buffers again when a write has settled', async () => {
    await using file = await at().open('data/log/a', 'create')
    const buffer = bytes('abc')
    await file.write([buffer], 0)
    buffer.fill(0)
    expect(await textOf(file)).toBe('abc')
  })

  test('durable writes and others may be mixed, and are read as written', async () => {
    await using file = await at().open('data/log/a', 'create')
    await file.write([bytes('abcdef')], 0)
    await file.writeDurable([bytes('X'), bytes('Y')], 1)
    await file.writeDurable([bytes('Z')], 5)
    await file.write([bytes('W')], 0)
    await file.sync()
    expect(await textOf(file)).toBe('WXYdeZ')
  })

  test('a file that was renamed while it is open is written durably under its new name', async () => {
    await using file = await at().open('data/log/a', 'create')
    await at().rename('data/log/a', 'data/log/b')
    await file.writeDurable([bytes('abc')], 0)
    expect(await read(at(), 'data/log/b')).toBe('abc')
  })

  test('closing twice is harmless', async () => {
    const file = await at().open('data/log/a', 'create')
    await file.close()
    await file.close()
  })
}

function nameTests(at: () => Files): void {
  test('a directory lists the names in it, and one that does not exist lists none', async () => {
    await write(at(), 'data/log/a', '')
    await at().makeDirectory('data/log/inner')
    await write(at(), 'data/log/inner/b', '')
    expect([...(await at().list('data/log'))].sort()).toEqual(['a', 'inner'])
    expect(await at().list('data/none')).toEqual([])
  })

  test('making a directory that exists keeps what is in it', async () => {
    await write(at(), 'data/log/a', 'abc')
    await at().makeDirectory('data/log')
    expect(await read(at(), 'data/log/a')).toBe('abc')
  })

  test('creating a file that exists fails with EEXIST, opening one that does not with ENOENT', async () => {
    await write(at(), 'data/log/a', '')
    await expect(at().open('data/log/a', 'create')).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(at().open('data/log/b', 'write')).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(at().open('data/log/b', 'read')).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(at().open('data/none/b', 'create')).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('renaming replaces the file that had the name, and an open file stays usable', async () => {
    await write(at(), 'data/log/old', 'old')
    await using file = await at().open('data/log/new', 'create')
    await file.write([bytes('new')], 0)
    await at().rename('data/log/new', 'data/log/old')
    await at().syncDirectory('data/log')
    await file.write([bytes('N')], 0)
    expect(await read(at(), 'data/log/old')).toBe('New')
    expect(await at().list('data/log')).toEqual(['old'])
    await expect(at().rename('data/log/none', 'data/log/x')).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('removing a file that is missing is not an error', async () => {
    await write(at(), 'data/log/a', '')
    await at().remove('data/log/a')
    await at().remove('data/log/a')
    expect(await at().list('data/log')).toEqual([])
  })
}

function lockTests(at: () => Files): void {
  test('a directory can be locked once, and again after it was released', async () => {
    const lock = await at().lock('data/log')
    await expect(at().lock('data/log')).rejects.toSatisfy((error) =>
      isMillraceError(error, 'DIRECTORY_LOCKED'),
    )
    await lock.release()
    await lock.release()
    await using again = await at().lock('data/log')
    expect(again).toBeDefined()
  })

  test('locks on different directories do not disturb each other', async () => {
    await at().makeDirectory('data/other')
    await using first = await at().lock('data/log')
    await using second = await at().lock('data/other')
    expect([first, second]).toHaveLength(2)
  })
}

/** A listener that keeps what it hears: the first byte of each announcement, and that it has fallen silent. */
class Ear implements AnnouncementListener {
  readonly heard: (number | 'silence')[] = []

  said(state: Uint8Array): void {
    this.heard.push(state[0] ?? 0)
  }

  fellSilent(): void {
    this.heard.push('silence')
  }
}

const state = (first: number) => new Uint8Array(ANNOUNCEMENT_BYTES).fill(first, 0, 1)

function announcementTests(at: () => Files): void {
  test('a listener has heard the newest announcement when it begins, then those that follow, and the end', async () => {
    const announcer = await at().announce('data/log')
    announcer.say(state(1))
    announcer.say(state(2))
    const ear = new Ear()
    const listening = await at().listen('data/log', ear)
    expect(ear.heard).toEqual([2])
    announcer.say(state(3))
    await expect.poll(() => ear.heard).toEqual([2, 3])
    await announcer.close()
    await expect.poll(() => ear.heard).toEqual([2, 3, 'silence'])
    listening.close()
  })

  test('a listener that was there first hears who begins later, and the next one after that', async () => {
    const ear = new Ear()
    const listening = await at().listen('data/log', ear)
    expect(ear.heard).toEqual([])
    for (const name of [4, 5]) {
      await using announcer = await at().announce('data/log')
      announcer.say(state(name))
      await expect.poll(() => ear.heard, { timeout: 5_000 }).toContain(name)
    }
    listening.close()
  })

  test('a listener that has closed hears nothing more, and others go on', async () => {
    await using announcer = await at().announce('data/log')
    announcer.say(state(6))
    const [first, second] = [new Ear(), new Ear()]
    const listening = await at().listen('data/log', first)
    const other = await at().listen('data/log', second)
    listening.close()
    announcer.say(state(7))
    await expect.poll(() => second.heard).toEqual([6, 7])
    expect(first.heard).toEqual([6])
    other.close()
  })

  test('in a directory with a very long name somebody can be heard, too', async () => {
    const directory = `data/${'long'.repeat(30)}`
    await at().makeDirectory(directory)
    await using announcer = await at().announce(directory)
    announcer.say(state(5))
    const ear = new Ear()
    const listening = await at().listen(directory, ear)
    expect(ear.heard).toEqual([5])
    listening.close()
  })
}
