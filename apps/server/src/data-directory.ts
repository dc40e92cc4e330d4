import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deviceKeys } from '@millrace/devices'
import { millraceError } from '@millrace/kernel'
import type { FileLock } from '@millrace/log'
import { nodeFiles } from '@millrace/node'

/** The layout of a data directory that this version writes. A higher number on disk is refused. */
const FORMAT_VERSION = 1

/** A data directory that this process alone may use. */
export interface DataDirectory extends AsyncDisposable {
  readonly path: string
  /** What callers of the HTTP API must show. Made once, kept in `api-token`. */
  readonly apiToken: string
  /** Names this node to others on the same store, the same after a restart. Made once, kept in `node-id`. */
  readonly nodeId: string
  /** What device passwords are derived from. Made once, kept in `device-secret`. */
  readonly deviceSecret: Uint8Array
}

/**
 * Creates the directory if needed, locks it, checks its version, and reads (or makes) its secrets.
 *
 * @throws DIRECTORY_LOCKED, DIRECTORY_TOO_NEW
 */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  const lock = await nodeFiles(path).lock('.')
  try {
    await checkVersion(path)
    const apiToken = await secretFile(join(path, 'api-token'))
    const deviceSecret = new TextEncoder().encode(await secretFile(join(path, 'device-secret')))
    const nodeId = await secretFile(join(path, 'node-id'))
    return { path, apiToken, nodeId, deviceSecret, [Symbol.asyncDispose]: () => release(lock) }
  } catch (error) {
    await release(lock)
    throw error
  }
}

function release(lock: FileLock): Promise<void> {
  return lock.release()
}

async function checkVersion(path: string): Promise<void> {
  const file = join(path, 'format-version')
  const text = await readOptional(file)
  if (text === undefined) return writeDurably(file, `${FORMAT_VERSION}\n`)
  const seen = Number(text)
  if (Number.isInteger(seen) && seen <= FORMAT_VERSION) return
  throw millraceError('DIRECTORY_TOO_NEW', {
    directory: path,
    seen: JSON.stringify(text.trim()),
    supported: FORMAT_VERSION,
  })
}

/** The text in a file that only its owner may read; 32 random bytes in base64url if it does not exist yet. */
async function secretFile(file: string): Promise<string> {
  const text = (await readOptional(file))?.trim()
  if (text !== undefined && text !== '') {
    await chmod(file, 0o600)
    return text
  }
  const secret = randomBytes(32).toString('base64url')
  await writeDurably(file, `${secret}\n`)
  return secret
}

async function readDeviceSecret(path: string): Promise<Uint8Array> {
  const text = await readOptional(join(path, 'device-secret'))
  if (text !== undefined) return new TextEncoder().encode(text.trim())
  throw millraceError('CONFIGURATION_INVALID', {
    path: 'data',
    seen: JSON.stringify(path),
    expected: 'a data directory in which "millrace dev" or "millrace start" has run',
  })
}

/** The passwords of devices, for programs that run on the server's machine and may read its data directory. */
export async function devicePasswords(path: string): Promise<(device: string) => string> {
  const keys = deviceKeys(await readDeviceSecret(path))
  return (device) => keys.passwordOf(device)
}

async function writeDurably(file: string, text: string): Promise<void> {
  await writeFile(`${file}.tmp`, text, { mode: 0o600, flush: true })
  await rename(`${file}.tmp`, file)
}

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
