import { manualRuntime, settle } from '@millrace/kernel'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import { describe, expect, test } from 'vitest'
import {
  contents,
  DIRECTORY,
  large,
  openTestLog,
  positionOf,
  record,
  segmentNames,
  segmentPath,
} from './test-log.ts'

/** Row by row: the decision table of docs/reference/log-format.md. */

const FIRST = segmentPath(0)

/** Three acknowledged appends, and the disk as it is when the power fails then; no mark was written yet. */
async function threeAppends(): Promise<MemoryFiles> {
  const files = memoryFiles()
  const log = await openTestLog(files)
  for (const value of ['one', 'two', 'three']) await log.append([record(value)])
  return files.crash()
}

async function write(files: MemoryFiles, path: string, position: number, bytes: Uint8Array): Promise<void> {
  await using file = await files.open(path, 'write')
  await file.write([bytes], position)
  await file.sync()
}

describe('the end of the last segment', () => {
  test('zeros and the end of the file are the end of the log', async () => {
    await using log = await openTestLog(await threeAppends())
    expect(await contents(log)).toEqual(['0:one', '1:two', '2:three'])
    expect(log.gaps).toEqual([])
    expect(await log.append([record('four')])).toEqual({ baseOffset: 3, count: 1 })
  })

  test('a torn frame that nobody was promised is moved to a file of its own, and its offset is given again', async () => {
    const files = await threeAppends()
    files.flip(FIRST, positionOf(files, FIRST, 'three'), 1)
    const log = await openTestLog(files)
    expect(await contents(log)).toEqual(['0:one', '1:two'])
    expect(log.gaps).toEqual([])
    expect(await log.append([record('again')])).toEqual({ baseOffset: 2, count: 1 })
    const torn = (await files.list(DIRECTORY)).filter((name) => name.endsWith('.torn'))
    expect(torn).toHaveLength(1)
    expect(files.contents(`${DIRECTORY}/${torn[0]}`).length).toBeGreaterThan(0)
    await log.close()
    await using again = await openTestLog(files)
    expect(await contents(again)).toEqual(['0:one', '1:two', '2:again'])
  })

  test('a frame whose length is damaged is torn like any other', async () => {
    const files = await threeAppends()
    const frame = positionOf(files, FIRST, 'three') - 3 - 48
    files.flip(FIRST, frame + 6, 0xff)
    await using log = await openTestLog(files)
    expect(await contents(log)).toEqual(['0:one', '1:two'])
  })

  test('rubbish behind the last frame is moved away and does no harm', async () => {
    const files = await threeAppends()
    const end = files.contents(FIRST).length
    await write(files, FIRST, end, new Uint8Array(300).fill(0xaa))
    const log = await openTestLog(files)
    expect(await contents(log)).toEqual(['0:one', '1:two', '2:three'])
    await log.append([record('four')])
    await log.close()
    await using again = await openTestLog(files)
    expect(await contents(again)).toHaveLength(4)
  })

  test('a torn tail that cannot be copied, because the disk is full, stays, and the log goes on without it', async () => {
    const files = await threeAppends()
    files.flip(FIRST, positionOf(files, FIRST, 'three'), 1)
    files.failNext('write', 'ENOSPC', { path: '.torn' })
    const log = await openTestLog(files)
    expect(await contents(log)).toEqual(['0:one', '1:two'])
    expect(await log.append([record('again')])).toEqual({ baseOffset: 2, count: 1 })
    await log.close()
    await using again = await openTestLog(files)
    expect(await contents(again)).toEqual(['0:one', '1:two', '2:again'])
    expect(again.gaps).toEqual([])
  })

  test('no more than a few torn tails are kept', async () => {
    const files = memoryFiles()
    for (let round = 0; round < 30; round += 1) {
      const log = await openTestLog(files, { segmentBytesMax: 100_000 })
      await log.append([record(`round ${round}`)])
      await log.close()
      const path = segmentPath(0)
      await write(files, path, 64 + (round + 1) * 72, new Uint8Array(8).fill(0xaa))
    }
    const torn = (await files.list(DIRECTORY)).filter((name) => name.endsWith('.torn'))
    expect(torn.length).toBeLessThanOrEqual(17)
  })
})

describe('records that were written but not synced when the process ended', () => {
  test('are made durable before anybody reads them', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    await log.append([record('one')])
    files.failNext('sync', 'EIO', { times: 2, path: '.seg' })
    await expect(log.append([record('two')])).rejects.toMatchObject({ code: 'LOG_STORAGE_FAILED' })
    await log.close()
    const again = await openTestLog(files)
    const read = await contents(again)
    expect(read[0]).toBe('0:one')
    await using afterPowerCut = await openTestLog(files.crash())
    expect(await contents(afterPowerCut)).toEqual(read)
  })
})

describe('a segment whose name was not made durable before the process ended', () => {
  test('has a durable name before anything in it is acknowledged', async () => {
    const files = memoryFiles()
    const first = await openTestLog(files)
    files.failNext('syncDirectory', 'EIO', { times: 2 })
    await expect(first.append([record('one')])).rejects.toMatchObject({ code: 'LOG_STORAGE_FAILED' })
    await first.close()
    expect(await segmentNames(files)).toHaveLength(1)
    const second = await openTestLog(files)
    await second.append([record('two')])
    await using log = await openTestLog(files.crash())
    expect(await contents(log)).toEqual(['0:two'])
  })
})

describe('acknowledged records that the disk has lost at the end', () => {
  test('are a gap if the durable mark knows of them: nothing is cut off, no offset is used again', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (const value of ['one', 'two', 'three']) await log.append([record(value)])
    await log.close()
    files.flip(FIRST, positionOf(files, FIRST, 'three'), 1)
    const size = files.contents(FIRST).length
    const again = await openTestLog(files)
    expect(again.gaps).toMatchObject([{ from: 2, to: 3 }])
    expect(again.endOffset).toBe(3)
    expect(await contents(again)).toEqual(['0:one', '1:two'])
    expect(await again.append([record('four')])).toEqual({ baseOffset: 3, count: 1 })
    expect(await contents(again)).toEqual(['0:one', '1:two', '3:four'])
    expect(files.contents(FIRST).length).toBe(size)
    await again.waitBeyond(0)
    await again.close()
    await using later = await openTestLog(files)
    expect(later.gaps).toMatchObject([{ from: 2, to: 3 }])
    expect(await contents(later)).toEqual(['0:one', '1:two', '3:four'])
  })

  test('do not make a follower turn in circles', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (const value of ['one', 'two']) await log.append([record(value)])
    await log.close()
    files.flip(FIRST, positionOf(files, FIRST, 'two'), 1)
    await using again = await openTestLog(files)
    let reached = false
    const waiting = again.waitBeyond(1).then(() => {
      reached = true
    })
    expect(await again.read(1)).toEqual([])
    await settle()
    expect(reached).toBe(false)
    await again.append([record('three')])
    await waiting
    expect(await again.read(1)).toMatchObject([{ offset: 2 }])
  })

  test('are a gap, too, if the whole last segment is cut or gone', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (let index = 0; index < 5; index += 1) await log.append([large(String(index))])
    await log.close()
    await files.remove(segmentPath(3))
    await using again = await openTestLog(files)
    expect(again.gaps).toMatchObject([{ from: 3, to: 5 }])
    expect(await again.append([record('next')])).toEqual({ baseOffset: 5, count: 1 })
  })

  test('are a gap if every segment is gone', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    await log.append([record('a'), record('b')])
    await log.close()
    await files.remove(FIRST)
    await using again = await openTestLog(files)
    expect(again.gaps).toMatchObject([{ from: 0, to: 2 }])
    expect(await again.append([record('c')])).toEqual({ baseOffset: 2, count: 1 })
  })

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

describe('damage before intact frames', () => {
  test('is a gap with its exact offsets, and reading goes on behind it', async () => {
    const files = await threeAppends()
    files.flip(FIRST, positionOf(files, FIRST, 'two'), 1)
    const log = await openTestLog(files)
    expect(log.gaps).toMatchObject([{ from: 1, to: 2, reason: expect.stringContaining('.seg') }])
    expect(await contents(log)).toEqual(['0:one', '2:three'])
    expect(await log.read(1)).toMatchObject([{ offset: 2 }])
    expect(await log.append([record('four')])).toEqual({ baseOffset: 3, count: 1 })
    await log.close()
    await using again = await openTestLog(files)
    expect(await contents(again)).toEqual(['0:one', '2:three', '3:four'])
    expect(again.gaps).toMatchObject([{ from: 1, to: 2 }])
  })

  test('is no gap if the frames behind it belong to the same group, which nobody was promised', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files, { segmentBytesMax: 1_000_000 })
    await log.append([record('acknowledged')])
    files.failNext('sync', 'EIO', { times: 9 })
    const frames = ['first', 'second', 'third'].map((name) => log.append([large(name, 60_000)]))
    await Promise.allSettled(frames)
    // The group is in the file, as if the power had failed while it was written. Its first frame is damaged.
    const disk = memoryFiles()
    await disk.makeDirectory(DIRECTORY)
    for (const name of [FIRST, `${DIRECTORY}/format.json`]) {
      await using file = await disk.open(name, 'create')
      await file.write([files.contents(name)], 0)
    }
    disk.flip(FIRST, positionOf(disk, FIRST, 'first'), 1)
    await using again = await openTestLog(disk, { segmentBytesMax: 1_000_000 })
    expect(again.gaps).toEqual([])
    expect(await contents(again)).toEqual(['0:acknowledged'])
    expect(await again.append([record('next')])).toEqual({ baseOffset: 1, count: 1 })
  })

  test('in a sealed segment is found when it is read, at any time', async () => {
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

  test('at the end of a sealed segment is a gap up to the next one', async () => {
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

describe('the chain of segments', () => {
  async function nineRecords(): Promise<MemoryFiles> {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (let index = 0; index < 9; index += 1) await log.append([large(`value${index}`)])
    await log.close()
    expect(await segmentNames(files)).toHaveLength(3)
    return files
  }

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

  test('frames of another file that had the same blocks are never taken for records', async () => {
    const files = await nineRecords()
    const stale = files.contents(segmentPath(0)).subarray(64)
    const other = memoryFiles()
    const log = await openTestLog(other, { runtime: manualRuntime({ seed: 2 }) })
    await log.append([record('only')])
    await log.close()
    const end = other.contents(FIRST).length
    await write(other, FIRST, Math.ceil(end / 8) * 8, stale)
    await using again = await openTestLog(other)
    expect(await contents(again)).toEqual(['0:only'])
  })
})

describe('what is left of interrupted work', () => {
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
})

describe('the format of a directory', () => {
  test('a newer one is refused, and left as it is', async () => {
    const files = await threeAppends()
    const path = `${DIRECTORY}/format.json`
    await write(files, path, 0, new TextEncoder().encode('{"format":"millrace-log","version":9}\n'))
    await expect(openTestLog(files)).rejects.toMatchObject({
      code: 'DIRECTORY_TOO_NEW',
      parameters: { seen: 9, supported: 1 },
    })
    await write(files, path, 0, new TextEncoder().encode('{"format":"millrace-log","version":1}\n'))
    await using log = await openTestLog(files)
    expect(await contents(log)).toHaveLength(3)
  })

  test('a damaged format file costs nothing', async () => {
    const files = await threeAppends()
    files.flip(`${DIRECTORY}/format.json`, 0, 0xff)
    await using log = await openTestLog(files)
    expect(await contents(log)).toHaveLength(3)
  })

  test('the directory is locked while the log is open, and free again when opening failed', async () => {
    const files = await threeAppends()
    files.failNext('list', 'EIO')
    await expect(openTestLog(files)).rejects.toMatchObject({ code: 'EIO' })
    await using _log = await openTestLog(files)
    await expect(openTestLog(files)).rejects.toMatchObject({ code: 'DIRECTORY_LOCKED' })
  })
})
