import type { Log } from '@millrace/log'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import { describe, expect, test } from 'vitest'
import { contents, DIRECTORY, large, openTestLog, segmentNames, segmentPath } from './test-log.ts'

const SPARE = `${DIRECTORY}/next.spare`

async function appendMany(log: Log, count: number, bytes: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await log.append([large(`r${index}`, bytes)])
}

const hasSpare = async (files: MemoryFiles) => (await files.list(DIRECTORY)).includes('next.spare')

describe('the next segment', () => {
  test('is filled with zeros while small appends fill the second half of the present one', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files)
    await appendMany(log, 5, 200)
    expect(await hasSpare(files)).toBe(false)
    await appendMany(log, 7, 200)
    await expect.poll(() => hasSpare(files)).toBe(true)
    expect(files.contents(SPARE).every((byte) => byte === 0)).toBe(true)
    await appendMany(log, 4, 200)
    expect(await segmentNames(files)).toHaveLength(2)
    expect(files.contents(segmentPath(15)).length).toBeGreaterThan(1024)
    expect(await contents(log)).toHaveLength(16)
  })

  test('is not prepared at all with allocateAheadBytesMax 0', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files, { allocateAheadBytesMax: 0 })
    await appendMany(log, 13, 200)
    expect(await hasSpare(files)).toBe(false)
    expect(files.bytes).toBeLessThan(4096 + 8192 + 100)
  })

  test('is a segment that retention has given up, and what stood in that one never comes back', async () => {
    const files = memoryFiles()
    const options = { retention: { bytesMax: 9_000 }, allocateAheadBytesMax: 0 } as const
    const log = await openTestLog(files, options)
    await appendMany(log, 40, 900)
    await expect.poll(() => hasSpare(files)).toBe(true)
    expect(files.contents(SPARE).length).toBeGreaterThan(2048)
    const before = await contents(log)
    for (const survivor of [files.afterCrash(), files.afterCrash()]) {
      await using again = await openTestLog(survivor, options)
      expect(await contents(again)).toEqual(before)
      expect(again.gaps).toEqual([])
      expect(await hasSpare(survivor)).toBe(false)
    }
    await log.close()
    expect(await hasSpare(files)).toBe(false)
  })

  test('is begun early instead of refusing an append when the disk is full and it has its space already', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files, { segmentBytesMax: 8192, allocateAheadBytesMax: 8192 })
    await appendMany(log, 26, 200)
    await expect.poll(() => hasSpare(files)).toBe(true)
    files.diskBytesMax = files.bytes
    await appendMany(log, 12, 200)
    expect(await contents(log)).toHaveLength(38)
  })
})

describe('trimBefore', () => {
  test('removes segments whose records are all below the offset, and no other', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files)
    await appendMany(log, 12, 900)
    const all = await contents(log)
    const outcome = await log.trimBefore(6)
    expect(outcome.startOffset).toBeLessThanOrEqual(6)
    expect(outcome.removedSegments).toBeGreaterThan(0)
    expect(await contents(log)).toEqual(all.slice(outcome.startOffset))
    await using again = await openTestLog(files.afterCrash())
    expect(await contents(again)).toEqual(all.slice(outcome.startOffset))
  })

  test('leaves a large consumed segment behind, so that a drained log is small, and offsets go on', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files, { segmentBytesMax: 1024 * 1024 })
    await appendMany(log, 100, 5000)
    expect(log.bytes).toBeGreaterThan(500_000)
    await log.trimBefore(log.endOffset)
    expect(log.startOffset).toBe(100)
    expect(log.bytes).toBeLessThan(1000)
    expect((await log.append([large('next', 10)])).baseOffset).toBe(100)
    await using again = await openTestLog(files.afterCrash())
    expect(await contents(again)).toEqual(['100:next'])
  })

  test('refuses an offset that does not exist yet', async () => {
    await using log = await openTestLog(memoryFiles())
    await expect(log.trimBefore(1)).rejects.toMatchObject({ code: 'LOG_OFFSET_OUT_OF_RANGE' })
  })
})
