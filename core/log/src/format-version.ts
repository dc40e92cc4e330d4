import { crc32c, millraceError } from '@millrace/kernel'
import { FORMAT_FILE } from './directory-layout.ts'
import type { Files } from './files.ts'
import { FORMAT_VERSION } from './segment-header.ts'
import { createWholeFile } from './whole-file.ts'

const FILE_BYTES_MAX = 4096
const FORMAT_NAME = 'millrace-log'

/**
 * Makes sure that this code may touch the directory, and writes down its format if nothing is there yet. A
 * damaged format file is written anew: the segments carry the version too.
 *
 * @throws DIRECTORY_TOO_NEW
 */
export async function checkFormat(files: Files, directory: string, names: readonly string[]): Promise<void> {
  const path = `${directory}/${FORMAT_FILE}`
  const seen = names.includes(FORMAT_FILE) ? await readVersion(files, path) : undefined
  if (seen === undefined) return writeVersion(files, directory)
  refuseNewer(directory, seen)
}

/** @throws DIRECTORY_TOO_NEW */
export function refuseNewer(directory: string, version: number): void {
  if (version <= FORMAT_VERSION) return
  throw millraceError('DIRECTORY_TOO_NEW', { directory, seen: version, supported: FORMAT_VERSION })
}

async function readVersion(files: Files, path: string): Promise<number | undefined> {
  await using file = await files.open(path, 'read')
  const bytes = new Uint8Array(FILE_BYTES_MAX)
  const length = await file.read(bytes, 0)
  return parseVersion(bytes.subarray(0, length))
}

/**
 * The version that the contents of a format file tell; undefined if they do not, or if their checksum does not fit: a
 * single flipped bit makes a 3 of a 1, and must not keep anybody from a log.
 */
export function parseVersion(content: Uint8Array): number | undefined {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(content))
    if (parsed === null || typeof parsed !== 'object' || !('version' in parsed)) return undefined
    const { version } = parsed
    if (typeof version !== 'number') return undefined
    return 'check' in parsed && parsed.check !== checkOf(version) ? undefined : version
  } catch {
    return undefined
  }
}

function checkOf(version: number): number {
  return crc32c(new TextEncoder().encode(`${FORMAT_NAME} ${version}`))
}

/** Writes the format file of a directory, in place of the one that is there. */
export async function writeVersion(files: Files, directory: string): Promise<void> {
  const content = JSON.stringify({
    format: FORMAT_NAME,
    version: FORMAT_VERSION,
    check: checkOf(FORMAT_VERSION),
  })
  const file = await createWholeFile(files, directory, FORMAT_FILE, [
    new TextEncoder().encode(`${content}\n`),
  ])
  await file.close()
}
