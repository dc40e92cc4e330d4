import { manualRuntime } from '@millrace/kernel'
import type { Files } from '@millrace/log'
import {
  dumpLog,
  type Finding,
  findLogs,
  inspectLog,
  type LogVerification,
  verifyLog,
} from '@millrace/log/inspection'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import { describe, expect, test } from 'vitest'
import { encodeSegmentHeader } from '../src/segment-header.ts'
import { delegating, replacing, withBadSectors } from './bad-sectors.ts'
import {
  DIRECTORY,
  frameOf,
  headerOf,
  join,
  large,
  nineRecords,
  openTestLog,
  positionOf,
  record,
  segmentNames,
  segmentPath,
  threeAppends,
  write,
} from './test-log.ts'

const FIRST = segmentPath(0)
const SECOND = segmentPath(3)
const LAST = segmentPath(6)
/** The name of a segment's file, without the directory. */
const name = (baseOffset: number) => segmentPath(baseOffset).slice(DIRECTORY.length + 1)
const verify = (files: MemoryFiles) => verifyLog({ files, directory: DIRECTORY })

/** What is wrong, without the notes. */
function wrong({ findings }: LogVerification): Partial<Finding>[] {
  return findings.filter(({ severity }) => severity !== 'note')
}

async function snapshot(files: MemoryFiles): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const entry of await files.list(DIRECTORY))
    found.set(entry, Buffer.from(files.contents(`${DIRECTORY}/${entry}`)).toString('base64'))
  return found
}

describe('verifying a log', () => {
  test('finds a sound one sound, counts everything in it, and changes nothing', async () => {
    const files = await nineRecords()
    const before = await snapshot(files)
    const found = await verify(files)
    expect(found).toMatchObject({
      isSound: true,
      segments: 3,
      records: 9,
      frames: 9,
      startOffset: 0,
      endOffset: 9,
    })
    expect(found).toMatchObject({ findings: [], lostOffsets: 0 })
    expect(found.bytes).toBe(3 * 64 + 9 * (48 + 1008 + 8))
    expect(await snapshot(files)).toEqual(before)
  })

  test('says how far it is, up to all of it', async () => {
    const files = await nineRecords()
    const seen: number[] = []
    let total = 0
    await verifyLog({
      files,
      directory: DIRECTORY,
      onProgress: ({ doneBytes, totalBytes }) => {
        seen.push(doneBytes)
        total = totalBytes
      },
    })
    expect(seen).toEqual([...seen].sort((left, right) => left - right))
    expect(seen.at(-1)).toBe(total)
  })

  test('names the bytes, the offsets and the cause of a damaged body', async () => {
    const files = await nineRecords()
    const position = positionOf(files, SECOND, 'value4')
    files.flip(SECOND, position, 1)
    const found = await verify(files)
    const from = position - 4 - 48
    expect(wrong(found)).toEqual([
      {
        severity: 'loss',
        kind: 'frame-damaged',
        file: name(3),
        bytes: { from, to: from + 1064 },
        offsets: { from: 4, to: 5 },
        text: `damaged at byte ${from} of ${name(3)}: the checksum of the frame body does not fit`,
      },
    ])
    expect(found).toMatchObject({ isSound: false, records: 8, lostOffsets: 1 })
  })

  test.each([
    [0, 'no frame begins there'],
    [5, 'the checksum of the frame header does not fit'],
    [1064 - 4, 'the copy of the length behind the frame does not fit'],
    [1064 - 8, 'the checksum of the frame body does not fit'],
  ])('tells from byte %d of a frame why it is damaged', async (byte, cause) => {
    const files = await nineRecords()
    files.flip(SECOND, positionOf(files, SECOND, 'value4') - 52 + byte, 0x40)
    expect(wrong(await verify(files))).toMatchObject([
      { kind: 'frame-damaged', text: expect.stringContaining(cause) },
    ])
  })

  test('notices every flipped bit of headers and frames of a sealed segment', async () => {
    const files = await nineRecords()
    const size = 64 + 3 * 1064
    for (let position = 0; position < size; position += 29) {
      const disk = files.afterCrash()
      disk.flip(SECOND, position, 1 << (position % 8))
      const found = await verify(disk)
      expect([position, found.isSound]).toEqual([position, false])
      expect(found.lostOffsets).toBeLessThanOrEqual(1)
    }
  })

  test('reads past bytes that the disk does not give, names them, and goes on behind', async () => {
    const files = await nineRecords()
    const position = positionOf(files, SECOND, 'value4') + 500
    const bad = withBadSectors(files, [{ path: SECOND, from: position, to: position + 1 }])
    const found = await verifyLog({ files: bad, directory: DIRECTORY })
    const sector = position - (position % 512)
    expect(wrong(found)).toMatchObject([
      { kind: 'frame-damaged', offsets: { from: 4, to: 5 } },
      { kind: 'bytes-unreadable', file: name(3), bytes: { from: sector, to: sector + 512 } },
    ])
    expect(found.records).toBe(8)
  })

  test('finds a missing segment, a shortened one, and what their headers knew before', async () => {
    const files = await nineRecords()
    await files.remove(SECOND)
    expect(wrong(await verify(files))).toMatchObject([
      { kind: 'offsets-missing', offsets: { from: 3, to: 6 } },
    ])
    const cut = await nineRecords()
    {
      await using file = await cut.open(SECOND, 'write')
      await file.truncate(positionOf(cut, SECOND, 'value4') - 52)
    }
    expect(wrong(await verify(cut))).toMatchObject([{ kind: 'frame-damaged', offsets: { from: 4, to: 6 } }])
  })

  test('takes what opening settles for a note, not for damage', async () => {
    const files = await threeAppends()
    files.flip(FIRST, positionOf(files, FIRST, 'three'), 1)
    await write(files, `${DIRECTORY}/${name(3)}.tmp`, 0, new Uint8Array(9), 'create')
    await write(files, `${DIRECTORY}/notes.txt`, 0, new Uint8Array(9), 'create')
    const found = await verify(files)
    expect(found.isSound).toBe(true)
    expect(found.findings.map(({ kind }) => kind)).toEqual(['file-unfinished', 'file-unknown', 'tail-torn'])
    const beside = await verifyLog({ files, directory: DIRECTORY, isBeingWritten: true })
    expect(beside.findings.map(({ kind }) => kind)).toContain('tail-in-flight')
  })

  test('knows from the mark that the end is missing', async () => {
    const files = await nineRecords()
    await files.remove(LAST)
    expect(wrong(await verify(files))).toMatchObject([{ kind: 'end-missing', offsets: { from: 6, to: 9 } }])
    await files.remove(SECOND)
    await files.remove(FIRST)
    const found = await verify(files)
    expect(wrong(found)).toMatchObject([{ kind: 'end-missing', offsets: { from: 0, to: 9 } }])
    expect(found).toMatchObject({ segments: 0, endOffset: 9 })
  })

  test('finds damaged headers, marks and format files', async () => {
    const files = await nineRecords()
    files.flip(SECOND, 30, 1)
    files.flip(`${DIRECTORY}/format.json`, 0, 0xff)
    for (const slot of [0, 4096]) files.flip(`${DIRECTORY}/mark`, slot, 0xff)
    const found = await verify(files)
    expect(wrong(found).map(({ kind }) => kind)).toEqual(['mark-damaged', 'format-damaged', 'header-damaged'])
    expect(found).toMatchObject({ records: 9, lostOffsets: 0 })
  })

  test('finds a segment in which nothing can be read, and one of another log that hides records', async () => {
    const files = await nineRecords()
    await write(files, LAST, 0, new Uint8Array(files.contents(LAST).length).fill(0x55))
    expect(wrong(await verify(files))).toMatchObject([
      { kind: 'segment-unreadable', file: name(6) },
      { kind: 'end-missing', offsets: { from: 6, to: 9 } },
    ])
    const mixed = await nineRecords()
    const stray = join(encodeSegmentHeader(headerOf(4)), frameOf(4, 1, Uint8Array.of(0, 0, 1, 0x61)))
    await write(mixed, segmentPath(4), 0, stray, 'create')
    expect(wrong(await verify(mixed))).toMatchObject([{ kind: 'segment-stray', file: name(4) }])
  })

  test('finds records that do not decode, and times that are not those of the records', async () => {
    const files = memoryFiles()
    await files.makeDirectory(DIRECTORY)
    const frames = [
      frameOf(0, 2, Uint8Array.of(0, 0, 1, 0x61, 0, 0, 9, 0x62)),
      frameOf(2, 1, Uint8Array.of(8, 0, 0)),
    ]
    await write(files, FIRST, 0, join(encodeSegmentHeader(headerOf(0)), ...frames), 'create')
    expect(wrong(await verify(files))).toMatchObject([
      { kind: 'records-undecodable', offsets: { from: 1, to: 2 } },
      { kind: 'frame-inconsistent' },
    ])
  })

  test('does not judge what a newer version has written', async () => {
    const files = await nineRecords()
    const newer = new TextEncoder().encode('{"format":"millrace-log","version":9}'.padEnd(99))
    await write(files, `${DIRECTORY}/format.json`, 0, newer)
    await expect(verify(files)).rejects.toMatchObject({ code: 'DIRECTORY_TOO_NEW' })
  })

  test('stops when it is told to', async () => {
    const files = await nineRecords()
    const signal = AbortSignal.abort()
    await expect(verifyLog({ files, directory: DIRECTORY, signal })).rejects.toMatchObject({
      name: 'AbortError',
    })
  })

  test('runs beside a writer, and finds nothing that is not so', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files, { segmentBytesMax: 20_000 })
    for (let round = 0; round < 40; round += 1) {
      const appending = log.append([large(`value${round}`, 300 + round * 40)])
      const found = await verifyLog({ files, directory: DIRECTORY, isBeingWritten: true })
      expect({ round, wrong: wrong(found) }).toEqual({ round, wrong: [] })
      await appending
    }
  })
})

describe('verifying the segment that is being written', () => {
  test('looks once more before it calls something damaged: the writer may have gone on meanwhile', async () => {
    const files = memoryFiles()
    const options = { segmentBytesMax: 4_000_000, allocateAheadBytesMax: 0 }
    await using log = await openTestLog(files, options)
    for (let index = 0; index < 10; index += 1) await log.append([large(`early${index}`, 100_000)])
    const early = files.contents(FIRST)
    // These go across the boundary of what is read at a time, one after the other, so each witnesses the one before.
    for (let index = 0; index < 3; index += 1) await log.append([large(`late${index}`, 100_000)])
    let reads = 0
    const racing: Files = {
      ...delegating(files),
      open: async (path, mode) => {
        const file = await files.open(path, mode)
        if (path !== FIRST) return file
        return replacing(file, (target, position) => {
          reads += 1
          // The first piece is as it was before the last appends, the next one as it is behind them.
          if (reads > 2 || position > 0 || target.length < early.length) return undefined
          target.fill(0)
          target.set(early.subarray(0, target.length))
          return target.length
        })
      },
    }
    const found = await verifyLog({ files: racing, directory: DIRECTORY, isBeingWritten: true })
    expect(reads).toBeGreaterThan(3)
    expect(found).toMatchObject({ isSound: true, records: 13 })
  })
})

describe('a compacted log', () => {
  async function compacted(): Promise<MemoryFiles> {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (let index = 0; index < 40; index += 1)
      await log.append([
        { key: Uint8Array.of(index % 3), value: new Uint8Array(400).fill(0x41 + (index % 26)) },
      ])
    await log.compact()
    await log.close()
    return files
  }

  test('is sound, shows which segments are compacted, and gives the records that are left', async () => {
    const files = await compacted()
    const found = await verify(files)
    expect(found).toMatchObject({ isSound: true, findings: [], startOffset: 0, endOffset: 40 })
    expect(found.records).toBeLessThan(20)
    const { segments, gaps } = await inspectLog({ files, directory: DIRECTORY })
    expect(segments[0]).toMatchObject({ isCompacted: true, records: undefined, createdAtMs: undefined })
    expect(segments.at(-1)).toMatchObject({ isCompacted: false, chain: 'follows' })
    expect(gaps).toEqual([])
    const offsets: number[] = []
    const visitor = {
      records: (_frame: unknown, records: readonly { offset: number }[]) =>
        offsets.push(...records.map(({ offset }) => offset)) > 0,
      gap: () => offsets.push(-1),
    }
    await dumpLog({ files, directory: DIRECTORY, fromOffset: 20 }, visitor)
    expect(offsets.at(-1)).toBe(39)
    expect(offsets).toHaveLength(new Set(offsets).size)
    expect(Math.min(...offsets)).toBeGreaterThanOrEqual(20)
  })

  test('is damaged by a flipped bit like any other, and names the offsets that the frame stood for', async () => {
    const files = await compacted()
    files.flip(FIRST, 64 + 60, 1)
    expect(wrong(await verify(files))).toMatchObject([{ kind: 'frame-damaged', offsets: { from: 0 } }])
  })

  test('with segments that a compacted one has replaced is sound: opening removes them', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (let index = 0; index < 40; index += 1)
      await log.append([{ key: Uint8Array.of(index % 3), value: new Uint8Array(400) }])
    const second = `${DIRECTORY}/${(await segmentNames(files))[1]}`
    const old = files.contents(second)
    await log.compact()
    await log.close()
    await write(files, second, 0, old, 'create')
    const found = await verify(files)
    expect(found).toMatchObject({ isSound: true, findings: [{ kind: 'segment-replaced' }] })
  })
})

describe('inspecting a log', () => {
  test('tells the segments with their offsets, times, sizes and links, the mark and the format', async () => {
    const files = await nineRecords()
    const found = await inspectLog({ files, directory: DIRECTORY })
    expect(found).toMatchObject({
      formatVersion: 1,
      mark: 9,
      startOffset: 0,
      endOffset: 9,
      gaps: [],
      findings: [],
    })
    expect(
      found.segments.map(({ baseOffset, endOffset, records, chain }) => [
        baseOffset,
        endOffset,
        records,
        chain,
      ]),
    ).toEqual([
      [0, 3, 3, 'first'],
      [3, 6, 3, 'follows'],
      [6, 9, 3, 'follows'],
    ])
    expect(found.segments[0]).toMatchObject({
      dataBytes: 64 + 3 * 1064,
      createdAtMs: manualRuntime().clock.now(),
    })
  })

  test('names gaps, broken links and damaged headers without reading every frame', async () => {
    const files = await nineRecords()
    await files.remove(SECOND)
    files.flip(FIRST, 30, 1)
    const found = await inspectLog({ files, directory: DIRECTORY })
    expect(found.gaps).toEqual([{ from: 3, to: 6 }])
    expect(found.segments).toMatchObject([{ header: 'damaged' }, { chain: 'broken', records: 3 }])
  })

  test('says of a directory without any file that it is empty', async () => {
    const found = await inspectLog({ files: memoryFiles(), directory: DIRECTORY })
    expect(found).toMatchObject({ segments: [], startOffset: 0, endOffset: 0, mark: undefined })
  })
})

describe('dumping a log', () => {
  async function dump(files: MemoryFiles, options = {}) {
    const lines: string[] = []
    await dumpLog(
      { files, directory: DIRECTORY, ...options },
      {
        records: (_frame, records) => {
          for (const { offset, value } of records)
            lines.push(`${offset}:${new TextDecoder().decode(value).replace(/\.+$/, '')}`)
          return true
        },
        gap: ({ from, to }) => void lines.push(`lost ${from}-${to}`),
      },
    )
    return lines
  }

  test('gives every record in order, and the gaps in their places', async () => {
    const files = await nineRecords()
    files.flip(SECOND, positionOf(files, SECOND, 'value4'), 1)
    await files.remove(LAST)
    expect(await dump(files)).toEqual([
      '0:value0',
      '1:value1',
      '2:value2',
      '3:value3',
      'lost 4-5',
      '5:value5',
      'lost 6-9',
    ])
  })

  test('gives what is asked for by offset, by time, and by number', async () => {
    const files = await nineRecords()
    expect(await dump(files, { fromOffset: 4, toOffset: 7 })).toEqual(['4:value4', '5:value5', '6:value6'])
    expect(await dump(files, { fromOffset: 2, countMax: 2 })).toEqual(['2:value2', '3:value3'])
    const timed = memoryFiles()
    const log = await openTestLog(timed)
    await log.append([10, 20, 30, 15].map((time) => record(`at${time}`, time)))
    await log.close()
    expect(await dump(timed, { fromTimestampMs: 15, toTimestampMs: 30 })).toEqual(['1:at20', '3:at15'])
  })

  test('does not name gaps outside of what is asked for', async () => {
    const files = await nineRecords()
    files.flip(SECOND, positionOf(files, SECOND, 'value4'), 1)
    expect(await dump(files, { fromOffset: 5, toOffset: 6 })).toEqual(['5:value5'])
    expect(await dump(files, { toOffset: 3 })).toEqual(['0:value0', '1:value1', '2:value2'])
  })

  test('ends when the receiver has enough', async () => {
    const files = await nineRecords()
    let frames = 0
    const visitor = { gap: () => {}, records: () => ++frames < 4 }
    await dumpLog({ files, directory: DIRECTORY }, visitor)
    expect(frames).toBe(4)
  })
})

describe('finding logs', () => {
  test('answers the directory itself if it is a log, else all below it, partitions by number', async () => {
    const files = memoryFiles()
    for (const path of ['bus/topics/b/10', 'bus/topics/b/9', 'bus/state/topics']) {
      const log = await openTestLog(files, { directory: path })
      await log.append([record('x')])
      await log.close()
    }
    await files.makeDirectory('bus/other')
    expect(await findLogs({ files, directory: 'bus' })).toEqual([
      'bus/state/topics',
      'bus/topics/b/9',
      'bus/topics/b/10',
    ])
    expect(await findLogs({ files, directory: 'bus/topics/b/9' })).toEqual(['bus/topics/b/9'])
    expect(await findLogs({ files, directory: 'bus/other' })).toEqual([])
  })
})
