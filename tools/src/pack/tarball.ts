import { gunzipSync } from 'node:zlib'

/** The files of a package by their path in it, as npm unpacks them. */
export type Tarball = ReadonlyMap<string, string>

const BLOCK = 512

/** Reads a tarball of npm. Source: POSIX.1-2017, pax, "ustar Interchange Format". */
export function readTarball(bytes: Uint8Array): Tarball {
  const archive = gunzipSync(bytes)
  const files = new Map<string, string>()
  for (let at = 0; at + BLOCK <= archive.length && archive[at] !== 0; ) {
    const header = archive.subarray(at, at + BLOCK)
    const field = (from: number, to: number) => header.toString('utf8', from, to).replace(/\0.*$/s, '')
    const size = Number.parseInt(field(124, 136), 8)
    const path = [field(345, 500), field(0, 100)].filter((part) => part !== '').join('/')
    const isFile = header[156] === 0 || field(156, 157) === '0'
    // npm puts everything into one folder, which is cut off again when it is installed.
    if (isFile) {
      files.set(path.replace(/^[^/]+\//, ''), archive.toString('utf8', at + BLOCK, at + BLOCK + size))
    }
    at += BLOCK * (1 + Math.ceil(size / BLOCK))
  }
  return files
}
