import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { readOne } from '@millrace/documents'
import { openSqlite } from '@millrace/sqlite'
import { describe, expect, test } from 'vitest'
import { allIds, append, BENCHES, codeOf, store } from './bench-operations.ts'
import { temporaryDirectory } from './temporary-directory.ts'

describe('commits that wait at the same time', () => {
  test('share transactions and syncs', async () => {
    await using directory = await temporaryDirectory()
    const file = directory.path('store.db')
    await using database = await openSqlite({ file })
    await database.prepare(BENCHES)
    const before = await transactionsIn(file)
    await Promise.all(Array.from({ length: 100 }, (_, index) => database.commit([store(`b${index}`)])))
    const together = (await transactionsIn(file)) - before
    expect(together).toBeLessThanOrEqual(3)
    for (let index = 0; index < 10; index += 1) await database.commit([store(`one-${index}`)])
    expect((await transactionsIn(file)) - before - together).toBe(10)
  })

  test('are labelled with the time of the caller’s clock', async () => {
    await using directory = await temporaryDirectory()
    const file = directory.path('store.db')
    let nowMs = 1_000
    const clock = { now: () => nowMs++ }
    const database = await openSqlite({ file, clock })
    await database.prepare(BENCHES)
    await Promise.all(Array.from({ length: 100 }, (_, index) => database.commit([store(`b${index}`)])))
    await database.commit([store('b0', { changed: true })])
    await database.close()
    const raw = new DatabaseSync(file)
    const rows = raw.prepare('SELECT created_at, changed_at FROM _documents_benches').all()
    const changed = raw.prepare(`SELECT created_at, changed_at FROM _documents_benches WHERE id = 'b0'`).get()
    raw.close()
    expect(new Set(rows.map((row) => row.created_at)).size).toBe(1)
    expect(Number(changed?.changed_at)).toBeGreaterThan(Number(changed?.created_at))
  })

  test('are each all or nothing: one that is refused neither takes others along nor leaves a gap', async () => {
    await using directory = await temporaryDirectory()
    await using database = await openSqlite({ file: directory.path('store.db') })
    await database.prepare(BENCHES)
    const refused = { kind: 'expect', collection: 'benches', id: 'none', revision: 3 } as const
    const units = Array.from({ length: 9 }, (_, index) => [
      store(`b${index}`),
      append(`s${index}`, 2),
      ...(index % 3 === 1 ? [refused] : []),
    ])
    const codes = await Promise.all(units.map((unit) => codeOf(database.commit(unit))))
    expect(codes.map((code) => code === 'no error')).toEqual(units.map((_, index) => index % 3 !== 1))
    expect(await allIds(database)).toEqual(['b0', 'b2', 'b3', 'b5', 'b6', 'b8'])
    const { events } = await readOne(database, { kind: 'feed', after: 0 })
    expect(events.map(({ position }) => position)).toEqual(
      Array.from({ length: 12 }, (_, index) => index + 1),
    )
  })
})

describe('a killed process', () => {
  test('leaves every unit that was acknowledged, and all of each unit or nothing', async () => {
    await using directory = await temporaryDirectory()
    const file = directory.path('store.db')
    const acknowledged = await killedAfter(200, file)
    await using database = await openSqlite({ file })
    await database.prepare(BENCHES)
    const found = new Set(await allIds(database))
    expect(acknowledged.length).toBeGreaterThan(200)
    expect(acknowledged.filter((name) => !found.has(name))).toEqual([])
    const streams = await readOne(database, { kind: 'stream-info', streams: [...found] })
    expect(streams.map(({ stream }) => stream).sort()).toEqual([...found].sort())
    expect(streams.every(({ version }) => version === 2)).toBe(true)
    const { events, through } = await readOne(database, { kind: 'feed', after: 0, limit: 10_000 })
    expect(events).toHaveLength(found.size * 2)
    expect(through).toBe(found.size * 2)
  })
})

/** Names that a process had acknowledged when it was killed, in the middle of its commits. */
async function killedAfter(count: number, file: string): Promise<string[]> {
  const script = fileURLToPath(new URL('./fixtures/committing-process.ts', import.meta.url))
  const child = spawn(process.execPath, [script, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  const acknowledged: string[] = []
  let rest = ''
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n')
    rest = lines.pop() ?? ''
    acknowledged.push(...lines)
    if (acknowledged.length > count) child.kill('SIGKILL')
  })
  await once(child, 'close')
  return acknowledged
}

const [WAL_HEADER_BYTES, FRAME_HEADER_BYTES, PAGE_BYTES] = [32, 24, 4_096]

/** Transactions in the write-ahead log: frames that say how large the database is. Each was synced. */
// Source: https://sqlite.org/fileformat2.html#the_write_ahead_log
async function transactionsIn(file: string): Promise<number> {
  const bytes = await readFile(`${file}-wal`)
  let transactions = 0
  const frameBytes = FRAME_HEADER_BYTES + PAGE_BYTES
  for (let offset = WAL_HEADER_BYTES; offset + frameBytes <= bytes.length; offset += frameBytes) {
    if (bytes.readUInt32BE(offset + 4) > 0) transactions += 1
  }
  return transactions
}
