import { manualRuntime } from '@millrace/kernel'
import type { Files } from '@millrace/log'
import { type RepairOptions, type RepairReport, repairLog, verifyLog } from '@millrace/log/inspection'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import { describe, expect, test } from 'vitest'
import { encodeSegmentHeader } from '../src/segment-header.ts'
import { withBadSectors } from './bad-sectors.ts'
import {
  contents,
  DIRECTORY,
  frameOf,
  headerOf,
  join,
  nineRecords,
  openTestLog,
  positionOf,
  record,
  segmentPath,
  threeAppends,
  write,
} from './test-log.ts'

const FIRST = segmentPath(0)
const SECOND = segmentPath(3)
const LAST = segmentPath(6)
const MARK = `${DIRECTORY}/mark`
const FOLDER = 'repair-2026-01-01T00-00-00Z'
const name = (baseOffset: number) => segmentPath(baseOffset).slice(DIRECTORY.length + 1)

function repair(files: Files, options: Partial<RepairOptions> = {}): Promise<RepairReport> {
  const runtime = manualRuntime({ startMs: Date.parse('2026-01-01T00:00:00Z') })
  return repairLog({ files, directory: DIRECTORY, runtime, ...options })
}

const kinds = ({ actions }: RepairReport) => actions.map(({ kind }) => kind)

async function garble(files: MemoryFiles, path: string): Promise<Uint8Array> {
  const garbage = new Uint8Array(files.contents(path).length).fill(0x55)
  await write(files, path, 0, garbage)
  return garbage
}

describe('repairing a log', () => {
  test('that is sound does nothing, and says so', async () => {
    const files = await nineRecords()
    const before = await files.list(DIRECTORY)
    const report = await repair(files)
    expect(report).toMatchObject({ actions: [], folder: undefined, remaining: [] })
    expect(await files.list(DIRECTORY)).toEqual(before)
  })

  test('needs the lock', async () => {
    const files = await nineRecords()
    await using _log = await openTestLog(files)
    await expect(repair(files)).rejects.toMatchObject({ code: 'DIRECTORY_LOCKED' })
  })

  test('keeps a segment in which nothing can be read, whole, under another name, and says what is lost', async () => {
    const files = await nineRecords()
    const garbage = await garble(files, SECOND)
    const report = await repair(files)
    expect(report).toMatchObject({
      actions: [{ kind: 'settle', file: name(3) }],
      folder: undefined,
      remaining: [{ kind: 'offsets-missing', offsets: { from: 3, to: 6 } }],
    })
    expect(files.contents(`${SECOND}.corrupt`)).toEqual(garbage)
    await using log = await openTestLog(files)
    expect(log.gaps).toMatchObject([{ from: 3, to: 6 }])
    expect(await contents(log)).toHaveLength(6)
  })

  test('moves a segment aside that the disk does not give at all, and names what it held as lost', async () => {
    const disk = await nineRecords()
    const files = withBadSectors(disk, [{ path: FIRST, from: 0, to: 1 << 20 }])
    await expect(openTestLog(disk, { files })).rejects.toMatchObject({ code: 'EIO' })
    const report = await repair(files)
    expect(report.actions).toMatchObject([{ kind: 'move-aside', file: name(0) }])
    expect(report.before.findings).toContainEqual(
      expect.objectContaining({ kind: 'offsets-missing', offsets: { from: 0, to: 3 } }),
    )
    await using log = await openTestLog(disk, { files })
    expect(await contents(log)).toHaveLength(6)
  })

  test('never lets an offset come again that the newest segment may have held', async () => {
    const files = await nineRecords()
    await files.remove(MARK)
    const { length } = await garble(files, LAST)
    const report = await repair(files)
    expect(kinds(report)).toEqual(['raise-mark', 'settle'])
    await using log = await openTestLog(files)
    expect(log.endOffset).toBe(6 + Math.ceil(length / 3))
    expect(await contents(log)).toHaveLength(6)
  })

  test('moves a segment of another log aside, and what it hid is there again', async () => {
    const files = await nineRecords()
    const stray = join(encodeSegmentHeader(headerOf(4)), frameOf(4, 1, Uint8Array.of(0, 0, 1, 0x61)))
    await write(files, segmentPath(4), 0, stray, 'create')
    {
      await using log = await openTestLog(files)
      expect(await contents(log)).not.toContain('5:value5')
    }
    const report = await repair(files)
    expect(report).toMatchObject({ actions: [{ kind: 'move-aside', file: name(4) }], remaining: [] })
    expect(report.after).toMatchObject({ isSound: true, records: 9 })
    expect(files.contents(`${DIRECTORY}/${FOLDER}/${name(4)}`)).toEqual(stray)
  })

  test('gives a segment back the name that its header tells', async () => {
    const files = await nineRecords()
    await files.rename(SECOND, segmentPath(5))
    const report = await repair(files)
    expect(report.actions).toMatchObject([{ kind: 'rename', file: name(5), to: name(3) }])
    expect(report.after).toMatchObject({ isSound: true, records: 9 })
  })

  test.each([3, 6])('overwrites nothing, though two segments claim the offset %d', async (baseOffset) => {
    const files = await nineRecords()
    const path = segmentPath(baseOffset)
    const content = files.contents(path)
    await files.rename(path, segmentPath(baseOffset + 2))
    await write(files, segmentPath(baseOffset + 1), 0, content, 'create')
    const report = await repair(files)
    expect(kinds(report).sort()).toEqual(['move-aside', 'rename'])
    expect(report.after).toMatchObject({ isSound: true, records: 9 })
    const [aside] = (await files.list(`${DIRECTORY}/${FOLDER}`)).filter((entry) => entry.endsWith('.seg'))
    expect(files.contents(`${DIRECTORY}/${FOLDER}/${aside}`)).toEqual(content)
    expect(files.contents(path)).toEqual(content)
  })

  test.each([0, 3, 6])(
    'makes the damaged header of segment %d again, and keeps the original',
    async (baseOffset) => {
      const files = await nineRecords()
      const path = segmentPath(baseOffset)
      files.flip(path, 30, 1)
      const original = files.contents(path)
      const report = await repair(files)
      expect(report).toMatchObject({ actions: [{ kind: 'rescue', file: name(baseOffset) }], remaining: [] })
      expect(report.after).toMatchObject({ isSound: true, records: 9 })
      expect(files.contents(`${DIRECTORY}/${FOLDER}/${name(baseOffset)}`)).toEqual(original)
      await using log = await openTestLog(files)
      expect(await contents(log)).toHaveLength(9)
      expect(log.gaps).toEqual([])
      expect(await log.append([record('next')])).toEqual({ baseOffset: 9, count: 1 })
    },
  )

  test('makes the damaged header of a compacted segment again', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (let index = 0; index < 40; index += 1)
      await log.append([{ key: Uint8Array.of(index % 3), value: new Uint8Array(400) }])
    await log.compact()
    await log.close()
    const before = await verifyLog({ files, directory: DIRECTORY })
    files.flip(FIRST, 30, 1)
    const report = await repair(files)
    expect(report.after).toMatchObject({ isSound: true, records: before.records, endOffset: 40 })
    await using again = await openTestLog(files)
    expect(again.gaps).toEqual([])
  })

  test('rescues what can be read of a segment that the disk does not give, so that the log opens again', async () => {
    const disk = await nineRecords()
    // Then opening reads all of the last segment.
    await disk.remove(MARK)
    const position = positionOf(disk, LAST, 'value7') + 500
    const files = withBadSectors(disk, [{ path: LAST, from: position, to: position + 1 }])
    const open = () => openTestLog(disk, { files, runtime: manualRuntime() })
    await expect(open()).rejects.toMatchObject({ code: 'EIO' })
    const report = await repair(files)
    expect(kinds(report)).toEqual(['rescue'])
    expect(report.openFailure).toBeUndefined()
    expect(report.remaining).toContainEqual(expect.objectContaining({ offsets: { from: 7, to: 8 } }))
    await using log = await open()
    expect(await contents(log)).toEqual([0, 1, 2, 3, 4, 5, 6, 8].map((index) => `${index}:value${index}`))
    expect(log.endOffset).toBe(9)
    expect(await disk.list(`${DIRECTORY}/${FOLDER}`)).toContain(name(6))
  })

  test.each([
    ['the body of the last frame', 500],
    ['all of the last frame', -52],
  ])(
    'counts %s as lost if the disk does not give it, though the mark does not know of it',
    async (_what, at) => {
      const disk = await nineRecords()
      await disk.remove(MARK)
      const position = positionOf(disk, LAST, 'value8')
      const range = { path: LAST, from: position + at, to: position + Math.max(at, 900) + 1 }
      const files = withBadSectors(disk, [range])
      const report = await repair(files)
      expect(kinds(report)).toEqual(['raise-mark', 'rescue'])
      await using log = await openTestLog(disk, { files })
      expect((await contents(log)).length).toBeGreaterThanOrEqual(7)
      expect(log.endOffset).toBeGreaterThanOrEqual(9)
    },
  )

  test('finishes a rescue that was interrupted between its two renames', async () => {
    const files = await nineRecords()
    await files.rename(SECOND, `${SECOND}.rescued`)
    expect((await verifyLog({ files, directory: DIRECTORY })).isSound).toBe(false)
    const report = await repair(files)
    expect(kinds(report)).toEqual(['finish-rescue'])
    expect(report.after).toMatchObject({ isSound: true, records: 9 })
  })

  test('makes a new mark in place of one that is damaged, at what can be read', async () => {
    const files = await nineRecords()
    for (const slot of [0, 4096]) files.flip(MARK, slot, 0xff)
    const report = await repair(files)
    expect(kinds(report)).toEqual(['move-aside', 'raise-mark'])
    expect(report.after).toMatchObject({ isSound: true, endOffset: 9 })
    expect(await files.list(`${DIRECTORY}/${FOLDER}`)).toEqual(
      expect.arrayContaining(['mark', 'report.json']),
    )
  })

  test('counts a torn end as lost when the mark that would tell is damaged', async () => {
    const files = await nineRecords()
    for (const slot of [0, 4096]) files.flip(MARK, slot, 0xff)
    files.flip(LAST, positionOf(files, LAST, 'value8'), 1)
    const report = await repair(files)
    expect(kinds(report)).toContain('raise-mark')
    expect(report.remaining).toMatchObject([
      { kind: 'frame-damaged', bytes: expect.anything() },
      { kind: 'end-missing', offsets: { from: 8, to: 9 } },
    ])
    await using log = await openTestLog(files)
    expect(await log.append([record('next')])).toEqual({ baseOffset: 9, count: 1 })
  })

  test('gives the log the end that its consumers have seen', async () => {
    const files = await nineRecords()
    await files.remove(LAST)
    await files.remove(MARK)
    const report = await repair(files, { nextOffset: 9 })
    expect(report.actions).toMatchObject([{ kind: 'raise-mark', toOffset: 9 }])
    expect(report.remaining).toMatchObject([{ kind: 'end-missing', offsets: { from: 6, to: 9 } }])
    await using log = await openTestLog(files)
    expect(await log.read(9)).toEqual([])
    expect(await log.append([record('next')])).toEqual({ baseOffset: 9, count: 1 })
  })

  test('lets opening do what it does anyway, and says what', async () => {
    const files = await threeAppends()
    files.flip(FIRST, positionOf(files, FIRST, 'three'), 1)
    await write(files, `${DIRECTORY}/${name(3)}.tmp`, 0, new Uint8Array(9), 'create')
    const report = await repair(files)
    expect(report).toMatchObject({ folder: undefined, remaining: [] })
    expect(report.actions).toMatchObject([
      { kind: 'settle', file: `${name(3)}.tmp` },
      { kind: 'settle', file: name(0) },
    ])
    expect(report.after?.findings.map(({ kind }) => kind)).toEqual(['file-set-aside'])
  })

  test('moves a damaged format file aside, and leaves a newer one alone', async () => {
    const files = await nineRecords()
    files.flip(`${DIRECTORY}/format.json`, 0, 0xff)
    expect(kinds(await repair(files))).toEqual(['move-aside', 'write-format'])
    const newer = new TextEncoder().encode('{"format":"millrace-log","version":9}'.padEnd(99))
    await write(files, `${DIRECTORY}/format.json`, 0, newer)
    await expect(repair(files)).rejects.toMatchObject({ code: 'DIRECTORY_TOO_NEW' })
  })

  test('shows its plan and touches nothing in a dry run', async () => {
    const files = await nineRecords()
    await files.rename(SECOND, segmentPath(5))
    const before = await files.list(DIRECTORY)
    const { operations } = files
    const report = await repair(files, { isDryRun: true })
    expect(report).toMatchObject({ actions: [{ kind: 'rename' }], folder: undefined, after: undefined })
    expect(await files.list(DIRECTORY)).toEqual(before)
    expect(files.operations).toBeGreaterThan(operations)
  })

  test('never uses a folder of an earlier repair', async () => {
    const files = await nineRecords()
    await files.rename(SECOND, segmentPath(5))
    expect((await repair(files)).folder).toBe(FOLDER)
    await files.rename(SECOND, segmentPath(5))
    expect((await repair(files)).folder).toBe(`${FOLDER}-2`)
  })

  test('leaves everything where nothing is lost when the power fails at any of its steps', async () => {
    for (let steps = 0; ; steps += 1) {
      const files = await nineRecords()
      files.flip(SECOND, 30, 1)
      for (const slot of [0, 4096]) files.flip(MARK, slot, 0xff)
      files.stopAfter(steps)
      const isDone = await repair(files).then(
        () => true,
        () => false,
      )
      const disk = files.crash()
      const report = await repair(disk)
      expect({ steps, records: report.after?.records, isSound: report.after?.isSound }).toEqual({
        steps,
        records: 9,
        isSound: true,
      })
      if (isDone) return
    }
  })
})
