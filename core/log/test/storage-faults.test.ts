import { memoryFiles } from '@millrace/memory'
import { describe, expect, test } from 'vitest'
import { contents, large, openTestLog, record, segmentNames, segmentPath } from './test-log.ts'

describe('a sync that fails', () => {
  test('poisons the file: what was not synced is written to a new segment and acknowledged from there', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    await log.append([record('one')])
    files.failNext('sync', 'EIO', { path: '.seg' })
    expect(await log.append([record('two')])).toEqual({ baseOffset: 1, count: 1 })
    expect(await log.append([record('three')])).toEqual({ baseOffset: 2, count: 1 })
    expect(await segmentNames(files)).toEqual(['00000000000000000000.seg', '00000000000000000001.seg'])
    expect(await contents(log)).toEqual(['0:one', '1:two', '2:three'])
    await using again = await openTestLog(files.crash())
    expect(await contents(again)).toEqual(['0:one', '1:two', '2:three'])
    expect(again.gaps).toEqual([])
  })

  test('in the first group of a segment replaces the segment', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    files.failNext('sync', 'EIO', { path: segmentPath(0), after: 1 })
    expect(await log.append([record('one')])).toEqual({ baseOffset: 0, count: 1 })
    expect(await segmentNames(files)).toEqual(['00000000000000000000.seg'])
    await using again = await openTestLog(files.crash())
    expect(await contents(again)).toEqual(['0:one'])
  })

  test('twice in a row fails the log: appends are refused, reading goes on, a restart begins anew', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    await log.append([record('one')])
    files.failNext('sync', 'EIO', { times: 2, path: '.seg' })
    await expect(log.append([record('two')])).rejects.toMatchObject({ code: 'LOG_STORAGE_FAILED' })
    await expect(log.append([record('three')])).rejects.toMatchObject({ code: 'LOG_STORAGE_FAILED' })
    expect(await contents(log)).toEqual(['0:one'])
    await log.close()
    await using again = await openTestLog(files)
    await again.append([record('four')])
    expect((await contents(again)).at(-1)).toMatch('four')
  })

  test('a write that fails is treated the same way', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    await log.append([record('one')])
    files.failNext('write', 'EIO')
    expect(await log.append([record('two')])).toEqual({ baseOffset: 1, count: 1 })
    await using again = await openTestLog(files.crash())
    expect(await contents(again)).toEqual(['0:one', '1:two'])
  })
})

describe('an append that failed twice', () => {
  test('for want of space the second time is in doubt, not refused: what the first attempt left may come back', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files, { allocateAheadBytesMax: 0 })
    await log.append([record('first')])
    files.failNext('sync', 'EIO')
    files.failNext('open', 'ENOSPC', { path: '.tmp' })
    await expect(log.append([record('doubt')])).rejects.toMatchObject({ code: 'LOG_STORAGE_FAILED' })
    const { baseOffset } = await log.append([record('next')])
    expect((await contents(log)).slice(-1)).toEqual([`${baseOffset}:next`])
    await using again = await openTestLog(files.afterCrash())
    expect(await contents(again)).toEqual(['0:first', `${baseOffset}:next`])
  })
})

describe('a full disk', () => {
  test('refuses appends with DISK_FULL and goes on by itself when there is space', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files, { segmentBytesMax: 100_000 })
    await log.append([record('one')])
    files.diskBytesMax = files.bytes
    const refused = []
    for (let index = 0; index < 100; index += 1) refused.push(log.append([large('refused', 2000)]))
    const outcomes = await Promise.allSettled(refused)
    expect(outcomes.some(({ status }) => status === 'rejected')).toBe(true)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({ code: 'DISK_FULL', retryable: true })
    }
    const before = await contents(log)
    files.diskBytesMax = Number.POSITIVE_INFINITY
    expect(await log.append([record('after')])).toEqual({ baseOffset: before.length, count: 1 })
    await using again = await openTestLog(files.crash())
    expect(await contents(again)).toEqual([...before, `${before.length}:after`])
  })

  test('when a new segment is to begin leaves the log as it was', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files, { allocateAheadBytesMax: 0 })
    for (const name of ['a', 'b', 'c']) await log.append([large(name)])
    files.failNext('write', 'ENOSPC', { path: segmentPath(3), times: 2 })
    await expect(log.append([large('d')])).rejects.toMatchObject({ code: 'DISK_FULL' })
    await expect(log.append([large('e')])).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(await log.append([large('f')])).toEqual({ baseOffset: 3, count: 1 })
    await using again = await openTestLog(files.crash())
    expect(await contents(again)).toEqual(['0:a', '1:b', '2:c', '3:f'])
  })

  test('half-way through the beginning of a new segment does not hide what is appended later', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    await log.append([large('one')])
    files.failNext('syncDirectory', 'ENOSPC')
    await expect(log.append([large('refused', 3900)])).rejects.toMatchObject({ code: 'DISK_FULL' })
    for (const name of ['two', 'three', 'four', 'five']) await log.append([large(name)])
    await using again = await openTestLog(files.crash())
    expect(again.gaps).toEqual([])
    expect(await contents(again)).toEqual(['0:one', '1:two', '2:three', '3:four', '4:five'])
  })

  test('what was refused does not come back after a power cut, whichever sectors survive', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files, { allocateAheadBytesMax: 0, segmentBytesMax: 1_000_000 })
    await log.append([record('one')])
    files.diskBytesMax = files.bytes + 62_000
    const refused = [log.append([large('whole frame', 60_000)]), log.append([large('cut frame', 60_000)])]
    for (const outcome of await Promise.allSettled(refused)) expect(outcome.status).toBe('rejected')
    await using again = await openTestLog(files.crash())
    expect(await contents(again)).toEqual(['0:one'])
  })

  test('with room for the records, but not for what would be allocated ahead, takes the records', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files, { segmentBytesMax: 1_000_000 })
    files.diskBytesMax = 20_000
    for (let index = 0; index < 10; index += 1) await log.append([large(String(index))])
    expect(await contents(log)).toHaveLength(10)
    await log.close()
  })

  test('while an old file is full of unsynced data rejects, and the log goes on in a new segment later', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    await log.append([record('one')])
    files.failNext('sync', 'EIO', { path: segmentPath(0) })
    files.failNext('write', 'ENOSPC', { path: segmentPath(1) })
    await expect(log.append([record('two')])).rejects.toMatchObject({ code: 'LOG_STORAGE_FAILED' })
    expect(await log.append([record('three')])).toEqual({ baseOffset: 1, count: 1 })
    await using again = await openTestLog(files.crash())
    expect(await contents(again)).toEqual(['0:one', '1:three'])
  })
})

describe('the durable mark', () => {
  test('that cannot be written keeps nobody from working', async () => {
    const files = memoryFiles()
    files.failNext('open', 'EACCES', { path: 'mark', times: 1000 })
    const log = await openTestLog(files)
    await log.append([record('one')])
    await log.close()
    await using again = await openTestLog(files)
    expect(await contents(again)).toEqual(['0:one'])
  })
})
