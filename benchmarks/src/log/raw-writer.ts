import { fdatasyncSync, openSync, writeSync } from 'node:fs'

const RECORD_BYTES = 1024
const FILE_BYTES = 4 * 1024 * 1024

/**
 * One blocking write of 1 KiB and sync, into a file that has its size; answers how long it took, in milliseconds. For
 * measuring beside something else in the same moments. The file stays open until the process ends.
 */
export function rawWriter(path: string): () => number {
  const file = openSync(path, 'w')
  writeSync(file, new Uint8Array(FILE_BYTES))
  fdatasyncSync(file)
  const record = new Uint8Array(RECORD_BYTES).fill(1)
  let position = 0
  return () => {
    const beganMs = performance.now()
    writeSync(file, record, 0, RECORD_BYTES, position)
    fdatasyncSync(file)
    position = (position + RECORD_BYTES) % FILE_BYTES
    return performance.now() - beganMs
  }
}
