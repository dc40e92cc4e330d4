import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readdir, stat, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import type { Database, WriteOperation } from '@millrace/documents'
import { isMillraceError } from '@millrace/kernel'
import { openSqlite, WorkerLink } from '@millrace/sqlite'
import { describe, expect, test } from 'vitest'
import { temporaryDirectory } from './temporary-directory.ts'

const store = (id: string, body: Readonly<Record<string, unknown>> = {}): WriteOperation => ({
  kind: 'store',
  collection: 'benches',
  id,
  body,
})

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'no error',
    (error: unknown) => (isMillraceError(error) ? error.code : error),
  )
}

/** Changes a closed database behind its back. */
function tamper(file: string, sql: string): void {
  const database = new DatabaseSync(file)
  database.exec(sql)
  database.close()
}

async function allIds(database: Database): Promise<string[]> {
  return (await database.query({ collection: 'benches', limit: 10_000 })).map(({ id }) => id)
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
      supported: 1,
    })
    tamper(file, 'PRAGMA user_version = 1')
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

  test('refuses a file that is no database, and a directory that does not exist', async () => {
    await using directory = await temporaryDirectory()
    const file = directory.path('store.db')
    await writeFile(file, 'not a database at all, '.repeat(100))
    expect(await codeOf(openSqlite({ file }))).toBe('DATABASE_FAILED')
    expect(await codeOf(openSqlite({ file: directory.path('none/store.db') }))).toBe('DATABASE_FAILED')
  })

  test('refuses a database in memory, which could not keep anything', async () => {
    expect(await codeOf(openSqlite({ file: ':memory:' }))).toBe('DATABASE_FAILED')
  })

  test('leaves nothing but the file behind when it is closed', async () => {
    await using directory = await temporaryDirectory()
    const database = await openSqlite({ file: directory.path('store.db') })
    await database.prepare(['benches'])
    await database.commit([store('b1')])
    await allIds(database)
    await database.close()
    expect(await readdir(directory.path('.'))).toEqual(['store.db'])
  })
})

describe('a SQLite database', () => {
  test('writes waiting units in one transaction, labelled with the time of the caller’s clock', async () => {
    await using directory = await temporaryDirectory()
    const file = directory.path('store.db')
    let nowMs = 1_000
    const clock = { now: () => nowMs++ }
    const database = await openSqlite({ file, clock })
    await database.prepare(['benches'])
    await Promise.all(Array.from({ length: 100 }, (_, index) => database.commit([store(`b${index}`)])))
    await database.commit([store('b0', { changed: true })])
    await database.close()
    const raw = new DatabaseSync(file)
    const rows = raw.prepare('SELECT created_at, changed_at FROM documents_benches').all()
    const changed = raw.prepare(`SELECT created_at, changed_at FROM documents_benches WHERE id = 'b0'`).get()
    raw.close()
    expect(new Set(rows.map((row) => row.created_at)).size).toBe(1)
    expect(Number(changed?.changed_at)).toBeGreaterThan(Number(changed?.created_at))
  })

  test('answers DISK_FULL when there is no space, keeps what it has, and goes on with what fits', async () => {
    await using directory = await temporaryDirectory()
    await using database = await openSqlite({ file: directory.path('store.db'), fileBytesMax: 200_000 })
    await database.prepare(['benches'])
    await database.commit([store('kept', { n: 1 })])
    const large = store('large', { text: 'x'.repeat(500_000) })
    expect(await codeOf(database.commit([store('kept', { n: 2 }), large]))).toBe('DISK_FULL')
    expect(await database.load('benches', ['kept'])).toEqual([{ id: 'kept', revision: 1, body: { n: 1 } }])
    await database.commit([store('small')])
    expect(await allIds(database)).toEqual(['kept', 'small'])
  })

  test('answers DATABASE_FAILED for a damaged file, again and again, without harm to the process', async () => {
    await using directory = await temporaryDirectory()
    const file = directory.path('store.db')
    const writer = await openSqlite({ file })
    await writer.prepare(['benches'])
    await writer.commit(
      Array.from({ length: 500 }, (_, index) => store(`b${index}`, { text: 'x'.repeat(200) })),
    )
    await writer.close()
    const handle = await open(file, 'r+')
    for (let offset = 16_384; offset < 81_920; offset += 4_096)
      await handle.write(Buffer.alloc(2_000, 0xa5), 0, 2_000, offset)
    await handle.close()
    await using damaged = await openSqlite({ file })
    for (let turn = 0; turn < 3; turn += 1) expect(await codeOf(allIds(damaged))).toBe('DATABASE_FAILED')
  })

  test('refuses requests beyond its limits, and takes more when there is room again', async () => {
    await using directory = await temporaryDirectory()
    const options = { requestsMax: 3, requestBytesMax: 1_000 }
    await using database = await openSqlite({ file: directory.path('store.db'), ...options })
    await database.prepare(['benches'])
    const many = await Promise.all([1, 2, 3, 4].map((n) => codeOf(database.commit([store(`b${n}`)]))))
    expect(many).toEqual(['no error', 'no error', 'no error', 'QUEUE_FULL'])
    expect(await codeOf(database.commit([store('big', { text: 'x'.repeat(2_000) })]))).toBe('QUEUE_FULL')
    expect(await codeOf(database.commit([store('b4')]))).toBe('no error')
  })

  test('keeps the writes of two processes apart: the second waits for the first', async () => {
    await using directory = await temporaryDirectory()
    const file = directory.path('store.db')
    await using database = await openSqlite({ file, busyTimeoutMs: 50 })
    await database.prepare(['benches'])
    const other = new DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
    expect(await codeOf(database.commit([store('b1')]))).toBe('DATABASE_FAILED')
    expect(await allIds(database)).toEqual([])
    other.exec('COMMIT')
    other.close()
    expect(await codeOf(database.commit([store('b1')]))).toBe('no error')
  })

  test('has every acknowledged document after its process was killed', async () => {
    await using directory = await temporaryDirectory()
    const file = directory.path('store.db')
    const script = fileURLToPath(new URL('./fixtures/committing-process.ts', import.meta.url))
    const child = spawn(process.execPath, [script, file], { stdio: ['ignore', 'pipe', 'inherit'] })
    const acknowledged: string[] = []
    let rest = ''
    child.stdout.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n')
      rest = lines.pop() ?? ''
      acknowledged.push(...lines)
      if (acknowledged.length > 200) child.kill('SIGKILL')
    })
    await once(child, 'close')
    await using database = await openSqlite({ file })
    const found = new Set(await allIds(database))
    expect(acknowledged.length).toBeGreaterThan(200)
    expect(acknowledged.filter((id) => !found.has(id))).toEqual([])
  })
})

describe('the way to the worker', () => {
  test('rejects what is under way, what waits and what comes later when the worker dies', async () => {
    const settings = {
      role: 'writer',
      file: 'x.db',
      busyTimeoutMs: 1,
      statementsMax: 1,
      fileBytesMax: undefined,
    } as const
    const { link } = await WorkerLink.open({
      script: new URL('./fixtures/dying-worker.ts', import.meta.url),
      settings,
      now: () => 0,
      requestsMax: 10,
      requestBytesMax: 10,
      batchMax: 1,
    })
    const request = { kind: 'positions', processor: 'p' } as const
    const codes = await Promise.all([codeOf(link.send(request)), codeOf(link.send(request))])
    expect(codes).toEqual(['DATABASE_FAILED', 'DATABASE_FAILED'])
    expect(await codeOf(link.send(request))).toBe('DATABASE_FAILED')
    await link.close()
  })
})
