import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, open } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { isMillraceError } from '@millrace/kernel'
import { openSqlite } from '@millrace/sqlite'
import { describe, expect, test } from 'vitest'
import { allIds, BENCHES, codeOf, store } from './bench-operations.ts'
import { type TemporaryDirectory, temporaryDirectory } from './temporary-directory.ts'

describe('a SQLite database', () => {
  test('answers DISK_FULL when there is no space, keeps what it has, and goes on with what fits', async () => {
    await using directory = await temporaryDirectory()
    await using database = await openSqlite({ file: directory.path('store.db'), fileBytesMax: 300_000 })
    await database.prepare(BENCHES)
    await database.commit([store('kept', { n: 1 })])
    const large = store('large', { text: 'x'.repeat(500_000) })
    expect(await codeOf(database.commit([store('kept', { n: 2 }), large]))).toBe('DISK_FULL')
    const [kept] = await database.read([{ kind: 'load', collection: 'benches', ids: ['kept'] }])
    expect(kept).toMatchObject([{ revision: 1, text: '{"n":1}' }])
    await database.commit([store('small')])
    expect(await allIds(database)).toEqual(['kept', 'small'])
  })

  test('answers DISK_FULL to all units of a group that the disk has no room for', async () => {
    await using directory = await temporaryDirectory()
    await using database = await openSqlite({ file: directory.path('store.db'), fileBytesMax: 300_000 })
    await database.prepare(BENCHES)
    const units = [1, 2, 3, 4].map((n) => database.commit([store(`b${n}`, { text: 'x'.repeat(100_000) })]))
    const codes = await Promise.all(units.map(codeOf))
    const stored = codes.flatMap((code, index) => (code === 'no error' ? [`b${index + 1}`] : []))
    expect(codes).toContain('DISK_FULL')
    expect(await allIds(database)).toEqual(stored)
  })

  test('answers DATABASE_FAILED for a damaged file, again and again, and names it', async () => {
    await using directory = await temporaryDirectory()
    const file = directory.path('store.db')
    const writer = await openSqlite({ file })
    await writer.prepare(BENCHES)
    await writer.commit(
      Array.from({ length: 500 }, (_, index) => store(`b${index}`, { text: 'x'.repeat(200) })),
    )
    await writer.close()
    const pages = pagesOf(file, '_documents_benches')
    const handle = await open(file, 'r+')
    for (const page of pages.slice(1, 20)) await handle.write(Buffer.alloc(2_000, 0xa5), 0, 2_000, page)
    await handle.close()
    await using damaged = await openSqlite({ file })
    await damaged.prepare(BENCHES)
    for (let turn = 0; turn < 3; turn += 1) {
      const error = await allIds(damaged).catch((reason: unknown) => reason)
      expect(isMillraceError(error, 'DATABASE_FAILED') && error.parameters.reason).toContain(file)
    }
  })

  test('refuses requests beyond its limits, and takes more when there is room again', async () => {
    await using directory = await temporaryDirectory()
    const options = { requestsMax: 3, requestBytesMax: 1_000 }
    await using database = await openSqlite({ file: directory.path('store.db'), ...options })
    await database.prepare(BENCHES)
    const many = await Promise.all([1, 2, 3, 4].map((n) => codeOf(database.commit([store(`b${n}`)]))))
    expect(many).toEqual(['no error', 'no error', 'no error', 'QUEUE_FULL'])
    expect(await codeOf(database.commit([store('big', { text: 'x'.repeat(2_000) })]))).toBe('QUEUE_FULL')
    expect(await codeOf(database.commit([store('b4')]))).toBe('no error')
  })

  test('waits for another process that writes, but no longer than it may, and then is busy', async () => {
    await using directory = await temporaryDirectory()
    const file = directory.path('store.db')
    await using database = await openSqlite({ file, busyTimeoutMs: 50 })
    await database.prepare(BENCHES)
    const other = new DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
    const error = await database.commit([store('b1')]).catch((reason: unknown) => reason)
    expect(isMillraceError(error, 'DATABASE_BUSY') && error.parameters.database).toBe(file)
    expect(await allIds(database)).toEqual([])
    other.exec('COMMIT')
    other.close()
    expect(await codeOf(database.commit([store('b1')]))).toBe('no error')
  })

  test('can be read where its file cannot be written to, and says so to whoever writes', async () => {
    await using directory = await temporaryDirectory()
    const file = await filledFile(directory)
    await chmod(directory.path('.'), 0o777)
    await chmod(file, 0o444)
    expect(await asNobody(file)).toEqual({
      open: 'no error',
      prepare: 'no error',
      ids: ['b1'],
      commit: 'DATABASE_READ_ONLY',
      declare: 'DATABASE_READ_ONLY',
    })
  })

  test('cannot be opened in a directory that cannot be written to, where its log would stand', async () => {
    await using directory = await temporaryDirectory()
    const file = await filledFile(directory)
    await chmod(file, 0o666)
    await chmod(directory.path('.'), 0o555)
    expect(await asNobody(file)).toEqual({ open: 'DATABASE_READ_ONLY' })
    // Whoever is not root could not remove it otherwise.
    await chmod(directory.path('.'), 0o755)
  })
})

/** A closed file with a document in it. */
async function filledFile(directory: TemporaryDirectory): Promise<string> {
  const file = directory.path('store.db')
  await using database = await openSqlite({ file })
  await database.prepare(BENCHES)
  await database.commit([store('b1')])
  return file
}

/** Where the pages of a table stand in the file. */
function pagesOf(file: string, table: string): number[] {
  const database = new DatabaseSync(file)
  const rows = database.prepare('SELECT pgoffset FROM dbstat WHERE name = ? ORDER BY pgoffset').all(table)
  database.close()
  return rows.map((row) => Number(row.pgoffset))
}

/** What a process finds that is not root, for whom permissions count. */
async function asNobody(file: string): Promise<unknown> {
  const script = fileURLToPath(new URL('./fixtures/reading-process.ts', import.meta.url))
  const child = spawn(process.execPath, [script, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  await once(child, 'close')
  return JSON.parse(text)
}
