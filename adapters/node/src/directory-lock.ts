import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { millraceError } from '@millrace/kernel'
import type { FileLock } from '@millrace/log'

const LOCK_FILE = 'lock.db'
const OWNER_FILE = 'owner.json'

/** SQLite's primary result code for a database that somebody else has locked. */
const SQLITE_BUSY = 5
/** Whoever only looks who has the lock holds a shared one for a moment. */
const LOOK_MS_MAX = 20

/**
 * Takes the lock on a directory.
 *
 * Node offers no file locks, but its SQLite does: an exclusive transaction on an empty database holds a lock of
 * the operating system (`fcntl` or `LockFileEx`), which ends with the process, however it ends, and cannot be
 * faked by a reused process id. SQLite also sees a second lock within the process. Nothing is ever written to
 * the database. Nobody else may open `lock.db`: on POSIX, closing it anywhere in the process drops the lock.
 *
 * @throws DIRECTORY_LOCKED with the owner, as `owner.json` beside the lock tells it
 */
export async function lockDirectory(directory: string): Promise<FileLock> {
  const ownerPath = join(directory, OWNER_FILE)
  const database = new DatabaseSync(join(directory, LOCK_FILE), { timeout: LOOK_MS_MAX })
  try {
    database.exec('PRAGMA journal_mode=MEMORY; PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (!isBusy(error)) throw error
    throw millraceError(
      'DIRECTORY_LOCKED',
      { directory, owner: await describeOwner(ownerPath) },
      { cause: error },
    )
  }
  await writeFile(
    ownerPath,
    JSON.stringify({ pid: process.pid, host: hostname(), started: new Date().toISOString() }),
  )
  let release: Promise<void> | undefined
  const lock: FileLock = {
    release: () => {
      release ??= rm(ownerPath, { force: true }).finally(() => database.close())
      return release
    },
    [Symbol.asyncDispose]: () => lock.release(),
  }
  return lock
}

/**
 * Who has the lock on a directory, in words for people; undefined if nobody does. Takes nothing and writes nothing: it
 * reads the lock file, which whoever holds the lock keeps everybody from.
 */
export async function directoryOwner(directory: string): Promise<string | undefined> {
  const path = join(directory, LOCK_FILE)
  if (!existsSync(path)) return undefined
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    database.exec('SELECT count(*) FROM sqlite_schema')
    return undefined
  } catch (error) {
    if (!isBusy(error)) throw error
    return await describeOwner(join(directory, OWNER_FILE))
  } finally {
    database.close()
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY
}

/** For the message only: whoever holds the lock may not have written it yet. */
async function describeOwner(path: string): Promise<string> {
  try {
    const { pid, host, started } = JSON.parse(await readFile(path, 'utf8'))
    return `process ${pid} on ${host}, since ${started}`
  } catch {
    return 'another process'
  }
}
