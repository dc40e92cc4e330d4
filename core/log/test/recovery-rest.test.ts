import { manualRuntime } from '@millrace/kernel'
import { memoryFiles } from '@millrace/memory'
import { describe, expect, test } from 'vitest'
import { encodeSegmentHeader } from '../src/segment-header.ts'
import {
  contents,
  DIRECTORY,
  frameAround,
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

/** The decision table of docs/reference/log-format.md, the rows that are not about the last segment alone. */

const FIRST = segmentPath(0)

describe('row damage-in-sealed', () => {
  test('is found when it is read, at any time', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (let index = 0; index < 9; index += 1) await log.append([large(`value${index}`)])
    await log.close()
    const path = segmentPath(3)
    files.flip(path, positionOf(files, path, 'value4'), 1)
    await using again = await openTestLog(files)
    expect(again.gaps).toEqual([])
    expect(await contents(again)).toEqual([0, 1, 2, 3, 5, 6, 7, 8].map((index) => `${index}:value${index}`))
    expect(again.gaps).toMatchObject([{ from: 4, to: 5 }])
  })

  test('at its end is a gap up to the next segment', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (let index = 0; index < 6; index += 1) await log.append([large(`value${index}`)])
    await log.close()
    files.flip(FIRST, positionOf(files, FIRST, 'value2'), 1)
    await using again = await openTestLog(files)
    expect(await again.read(2)).toMatchObject([{ offset: 3 }, { offset: 4 }, { offset: 5 }])
    expect(again.gaps).toMatchObject([{ from: 2, to: 3 }])
  })
})

describe('row damaged-header', () => {
  test.each([0, 3, 6])(
    'a damaged header of the segment with offset %d costs no record',
    async (baseOffset) => {
      const files = await nineRecords()
      files.flip(segmentPath(baseOffset), 30, 1)
      await using log = await openTestLog(files)
      expect(await contents(log)).toHaveLength(9)
      expect(log.gaps).toEqual([])
      expect(await log.append([record('next')])).toEqual({ baseOffset: 9, count: 1 })
      expect(await contents(log)).toHaveLength(10)
    },
  )
})

describe('row unreadable-segment', () => {
  test('a segment in which nothing can be read is moved aside, not removed, and its offsets are not used again', async () => {
    const files = await nineRecords()
    await files.remove(`${DIRECTORY}/mark`)
    const last = segmentPath(6)
    await write(files, last, 0, new Uint8Array(files.contents(last).length).fill(0x55))
    for (let round = 0; round < 2; round += 1) {
      await using log = await openTestLog(files)
      expect(log.endOffset).toBe(6)
      expect(await files.list(DIRECTORY)).toContain('00000000000000000006.seg.corrupt')
    }
    await using log = await openTestLog(files)
    expect(await log.append([record('next')])).toEqual({ baseOffset: 6, count: 1 })
  })

  test('is moved aside, too, if it is shorter than a header: a newest file that was never finished', async () => {
    const files = await nineRecords()
    await write(files, segmentPath(9), 0, encodeSegmentHeader(headerOf(9)).subarray(0, 40), 'create')
    await using log = await openTestLog(files)
    expect(await contents(log)).toHaveLength(9)
    expect(log.gaps).toEqual([])
    expect(await files.list(DIRECTORY)).toContain('00000000000000000009.seg.corrupt')
    expect(await log.append([record('next')])).toEqual({ baseOffset: 9, count: 1 })
  })

  test('in the middle is a gap, and its neighbours are read', async () => {
    const files = await nineRecords()
    const middle = segmentPath(3)
    await write(files, middle, 0, new Uint8Array(files.contents(middle).length).fill(0x55))
    await using log = await openTestLog(files)
    expect(log.gaps).toMatchObject([{ from: 3, to: 6 }])
    expect(await contents(log)).toHaveLength(6)
  })
})

describe('row broken-chain', () => {
  test('a missing segment is a gap, never joined over', async () => {
    const files = await nineRecords()
    await files.remove(segmentPath(3))
    await using log = await openTestLog(files)
    expect(log.gaps).toMatchObject([{ from: 3, to: 6 }])
    expect(await contents(log)).toEqual([0, 1, 2, 6, 7, 8].map((index) => `${index}:value${index}`))
  })

  test('a segment that was cut exactly between two frames is noticed', async () => {
    const files = await nineRecords()
    const path = segmentPath(3)
    {
      await using file = await files.open(path, 'write')
      await file.truncate(positionOf(files, path, 'value4') - 4 - 48)
    }
    await using log = await openTestLog(files)
    expect(log.gaps).toMatchObject([{ from: 4, to: 6 }])
    expect(await contents(log)).toEqual([0, 1, 2, 3, 6, 7, 8].map((index) => `${index}:value${index}`))
  })
})

describe('row lost-before-begin', () => {
  test('is a gap that is known without the mark and without the damage', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (const value of ['one', 'two', 'three']) await log.append([record(value)])
    await log.close()
    files.flip(FIRST, frameAround(files, FIRST, 'three'), 1)
    const behind = await openTestLog(files)
    await behind.append([record('four')])
    await behind.close()
    await files.remove(`${DIRECTORY}/mark`)
    await using again = await openTestLog(files)
    expect(again.gaps).toMatchObject([{ from: 2, to: 3, reason: expect.stringContaining('was begun') }])
    expect(await contents(again)).toEqual(['0:one', '1:two', '3:four'])
  })
})

describe('row nothing-left', () => {
  test('is a gap up to the mark', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    await log.append([record('a'), record('b')])
    await log.close()
    await files.remove(FIRST)
    await using again = await openTestLog(files)
    expect(again.gaps).toMatchObject([{ from: 0, to: 2 }])
    expect(await again.append([record('c')])).toEqual({ baseOffset: 2, count: 1 })
  })
})

describe('row damaged-mark', () => {
  test('a mark that is damaged in one slot falls back to the other, and in both to none', async () => {
    const runtime = manualRuntime()
    const files = memoryFiles()
    const log = await openTestLog(files, { runtime })
    await log.append([record('one')])
    await runtime.advance(2000)
    await log.append([record('two')])
    await log.close()
    const mark = `${DIRECTORY}/mark`
    await files.remove(FIRST)
    await files.syncDirectory(DIRECTORY)
    const endAfter = async () => {
      const again = await openTestLog(files.afterCrash())
      return again.endOffset
    }
    expect(await endAfter()).toBe(2)
    files.flip(mark, 16, 1)
    expect(await endAfter()).toBe(1)
    files.flip(mark, 4096 + 16, 1)
    expect(await endAfter()).toBe(0)
  })
})

describe('row undecodable-records', () => {
  test('are a gap up to the end of their frame, and reading goes on behind it', async () => {
    const files = memoryFiles()
    await files.makeDirectory(DIRECTORY)
    // Two records announced, and the second says that it is longer than the frame.
    const strange = frameOf(1, 2, Uint8Array.of(0, 0, 1, 0x61, 0, 0, 9, 0x62))
    const frames = [
      frameOf(0, 1, Uint8Array.of(0, 0, 1, 0x7a)),
      strange,
      frameOf(3, 1, Uint8Array.of(0, 0, 0)),
    ]
    await write(files, FIRST, 0, join(encodeSegmentHeader(headerOf(0)), ...frames), 'create')
    await using log = await openTestLog(files)
    expect(await contents(log)).toEqual(['0:z', '1:a', '3:'])
    expect(log.gaps).toMatchObject([{ from: 2, to: 3, reason: expect.stringContaining('fill') }])
  })
})

describe('row read-error', () => {
  test('an EIO at the start changes nothing and removes nothing', async () => {
    const files = await threeAppends()
    const before = files.contents(FIRST)
    for (let after = 0; after < 4; after += 1) {
      files.failNext('read', 'EIO', { after })
      await expect(openTestLog(files)).rejects.toMatchObject({ code: 'EIO' })
      expect(files.contents(FIRST)).toEqual(before)
    }
    await using log = await openTestLog(files)
    expect(await contents(log)).toHaveLength(3)
  })

  test('while reading is passed on, and makes no gap', async () => {
    const files = await nineRecords()
    await using log = await openTestLog(files)
    files.failNext('read', 'EIO', { path: '.seg' })
    await expect(log.read(0)).rejects.toMatchObject({ code: 'LOG_READ_FAILED' })
    expect(log.gaps).toEqual([])
    expect(await contents(log)).toHaveLength(9)
  })
})

describe('row unfinished-files', () => {
  test('files that were never finished, and segments given up, are removed; unknown files are left alone', async () => {
    const files = await threeAppends()
    const names = [
      '00000000000000000003.seg.tmp',
      '00000000000000000000.seg.deleted',
      'mark.tmp',
      'notes.txt',
    ]
    for (const name of names) await (await files.open(`${DIRECTORY}/${name}`, 'create')).close()
    await using log = await openTestLog(files)
    expect(await contents(log)).toHaveLength(3)
    const left = await files.list(DIRECTORY)
    expect(names.filter((name) => left.includes(name))).toEqual(['notes.txt'])
  })
})

describe('row damaged-format', () => {
  test('keeps nobody from the log, whichever bit of it is flipped', async () => {
    const files = await threeAppends()
    const path = `${DIRECTORY}/format.json`
    const size = files.contents(path).length
    for (let bit = 0; bit < size * 8; bit += 1) {
      const disk = files.afterCrash()
      disk.flip(path, bit >> 3, 1 << (bit & 7))
      await using log = await openTestLog(disk)
      expect([bit, (await contents(log)).length]).toEqual([bit, 3])
    }
  })

  test('a damaged format file costs nothing', async () => {
    const files = await threeAppends()
    files.flip(`${DIRECTORY}/format.json`, 0, 0xff)
    await using log = await openTestLog(files)
    expect(await contents(log)).toHaveLength(3)
  })
})

describe('row newer-format', () => {
  test('a newer one is refused, and left as it is', async () => {
    const files = await threeAppends()
    const path = `${DIRECTORY}/format.json`
    await write(files, path, 0, new TextEncoder().encode('{"format":"millrace-log","version":9}'.padEnd(99)))
    await expect(openTestLog(files)).rejects.toMatchObject({
      code: 'DIRECTORY_TOO_NEW',
      parameters: { seen: 9, supported: 1 },
    })
    await write(files, path, 0, new TextEncoder().encode('{"format":"millrace-log","version":1}\n'))
    await using log = await openTestLog(files)
    expect(await contents(log)).toHaveLength(3)
  })
})

describe('row lock', () => {
  test('the directory is locked while the log is open, and free again when opening failed', async () => {
    const files = await threeAppends()
    files.failNext('list', 'EIO')
    await expect(openTestLog(files)).rejects.toMatchObject({ code: 'EIO' })
    await using _log = await openTestLog(files)
    await expect(openTestLog(files)).rejects.toMatchObject({ code: 'DIRECTORY_LOCKED' })
  })
})

describe('row replaced-segments', () => {
  test('are removed, and what compaction has kept is there once', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (let index = 0; index < 12; index += 1)
      await log.append([{ key: Uint8Array.of(index % 2), value: new Uint8Array(900) }])
    const [, second = ''] = await segmentNames(files)
    const old = files.contents(`${DIRECTORY}/${second}`)
    await log.compact()
    const kept = await contents(log)
    await log.close()
    await write(files, `${DIRECTORY}/${second}`, 0, old, 'create')
    await using again = await openTestLog(files)
    expect(await contents(again)).toEqual(kept)
    expect(again.gaps).toEqual([])
    expect(await files.list(DIRECTORY)).not.toContain(second)
  })
})

describe('row reserved-offsets', () => {
  test('are skipped after a crash, and named', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files, { durability: 'os' })
    await log.append([record('one')])
    await log.sync()
    await log.append([record('lost with the power')])
    await using again = await openTestLog(files.crash())
    expect(await contents(again)).toEqual(['0:one'])
    expect(again.gaps).toMatchObject([{ from: 1, reason: expect.stringContaining('reserved') }])
    const { baseOffset } = await again.append([record('next')])
    expect(baseOffset).toBe(again.gaps[0]?.to)
    expect(baseOffset).toBeGreaterThan(1)
  })
})
