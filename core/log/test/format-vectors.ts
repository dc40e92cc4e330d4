import { crc32c, manualRuntime } from '@millrace/kernel'
import { openLog } from '@millrace/log'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import { encodeSlot, type Slot } from '../src/durable-mark.ts'
import { FRAME_HEADER_BYTES, frameBytes, sealFrame } from '../src/frame.ts'
import { encodeRecord, encodeSparseRecord } from '../src/record-codec.ts'
import { encodeSegmentHeader, type SegmentHeader } from '../src/segment-header.ts'

/**
 * What docs/reference/log-format-vectors.json holds, made by this code: examples of every part of the format, for readers
 * and writers in other languages. Bytes are in hex, times in milliseconds since 1970.
 */

const TIME = Date.parse('2026-01-01T00:00:00Z')
const ID = Uint8Array.from({ length: 16 }, (_, index) => index)
const SALT = 0x03020100
const DIRECTORY = 'log'
/** More zeros than this are not written down. */
const ZEROS_MAX = 64

export const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
export const unhex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'))
const text = (content: string) => new TextEncoder().encode(content)

/** A record of the vectors. */
export interface VectorRecord {
  readonly offset: number
  readonly timestampMs: number
  readonly key: string | null
  readonly value: string
}

function recordOf(offset: number, timestampMs: number, key: string | undefined, value: string): VectorRecord {
  return { offset, timestampMs, key: key === undefined ? null : hex(text(key)), value: hex(text(value)) }
}

/** The body of a frame with those records. */
export function encodeBody(
  records: readonly VectorRecord[],
  baseOffset: number,
  isSparse: boolean,
): Uint8Array {
  const target = new Uint8Array(10_000)
  const firstTimestampMs = records[0]?.timestampMs ?? 0
  let position = 0
  let next = baseOffset
  for (const { offset, timestampMs, key, value } of records) {
    const record = { offset, timestampMs, key: key === null ? undefined : unhex(key), value: unhex(value) }
    const fresh =
      record.key === undefined ? { value: record.value } : { key: record.key, value: record.value }
    position = isSparse
      ? encodeSparseRecord(target, position, record, offset - next, firstTimestampMs)
      : encodeRecord(target, position, fresh, timestampMs, firstTimestampMs)
    next = offset + 1
  }
  return target.slice(0, position)
}

function frame(name: string, records: readonly VectorRecord[], options: Partial<FrameOptions> = {}) {
  const { isSparse = false, unsyncedBefore = 0, baseOffset = records[0]?.offset ?? 0 } = options
  const { count = records.length } = options
  const body = encodeBody(records, baseOffset, isSparse)
  const bytes = new Uint8Array(frameBytes(body.length))
  bytes.set(body, FRAME_HEADER_BYTES)
  const firstTimestampMs = records[0]?.timestampMs ?? 0
  const maxTimestampMs = Math.max(...records.map(({ timestampMs }) => timestampMs), 0)
  const header = {
    bodyBytes: body.length,
    count,
    unsyncedBefore,
    baseOffset,
    firstTimestampMs,
    maxTimestampMs,
  }
  sealFrame(bytes, { ...header, salt: SALT, isSparse })
  return { name, bytes: hex(bytes), header: { ...header, salt: SALT, isSparse }, records }
}

interface FrameOptions {
  readonly isSparse: boolean
  readonly unsyncedBefore: number
  readonly baseOffset: number
  readonly count: number
}

function header(name: string, fields: Partial<SegmentHeader>) {
  const whole: SegmentHeader = {
    version: 1,
    id: ID,
    baseOffset: 42,
    createdAtMs: TIME,
    isRecycled: false,
    compactedEndOffset: undefined,
    predecessor: undefined,
    ...fields,
  }
  const { id, predecessor = null, compactedEndOffset = null, ...rest } = whole
  return {
    name,
    bytes: hex(encodeSegmentHeader(whole)),
    header: { ...rest, id: hex(id), compactedEndOffset, predecessor },
  }
}

const PREDECESSOR = { salt: 0xa3a2a1a0, idRest: 0xa7a6a5a4, endOffset: 42, dataBytes: 4096 }

function markSlot(name: string, slot: Slot) {
  return { name, bytes: hex(encodeSlot(slot)), slot: { ...slot, place: slot.place ?? null } }
}

/** The log of the page: an append of two records and one of a single record. */
async function writeLog(): Promise<{ files: MemoryFiles; records: VectorRecord[] }> {
  const files = memoryFiles()
  const runtime = manualRuntime({ startMs: TIME })
  const log = await openLog({
    files,
    directory: DIRECTORY,
    runtime,
    segmentBytesMax: 4096,
    allocateAheadBytesMax: 0,
  })
  const records = [
    recordOf(0, TIME, 'k', 'hello'),
    recordOf(1, TIME - 10, undefined, 'hi'),
    recordOf(2, TIME + 1000, undefined, ''),
  ]
  const fresh = records.map(({ timestampMs, key, value }) => {
    const common = { timestampMs, value: unhex(value) }
    return key === null ? common : { ...common, key: unhex(key) }
  })
  await log.append(fresh.slice(0, 2))
  await log.append(fresh.slice(2))
  await log.close()
  return { files, records }
}

async function logVector(
  name: string,
  change: (files: MemoryFiles) => void,
  left: (offset: number) => boolean,
) {
  const { files, records } = await writeLog()
  change(files)
  const kept = records.filter(({ offset }) => left(offset))
  const gaps = records
    .filter(({ offset }) => !left(offset))
    .map(({ offset }) => ({ from: offset, to: offset + 1 }))
  const listed = [...(await files.list(DIRECTORY))].sort()
  return {
    name,
    files: listed.map((file) => fileVector(file, files.contents(`${DIRECTORY}/${file}`))),
    records: kept,
    gaps: joined(gaps),
  }
}

function joined(gaps: readonly { from: number; to: number }[]) {
  const all: { from: number; to: number }[] = []
  for (const gap of gaps) {
    const last = all.at(-1)
    if (last?.to === gap.from) last.to = gap.to
    else all.push({ ...gap })
  }
  return all
}

/** The bytes of a file, without long runs of zeros. */
function fileVector(name: string, content: Uint8Array) {
  const parts: { at: number; hex: string }[] = []
  for (let at = 0; at < content.length; at += 1) {
    if (content[at] === 0) continue
    const start = at
    let end = at + 1
    for (let next = end; next < content.length && next - end < ZEROS_MAX; next += 1)
      if (content[next] !== 0) end = next + 1
    parts.push({ at: start, hex: hex(content.subarray(start, end)) })
    at = end
  }
  return { name, bytes: content.length, parts }
}

const FIRST = `${DIRECTORY}/00000000000000000000.seg`
/** Where the second frame of the log begins: behind the header and the first. */
const SECOND_FRAME = 64 + 72

/** All vectors, as they stand in the file. */
export async function makeVectors() {
  const checksum = (name: string, bytes: Uint8Array, seed = 0) => ({
    name,
    bytes: hex(bytes),
    seed,
    crc: crc32c(bytes, seed),
  })
  const two = [recordOf(42, TIME, 'k', 'hello'), recordOf(43, TIME - 10, undefined, 'hi')]
  return {
    about:
      'Examples of every part of the format in log-format.md, made by this code and checked by a test. Bytes are in hex, times in milliseconds since 1970, all other numbers decimal.',
    crc32c: [
      checksum('the usual check', text('123456789')),
      checksum('32 zeros (RFC 3720)', new Uint8Array(32)),
      checksum('32 times ff (RFC 3720)', new Uint8Array(32).fill(255)),
      checksum('going on from the one of "12345"', text('6789'), crc32c(text('12345'))),
    ],
    segmentHeaders: [
      header('with a predecessor', { predecessor: PREDECESSOR }),
      header('the first of a log', { baseOffset: 0 }),
      header('in a file that was another segment', { isRecycled: true, predecessor: PREDECESSOR }),
      header('made by compaction', { createdAtMs: 0, compactedEndOffset: 1042, predecessor: PREDECESSOR }),
      header('behind a gap: offsets 42 to 49 are lost', { baseOffset: 50, predecessor: PREDECESSOR }),
    ],
    frames: [
      frame('two records', two),
      frame(
        'a record that is empty, behind one that was not synced yet',
        [recordOf(44, TIME, undefined, '')],
        {
          unsyncedBefore: 1,
        },
      ),
      frame('an empty key is not the same as none', [
        recordOf(0, 0, '', 'x'),
        recordOf(1, 0, undefined, 'x'),
      ]),
      frame('numbers of two bytes and more', [
        recordOf(0, TIME, 'k'.repeat(127), 'v'.repeat(300)),
        recordOf(1, 0, 'k', 'v'),
      ]),
      frame(
        'of a compacted segment: offsets 100 to 119, of which two are left',
        [recordOf(103, TIME, 'k', 'latest'), recordOf(117, TIME + 5, 'gone', '')],
        { isSparse: true, baseOffset: 100, count: 20 },
      ),
      frame('of a compacted segment, with nothing left of offsets 120 to 129', [], {
        isSparse: true,
        baseOffset: 120,
        count: 10,
      }),
    ],
    markSlots: [
      markSlot('everything below 42 was durable, and ends at byte 4096 of the segment with offset 17', {
        generation: 7,
        offset: 42,
        reserved: 0,
        place: { baseOffset: 17, salt: SALT, position: 4096 },
      }),
      markSlot('with offsets that weak appends may have used', {
        generation: 8,
        offset: 42,
        reserved: 65_578,
        place: undefined,
      }),
    ],
    logs: [
      await logVector(
        'sound',
        () => {},
        () => true,
      ),
      await logVector(
        'one bit of the first frame flipped',
        (files) => files.flip(FIRST, 64 + 50, 1),
        (offset) => offset > 1,
      ),
      await logVector(
        'one bit of the last frame flipped; the mark knows',
        (files) => files.flip(FIRST, SECOND_FRAME + 50, 1),
        (offset) => offset < 2,
      ),
      await logVector(
        'one bit of the header flipped',
        (files) => files.flip(FIRST, 9, 1),
        () => true,
      ),
    ],
  }
}
