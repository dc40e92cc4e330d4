import { readdir, stat, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { isMillraceError } from '@millrace/kernel'
import { openSqlite } from '@millrace/sqlite'
import { describe, expect, test } from 'vitest'
import { allIds, BENCHES, codeOf, store } from './bench-operations.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** Changes a closed database behind its back. */
function tamper(file: string, sql: string): void {
  const database = new DatabaseSync(file)
  database.exec(sql)
  database.close()
}

describe('opening a SQLite file', () => {
  test('refuses one that a newer Millrace wrote, and leaves it as it is', async () => {
    await using directory = await temporaryDirectory()
    const file = directory.path('store.db')
    await (await openSqlite({ file })).close()
    tamper(file, 'PRAGMA user_version = 99')
    const error = await openSqlite({ file }).catch((reason: unknown) => reason)
    expect(isMillraceError(error, 'DATABASE_TOO_NEW') && error.parameters).toEqual({
      file,
      seen: 99,
      supported: 2,
    })
    tamper(file, 'PRAGMA user_version = 2')
    await (await openSqlite({ file })).close()
  })

  test('refuses the database of another application, and leaves it as it is', async () => {
    await using directory = await temporaryDirectory()
    const file = directory.path('store.db')
    tamper(file, 'CREATE TABLE precious (x)')
    const before = (await stat(file)).size
    expect(await codeOf(openSqlite({ file }))).toBe('DATABASE_FOREIGN')
    expect((await stat(file)).size).toBe(before)
    expect(await readdir(directory.path('.'))).toEqual(['store.db'])
  })

  test('refuses a file that is no database, and names it', async () => {
    await using directory = await temporaryDirectory()
    const file = directory.path('store.db')
    await writeFile(file, 'not a database at all, '.repeat(100))
    const error = await openSqlite({ file }).catch((reason: unknown) => reason)
    expect(isMillraceError(error, 'DATABASE_FAILED') && error.parameters.reason).toContain(file)
  })

  test('refuses a directory that does not exist', async () => {
    await using directory = await temporaryDirectory()
    expect(await codeOf(openSqlite({ file: directory.path('none/store.db') }))).toBe('DATABASE_FAILED')
  })

  test('refuses a database in memory, which could not keep anything', async () => {
    expect(await codeOf(openSqlite({ file: ':memory:' }))).toBe('DATABASE_FAILED')
  })

  test('waits no longer than it may for a process that holds the file', async () => {
    await using directory = await temporaryDirectory()
    const file = directory.path('store.db')
    const other = new DatabaseSync(file)
    other.exec('BEGIN EXCLUSIVE; CREATE TABLE x (y)')
    expect(await codeOf(openSqlite({ file, busyTimeoutMs: 50 }))).toBe('DATABASE_BUSY')
    other.exec('ROLLBACK')
    other.close()
    await (await openSqlite({ file })).close()
  })

  test('leaves nothing but the file behind when it is closed, also after raw SQL', async () => {
    await using directory = await temporaryDirectory()
    const database = await openSqlite({ file: directory.path('store.db') })
    await database.prepare(BENCHES)
    await database.commit([store('b1')])
    await allIds(database)
    await database.raw('SELECT 1')
    await database.close()
    expect(await readdir(directory.path('.'))).toEqual(['store.db'])
  })

  test('makes one file for two that open it at the same moment', async () => {
    await using directory = await temporaryDirectory()
    const file = directory.path('store.db')
    const [one, other] = await Promise.all([openSqlite({ file }), openSqlite({ file })])
    await Promise.all([one.prepare(BENCHES), other.prepare(BENCHES)])
    await Promise.all([one.commit([store('b1')]), other.commit([store('b2')])])
    expect(await allIds(one)).toEqual(['b1', 'b2'])
    await Promise.all([one.close(), other.close()])
  })
})
