import { type ManualRuntime, manualRuntime } from '@millrace/kernel'
import { type Log, type LogOptions, type NewRecord, openLog, type ReadableLog } from '@millrace/log'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import { FRAME_HEADER_BYTES, frameBytes, sealFrame } from '../src/frame.ts'
import type { SegmentHeader } from '../src/segment-header.ts'

export const DIRECTORY = 'log'

/** A log with small segments on `files`; every call has a runtime of its own unless one is given. */
export function openTestLog(files: MemoryFiles, options: Partial<LogOptions> = {}): Promise<Log> {
  const runtime: ManualRuntime = manualRuntime()
  return openLog({ files, directory: DIRECTORY, runtime, segmentBytesMax: 4096, ...options })
}

export function record(value: string, timestampMs?: number): NewRecord {
  const bytes = new TextEncoder().encode(value)
  return timestampMs === undefined ? { value: bytes } : { value: bytes, timestampMs }
}

/** Records that fill about `bytes` each, so that tests can fill segments. */
export function large(name: string, bytes = 1000): NewRecord {
  return record(name.padEnd(bytes, '.'))
}

/** `offset:value` of every record that can be read from `offset` on, read in small pieces. */
export async function contents(log: ReadableLog, offset = log.startOffset): Promise<string[]> {
  const found: string[] = []
  for (let next = offset; ; ) {
    const records = await log.read(next, { bytesMax: 3000 })
    const last = records.at(-1)
    if (last === undefined) return found
    for (const { offset, value } of records)
      found.push(`${offset}:${new TextDecoder().decode(value).replace(/\.+$/, '')}`)
    next = last.offset + 1
  }
}

/** Names of the segment files, in order. */
export async function segmentNames(files: MemoryFiles): Promise<string[]> {
  return (await files.list(DIRECTORY)).filter((name) => name.endsWith('.seg')).sort()
}

/** The path of the segment that begins with `baseOffset`. */
export function segmentPath(baseOffset: number): string {
  return `${DIRECTORY}/${String(baseOffset).padStart(20, '0')}.seg`
}

/** Where `text` stands in a file. */
export function positionOf(files: MemoryFiles, path: string, text: string): number {
  const position = new TextDecoder('latin1').decode(files.contents(path)).indexOf(text)
  if (position < 0) throw new RangeError(`"${text}" is not in ${path}`)
  return position
}

/** Where the frame begins that holds a record without key, by its short value: before it stand the header and three bytes. */
export function frameAround(files: MemoryFiles, path: string, text: string): number {
  return positionOf(files, path, text) - 3 - FRAME_HEADER_BYTES
}

/** Three acknowledged appends, and the disk as it is when the power fails then; no mark was written yet. */
export async function threeAppends(): Promise<MemoryFiles> {
  const files = memoryFiles()
  const log = await openTestLog(files)
  for (const value of ['one', 'two', 'three']) await log.append([record(value)])
  return files.crash()
}

/** Nine records in three segments, closed in order. */
export async function nineRecords(): Promise<MemoryFiles> {
  const files = memoryFiles()
  const log = await openTestLog(files)
  for (let index = 0; index < 9; index += 1) await log.append([large(`value${index}`)])
  await log.close()
  const segments = await segmentNames(files)
  if (segments.length !== 3) throw new RangeError(`there are ${segments.length} segments`)
  return files
}

/** Puts bytes into a file, durably. */
export async function write(
  files: MemoryFiles,
  path: string,
  position: number,
  bytes: Uint8Array,
  mode: 'write' | 'create' = 'write',
): Promise<void> {
  await using file = await files.open(path, mode)
  await file.write([bytes], position)
  await file.sync()
}

const SALT = 0x03020100

/** The header of a first segment, whose id has the bytes 0 to 15. */
export function headerOf(baseOffset: number): SegmentHeader {
  const id = Uint8Array.from({ length: 16 }, (_, index) => index)
  return {
    isRecycled: false,
    compactedEndOffset: undefined,
    version: 1,
    id,
    baseOffset,
    createdAtMs: 0,
    predecessor: undefined,
  }
}

/** A frame with intact checksums around any body, for a segment of {@link headerOf}. */
export function frameOf(baseOffset: number, count: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(frameBytes(body.length))
  bytes.set(body, 48)
  const times = { firstTimestampMs: 0, maxTimestampMs: 0 }
  sealFrame(bytes, {
    isSparse: false,
    bodyBytes: body.length,
    count,
    unsyncedBefore: 0,
    baseOffset,
    ...times,
    salt: SALT,
  })
  return bytes
}

/** All pieces one after another. */
export function join(...pieces: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(pieces.flatMap((piece) => [...piece]))
}
