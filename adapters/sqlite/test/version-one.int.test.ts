import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { readOne } from '@millrace/documents'
import { openSqlite } from '@millrace/sqlite'
import { describe, expect, test } from 'vitest'
import { allIds, BENCHES, codeOf, store } from './bench-operations.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** The statements by which schema version 1 made its files, word for word. */
const VERSION_ONE = `BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS positions (
  processor TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL,
  "offset" INTEGER NOT NULL, changed_at INTEGER NOT NULL,
  PRIMARY KEY (processor, topic, partition)
) STRICT, WITHOUT ROWID; PRAGMA application_id = ${0x4d494c4c};
    PRAGMA user_version = 1; COMMIT`
const collectionOne = (table: string) => `CREATE TABLE IF NOT EXISTS "${table}" (
    id TEXT PRIMARY KEY NOT NULL, revision INTEGER NOT NULL, body TEXT NOT NULL,
    created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`

/** A file of version 1 with documents in "benches" and in "Benches". */
function oldFile(file: string, documents: number): void {
  const database = new DatabaseSync(file)
  database.exec(`PRAGMA journal_mode = WAL; ${VERSION_ONE}`)
  database.exec(`BEGIN; ${collectionOne('documents_benches')}; ${collectionOne('documents_$benches')}`)
  const insert = database.prepare('INSERT INTO documents_benches VALUES (?, ?, ?, ?, ?)')
  for (let index = 0; index < documents; index += 1) {
    insert.run(
      `b${index}`,
      index + 1,
      JSON.stringify({ n: index, text: 'x'.repeat(100) }),
      1_000,
      2_000 + index,
    )
  }
  database.exec(`INSERT INTO "documents_$benches" VALUES ('B', 1, '{"n":"other"}', 1, 1);
    INSERT INTO positions VALUES ('p', 't', 3, 77, 1); COMMIT`)
  database.close()
}

describe('a file of schema version 1', () => {
  test('is brought to this version with all that it holds', async () => {
    await using directory = await temporaryDirectory()
    const file = directory.path('store.db')
    oldFile(file, 3)
    await using database = await openSqlite({ file })
    await database.prepare({ collections: [{ name: 'benches', softDelete: true }, { name: 'Benches' }] })
    const [benches, others, positions] = await database.read([
      { kind: 'query', collection: 'benches' },
      { kind: 'query', collection: 'Benches' },
      { kind: 'positions', processor: 'p' },
    ])
    expect(benches.documents.map(({ text, ...rest }) => ({ ...rest, n: JSON.parse(text).n }))).toEqual(
      [0, 1, 2].map((n) => ({ id: `b${n}`, revision: n + 1, n, createdAtMs: 1_000, changedAtMs: 2_000 + n })),
    )
    expect(others.documents).toMatchObject([{ id: 'B', text: '{"n":"other"}' }])
    expect(positions).toEqual([{ topic: 't', partition: 3, offset: 77 }])
    await database.commit([store('b1', { n: 'new' })])
    expect(await readOne(database, { kind: 'load', collection: 'benches', ids: ['b1'] })).toMatchObject([
      { revision: 3, text: '{"n":"new"}' },
    ])
  })

  test('has the same tables as one that was made by this version', async () => {
    await using directory = await temporaryDirectory()
    const [old, made] = [directory.path('old.db'), directory.path('new.db')]
    oldFile(old, 1)
    for (const file of [old, made]) {
      await using database = await openSqlite({ file })
      await database.prepare({ collections: [{ name: 'benches' }, { name: 'Benches' }] })
    }
    expect(schemaOf(old)).toEqual(schemaOf(made))
  })

  test('is one or the other when its process is killed at any moment, and loses nothing', async () => {
    await using directory = await temporaryDirectory()
    const documents = 20_000
    const seen = new Set<number>()
    for (let attempt = 0; attempt < 6; attempt += 1) {
      const file = directory.path(`store-${attempt}.db`)
      oldFile(file, documents)
      await killedWhileOpening(file, attempt)
      seen.add(versionOf(file))
      await using database = await openSqlite({ file })
      await database.prepare(BENCHES)
      expect(await readOne(database, { kind: 'count', collection: 'benches' })).toBe(documents)
      expect((await allIds(database))[0]).toBe('b0')
      expect(await codeOf(database.commit([store('b0')]))).toBe('no error')
    }
    expect(seen, 'at least one was killed in the middle').toContain(1)
  }, 120_000)
})

/** Kills a process as soon as it has begun to write, or a little later. */
async function killedWhileOpening(file: string, attempt: number): Promise<void> {
  const script = fileURLToPath(new URL('./fixtures/committing-process.ts', import.meta.url))
  const child = spawn(process.execPath, [script, file], { stdio: ['ignore', 'ignore', 'inherit'] })
  const looking = new DatabaseSync(file)
  const isWriting = () => {
    try {
      looking.exec('BEGIN IMMEDIATE; ROLLBACK')
      return false
    } catch {
      return true
    }
  }
  for (let looks = attempt * 5; looks >= 0; ) {
    await new Promise((resolve) => setImmediate(resolve))
    if (isWriting() || versionOf(file) === 2) looks -= 1
  }
  looking.close()
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
}

function versionOf(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true })
  const version = Number(database.prepare('PRAGMA user_version').get()?.user_version)
  database.close()
  return version
}

function schemaOf(file: string): unknown {
  const database = new DatabaseSync(file)
  const rows = database.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name').all()
  const declared = database.prepare('SELECT kind, name, definition, has_marks FROM _declared').all()
  database.close()
  return { rows, declared }
}
