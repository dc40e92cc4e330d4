import { manualRuntime } from '@millrace/kernel'
import { type Files, openLog, openLogReader } from '@millrace/log'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import { describe, expect, test } from 'vitest'
import { decodeSlot, encodeSlot, type Slot } from '../src/durable-mark.ts'
import { delegating, replacing } from './bad-sectors.ts'
import {
  contents,
  DIRECTORY,
  large,
  openTestLog,
  positionOf,
  record,
  segmentNames,
  segmentPath,
  write,
} from './test-log.ts'

/** The mark tells where in the last segment it stands, so that opening a log reads nothing below. */

const FIRST = segmentPath(0)
const MARK = `${DIRECTORY}/mark`
const HEADER_BYTES = 64
/** The end of a frame, and its header: what has to fit before the place is believed. */
const PROOF_BYTES = 8 + 48
const FRAME_BYTES = 48 + 1008 + 8
/** Room for everything in one segment. */
const ROOMY = { segmentBytesMax: 1_000_000, allocateAheadBytesMax: 0 }

/** What is read of segments through `files`. */
function countingReads(disk: MemoryFiles): { readonly files: Files; bytes: number } {
  const counted = {
    bytes: 0,
    files: {
      ...delegating(disk),
      open: async (path: string, mode: 'create' | 'write' | 'read') => {
        const file = await disk.open(path, mode)
        if (!path.endsWith('.seg')) return file
        return replacing(file, (target, position) => {
          counted.bytes += Math.max(0, Math.min(target.length, disk.contents(path).length - position))
          return undefined
        })
      },
    },
  }
  return counted
}

/** The newest of the slots. */
function slotOf(files: MemoryFiles): Slot {
  const bytes = files.contents(MARK)
  const slots = [decodeSlot(bytes.subarray(0, 56)), decodeSlot(bytes.subarray(4096, 4096 + 56))]
  const [newest] = slots
    .filter((slot) => slot !== undefined)
    .sort((left, right) => right.generation - left.generation)
  if (newest === undefined) throw new RangeError('no slot is intact')
  return newest
}

/** Makes this the newest slot. */
async function mark(files: MemoryFiles, slot: Omit<Slot, 'generation'>): Promise<void> {
  const generation = slotOf(files).generation + 1
  await write(files, MARK, (generation % 2) * 4096, encodeSlot({ ...slot, generation }))
}

/** Ten records below the mark and two above it, and the disk as a kill leaves it then. */
async function twelveRecords(): Promise<MemoryFiles> {
  const files = memoryFiles()
  const runtime = manualRuntime()
  const log = await openTestLog(files, { ...ROOMY, runtime })
  for (let index = 0; index < 10; index += 1) await log.append([large(`r${index}`)])
  await runtime.advance(2000)
  for (let index = 10; index < 12; index += 1) await log.append([large(`r${index}`)])
  return files.afterKill()
}

const ALL = Array.from({ length: 12 }, (_, index) => `${index}:r${index}`)

describe('opening a log', () => {
  test('reads only what lies above the mark', async () => {
    const disk = await twelveRecords()
    const counted = countingReads(disk)
    await using log = await openTestLog(disk, { files: counted.files, ...ROOMY })
    // The frames above it are read to be found, and once more to be written and synced again.
    expect(counted.bytes).toBe(HEADER_BYTES + PROOF_BYTES + 2 * 2 * FRAME_BYTES)
    expect(await contents(log)).toEqual(ALL)
    expect(await log.append([record('next')])).toEqual({ baseOffset: 12, count: 1 })
  })

  test('scans nothing after the log was closed in order, whatever was allocated ahead', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files, { segmentBytesMax: 1_000_000 })
    for (let index = 0; index < 12; index += 1) await log.append([large(`r${index}`)])
    expect(files.contents(FIRST).length).toBeGreaterThan(HEADER_BYTES + 12 * FRAME_BYTES)
    await log.close()
    for (let round = 0; round < 2; round += 1) {
      const counted = countingReads(files)
      const again = await openTestLog(files, { files: counted.files, segmentBytesMax: 1_000_000 })
      expect(counted.bytes).toBe(HEADER_BYTES + PROOF_BYTES)
      expect(await contents(again)).toEqual(ALL)
      await again.close()
    }
  })

  test('scans nothing after it was opened behind a kill and closed, even if nothing was appended', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files, { segmentBytesMax: 1_000_000 })
    for (let index = 0; index < 12; index += 1) await log.append([large(`r${index}`)])
    const disk = files.afterKill()
    await (await openTestLog(disk, { segmentBytesMax: 1_000_000 })).close()
    const counted = countingReads(disk)
    await using again = await openTestLog(disk, { files: counted.files, segmentBytesMax: 1_000_000 })
    expect(counted.bytes).toBe(HEADER_BYTES + PROOF_BYTES)
    expect(await contents(again)).toEqual(ALL)
  })

  test('reads no more in a reader of a log that nobody writes', async () => {
    const disk = await twelveRecords()
    const counted = countingReads(disk)
    const options = { files: counted.files, directory: DIRECTORY, runtime: manualRuntime() }
    await using reader = await openLogReader(options)
    expect(counted.bytes).toBe(HEADER_BYTES + PROOF_BYTES + 2 * FRAME_BYTES)
    // The last frame may never have been acknowledged: the next writer knows.
    expect(await contents(reader)).toEqual(ALL.slice(0, 11))
  })
})

describe('the place in the mark', () => {
  test('stands behind what is durable, not behind what is only written', async () => {
    const files = memoryFiles()
    const runtime = manualRuntime()
    const log = await openTestLog(files, { ...ROOMY, runtime, durability: 'os' })
    await log.append([large('synced')], { durability: 'disk' })
    await log.append([large('written')])
    await runtime.advance(2000)
    expect(slotOf(files)).toMatchObject({ offset: 1, place: { position: HEADER_BYTES + FRAME_BYTES } })
    await log.close()
    expect(slotOf(files)).toMatchObject({ offset: 2, place: { position: HEADER_BYTES + 2 * FRAME_BYTES } })
  })

  test('is in the segment that is written to, also when a new one was begun', async () => {
    const files = memoryFiles()
    const runtime = manualRuntime()
    await using log = await openTestLog(files, { runtime })
    for (let index = 0; index < 5; index += 1) {
      await log.append([large(`r${index}`)])
      await runtime.advance(2000)
      const baseOffset = index - (index % 3)
      const position = HEADER_BYTES + (1 + (index % 3)) * FRAME_BYTES
      expect(slotOf(files)).toMatchObject({ offset: index + 1, place: { baseOffset, position } })
    }
  })

  test.each<[string, (slot: Slot, files: MemoryFiles) => Partial<Slot> | undefined]>([
    ['has another salt', ({ place }) => place && { place: { ...place, salt: place.salt + 1 } }],
    ['begins with another offset', ({ place }) => place && { place: { ...place, baseOffset: 1 } }],
    ['is shorter', ({ place }) => place && { place: { ...place, position: 1_000_000 } }],
    ['has no frame that ends there', ({ place }) => place && { place: { ...place, position: 3008 } }],
    ['has another offset there', ({ offset }) => ({ offset: offset - 1 })],
    ['has a damaged header', (_, files) => void files.flip(FIRST, 30, 1)],
    ['has lost the frame before it', (_, files) => void files.flip(FIRST, 64 + 9 * FRAME_BYTES + 17, 1)],
  ])('is not believed if the segment %s: then all of it is read', async (_, change) => {
    const disk = await twelveRecords()
    await mark(disk, { ...slotOf(disk), ...change(slotOf(disk), disk) })
    const counted = countingReads(disk)
    await using log = await openTestLog(disk, { files: counted.files, ...ROOMY })
    expect(counted.bytes).toBeGreaterThan(12 * FRAME_BYTES)
    const lost = log.gaps.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, at) => from + at))
    expect(await contents(log)).toEqual(ALL.filter((_, offset) => !lost.includes(offset)))
    expect(lost.length).toBeLessThanOrEqual(1)
    expect(await log.append([record('next')])).toEqual({ baseOffset: 12, count: 1 })
  })

  test('is not believed if the segment is shorter by a byte: what the mark knows of is named as lost', async () => {
    const disk = await twelveRecords()
    disk.damageSize(FIRST, HEADER_BYTES + 10 * FRAME_BYTES - 1)
    await using log = await openTestLog(disk, ROOMY)
    expect(log.gaps).toMatchObject([{ from: 9, to: 10 }])
    expect(await contents(log)).toEqual(ALL.slice(0, 9))
    expect(await log.append([record('next')])).toEqual({ baseOffset: 10, count: 1 })
  })

  test('is not believed of a file that is another segment by now', async () => {
    const files = memoryFiles()
    const options = { retention: { bytesMax: 9_000 }, allocateAheadBytesMax: 0 } as const
    const runtime = manualRuntime()
    const log = await openTestLog(files, { ...options, runtime })
    for (let index = 0; index < 10; index += 1) await log.append([large(`r${index}`)])
    await runtime.advance(2000)
    const old = files.contents(MARK)
    for (let index = 10; index < 41; index += 1) await log.append([large(`r${index}`)])
    const disk = files.afterKill()
    await write(disk, MARK, 0, old)
    await using again = await openTestLog(disk, options)
    expect(again.gaps).toEqual([])
    expect(await contents(again)).toEqual(await contents(log))
    expect(again.endOffset).toBe(41)
  })

  test('is not believed of a compacted segment', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (let index = 0; index < 12; index += 1)
      await log.append([{ key: Uint8Array.of(index % 2), value: new Uint8Array(900) }])
    await log.compact()
    await log.close()
    const [first = '', ...others] = await segmentNames(files)
    for (const name of others) await files.remove(`${DIRECTORY}/${name}`)
    const path = `${DIRECTORY}/${first}`
    const header = new DataView(files.contents(path).slice().buffer)
    const place = { baseOffset: 0, salt: header.getUint32(8, true), position: files.contents(path).length }
    await mark(files, { offset: Number(header.getBigInt64(32, true)), reserved: 0, place })
    const counted = countingReads(files)
    await using _again = await openTestLog(files, { files: counted.files })
    expect(counted.bytes).toBe(place.position)
  })

  test('in a slot that another program has written counts as no mark', () => {
    const slot = encodeSlot({ generation: 1, offset: 3, reserved: 0, place: undefined })
    for (let bit = 0; bit < slot.length * 8; bit += 1) {
      const other = slot.slice()
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(decodeSlot(other)).toBeUndefined()
    }
    expect(decodeSlot(slot)).toEqual({ generation: 1, offset: 3, reserved: 0, place: undefined })
  })
})

describe('what was below the mark when a log was opened', () => {
  test('is found from any offset, and after it was read once without reading all before it again', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files, ROOMY)
    for (let index = 0; index < 500; index += 1) await log.append([large(`r${index}`)])
    await log.close()
    const counted = countingReads(files)
    await using again = await openTestLog(files, { files: counted.files, ...ROOMY })
    expect(await again.read(450, { countMax: 1 })).toMatchObject([{ offset: 450 }])
    const firstBytes = counted.bytes
    for (const offset of [3, 451, 499, 120, 449]) {
      counted.bytes = 0
      expect(await again.read(offset, { countMax: 1, bytesMax: 1 })).toMatchObject([{ offset }])
      expect(counted.bytes).toBeLessThan(firstBytes / 2)
    }
  })

  test('gives its last record without reading the others: a queue asks for it at once', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files, ROOMY)
    for (let index = 0; index < 500; index += 1) await log.append([large(`r${index}`)])
    await log.close()
    const counted = countingReads(files)
    await using again = await openTestLog(files, { files: counted.files, ...ROOMY })
    counted.bytes = 0
    expect(await again.read(499)).toMatchObject([{ offset: 499 }])
    expect(counted.bytes).toBe(FRAME_BYTES)
  })

  test('counts when the age of its segment is asked for', async () => {
    const runtime = manualRuntime({ startMs: 1_000_000 })
    const files = memoryFiles()
    const options = { runtime, retention: { ageMsMax: 5_000 } }
    const log = await openTestLog(files, options)
    await log.append([record('young', 1_000_000)])
    await log.close()
    const again = await openTestLog(files, options)
    // It has looked at this one only, and it is old.
    await again.append([record('old', 10)])
    await again.append([large('next', 3900)])
    expect(await again.applyRetention()).toMatchObject({ removedSegments: 0 })
    expect(await again.offsetAt(900_000)).toBe(0)
    await runtime.advance(10_000)
    expect(await again.applyRetention()).toMatchObject({ removedSegments: 1 })
    await again.close()
  })

  test('counts when it is asked where a time begins, and so does what is appended meanwhile', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files, ROOMY)
    for (let index = 0; index < 3; index += 1) await log.append([record(`r${index}`, 1000 + index)])
    await log.close()
    await using again = await openTestLog(files, ROOMY)
    const asked = again.offsetAt(1001)
    await again.append([record('r3', 5000)])
    expect(await asked).toBe(1)
    expect(await again.offsetAt(1002)).toBe(2)
    expect(await again.offsetAt(2000)).toBe(3)
    expect(await again.offsetAt(9000)).toBe(4)
  })

  test('is named when a reader in another process comes to it', async () => {
    const disk = await twelveRecords()
    disk.flip(FIRST, positionOf(disk, FIRST, 'r4'), 1)
    await using log = await openTestLog(disk, ROOMY)
    const options = { files: disk, directory: DIRECTORY, runtime: manualRuntime() }
    await using reader = await openLogReader(options)
    expect([log.gaps, reader.gaps]).toEqual([[], []])
    const left = ALL.filter((_, offset) => offset !== 4)
    expect([await contents(log), await contents(reader)]).toEqual([left, left])
    expect([log.gaps, reader.gaps]).toMatchObject([[{ from: 4, to: 5 }], [{ from: 4, to: 5 }]])
  })

  test('keeps nobody from opening the log if the disk does not give it', async () => {
    const disk = await twelveRecords()
    const guarded: Files = {
      ...delegating(disk),
      open: async (path, mode) =>
        replacing(await disk.open(path, mode), (target, position) => {
          const isBad = path === FIRST && position < 5000 && position + target.length > 5000
          if (isBad) throw Object.assign(new Error('EIO: read'), { code: 'EIO' })
          return undefined
        }),
    }
    const options = { files: guarded, directory: DIRECTORY, runtime: manualRuntime() }
    await using log = await openLog(options)
    expect(await log.append([record('next')])).toEqual({ baseOffset: 12, count: 1 })
    await expect(log.read(0)).rejects.toMatchObject({ code: 'LOG_READ_FAILED' })
    expect(log.gaps).toEqual([])
  })
})
