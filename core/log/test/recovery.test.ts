import { manualRuntime, settle } from '@millrace/kernel'
import { followLog } from '@millrace/log'
import { memoryFiles } from '@millrace/memory'
import { describe, expect, test } from 'vitest'
import {
  contents,
  DIRECTORY,
  frameAround,
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

/**
 * The decision table of docs/reference/log-format.md, the rows about the last segment. The others are in
 * recovery-rest.test.ts; recovery-rows.test.ts checks that every row has its tests here or there.
 */

const FIRST = segmentPath(0)

describe('row end', () => {
  test('zeros and the end of the file are the end of the log', async () => {
    await using log = await openTestLog(await threeAppends())
    expect(await contents(log)).toEqual(['0:one', '1:two', '2:three'])
    expect(log.gaps).toEqual([])
    expect(await log.append([record('four')])).toEqual({ baseOffset: 3, count: 1 })
  })
})

describe('row torn', () => {
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

describe('row torn-group', () => {
  test('is torn as a whole: nobody was promised any of it', async () => {
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
})

describe('row torn-without-room', () => {
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
})

describe('row lost-tail', () => {
  test('is a gap if the durable mark knows of it: nothing is cut off, no offset is used again', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (const value of ['one', 'two', 'three']) await log.append([record(value)])
    await log.close()
    files.flip(FIRST, frameAround(files, FIRST, 'three'), 1)
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

  test('does not make a follower turn in circles', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (const value of ['one', 'two']) await log.append([record(value)])
    await log.close()
    files.flip(FIRST, frameAround(files, FIRST, 'two'), 1)
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

  test('is a gap, too, if the whole last segment is gone', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (let index = 0; index < 5; index += 1) await log.append([large(String(index))])
    await log.close()
    await files.remove(segmentPath(3))
    await using again = await openTestLog(files)
    expect(again.gaps).toMatchObject([{ from: 3, to: 5 }])
    expect(await again.append([record('next')])).toEqual({ baseOffset: 5, count: 1 })
  })
})

describe('row damage-before-witness', () => {
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
})

describe('row damage-below-mark', () => {
  test('is not looked for at the start: it is a gap with its exact offsets once it is read, and appends go on', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (const value of ['one', 'two', 'three']) await log.append([record(value)])
    await log.close()
    files.flip(FIRST, positionOf(files, FIRST, 'two'), 1)
    const again = await openTestLog(files)
    expect(again.gaps).toEqual([])
    expect(await again.append([record('four')])).toEqual({ baseOffset: 3, count: 1 })
    expect(await again.read(1, { countMax: 1 })).toMatchObject([{ offset: 2 }])
    expect(again.gaps).toMatchObject([{ from: 1, to: 2, reason: expect.stringContaining('.seg') }])
    expect(await contents(again)).toEqual(['0:one', '2:three', '3:four'])
    await again.close()
    expect(await segmentNames(files)).toHaveLength(1)
    await using later = await openTestLog(files)
    expect(await contents(later)).toEqual(['0:one', '2:three', '3:four'])
    expect(later.gaps).toMatchObject([{ from: 1, to: 2 }])
  })

  test('ends at the mark if it is the last frame below it', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (const value of ['one', 'two']) await log.append([record(value)])
    await log.close()
    files.flip(FIRST, positionOf(files, FIRST, 'two'), 1)
    await using again = await openTestLog(files)
    expect(await again.append([record('three')])).toEqual({ baseOffset: 2, count: 1 })
    expect(await contents(again)).toEqual(['0:one', '2:three'])
    expect(again.gaps).toMatchObject([{ from: 1, to: 2 }])
  })

  test('does not make a follower turn in circles', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (const value of ['one', 'two']) await log.append([record(value)])
    await log.close()
    files.flip(FIRST, positionOf(files, FIRST, 'two'), 1)
    await using again = await openTestLog(files)
    const stop = new AbortController()
    const found: number[] = []
    const following = (async () => {
      for await (const records of followLog(again, 0, stop.signal))
        found.push(...records.map(({ offset }) => offset))
    })()
    await settle()
    expect(found).toEqual([0])
    await again.append([record('three')])
    await settle()
    expect(found).toEqual([0, 2])
    stop.abort()
    await following
  })
})

describe('row unsynced-frames', () => {
  test('are written and synced once more before anybody reads them', async () => {
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

describe('row unsynced-names', () => {
  test('are made durable before anything in their segment is acknowledged', async () => {
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

describe('row stale-frames', () => {
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
