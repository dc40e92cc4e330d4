import { closeSync, fdatasyncSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { LatencyHistogram, type LatencySummary } from '@millrace/fleet'

const RECORD_BYTES = 400
const FILE_BYTES = 4 * 1024 * 1024

/**
 * What the disk allows: `write` of 400 bytes and `fdatasync`, one after the other, into a file that has its full size
 * already, so that no sync waits for the file system's journal. Nobody who promises durability is faster, one at a time.
 */
export function measureRawDisk(directory: string, seconds: number): LatencySummary {
  const path = join(directory, 'raw-limit')
  const file = openSync(path, 'w')
  try {
    writeSync(file, new Uint8Array(FILE_BYTES))
    fsyncSync(file)
    const histogram = new LatencyHistogram()
    const record = new Uint8Array(RECORD_BYTES).fill(1)
    const endMs = performance.now() + seconds * 1000
    for (let position = 0; performance.now() < endMs; position += RECORD_BYTES) {
      const startMs = performance.now()
      writeSync(file, record, 0, RECORD_BYTES, position % (FILE_BYTES - RECORD_BYTES))
      fdatasyncSync(file)
      histogram.record(performance.now() - startMs)
    }
    return histogram.summary()
  } finally {
    closeSync(file)
    rmSync(path)
  }
}
