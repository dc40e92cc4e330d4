import { manualRuntime } from '@millrace/kernel'
import { memoryFiles } from '@millrace/memory'
import { describe, expect, test } from 'vitest'
import { contents, openTestLog, record, segmentPath } from './test-log.ts'

describe('an append that does not wait for the disk', () => {
  test('is readable at once, may be lost by a power cut, and its offset is not used again', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    await log.append([record('kept')])
    await log.append([record('lost')], { durability: 'os' })
    expect(await contents(log)).toEqual(['0:kept', '1:lost'])
    expect([log.durableOffset, log.endOffset]).toEqual([1, 2])

    await using again = await openTestLog(files.afterCrash())
    expect(await contents(again)).toEqual(['0:kept'])
    expect(again.gaps).toMatchObject([{ from: 1 }])
    const { baseOffset } = await again.append([record('next')])
    expect(baseOffset).toBeGreaterThanOrEqual(2)
    expect(await contents(again)).toEqual(['0:kept', `${baseOffset}:next`])
  })

  test('is made durable by the next one that waits for the disk', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files)
    await log.append([record('a')], { durability: 'os' })
    await log.append([record('b')])
    expect(log.durableOffset).toBe(2)
    await using again = await openTestLog(files.afterCrash())
    expect(await contents(again)).toEqual(['0:a', '1:b'])
  })

  test('is made durable by sync, by closing, and by the next segment', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files, { durability: 'os' })
    await log.append([record('a')])
    await log.sync()
    expect(log.durableOffset).toBe(1)
    await log.append([record('x'.repeat(3900))])
    await log.append([record('y'.repeat(3900))])
    expect(log.durableOffset).toBe(2)
    await log.append([record('b')])
    await log.close()
    await using again = await openTestLog(files.afterCrash())
    expect(await contents(again)).toHaveLength(4)
    expect(again.gaps).toEqual([])
    expect((await again.append([record('c')])).baseOffset).toBe(4)
  })

  test('with durability "interval" is on the disk after the interval, with one sync for all, and an idle log syncs nothing', async () => {
    const files = memoryFiles()
    const runtime = manualRuntime()
    await using log = await openTestLog(files, { runtime, durability: 'interval', syncIntervalMsMax: 50 })
    for (const name of ['a', 'b', 'c']) await log.append([record(name)])
    expect(log.durableOffset).toBe(0)
    await runtime.advance(49)
    expect(log.durableOffset).toBe(0)
    await runtime.advance(1)
    await expect.poll(() => log.durableOffset).toBe(3)
    await runtime.advance(5_000)
    const { operations } = files
    await runtime.advance(60_000)
    expect(files.operations).toBe(operations)
  })

  test('is written to a new segment when its sync fails', async () => {
    const files = memoryFiles()
    const runtime = manualRuntime()
    const log = await openTestLog(files, { runtime })
    await log.append([record('first')])
    await log.append([record('a')], { durability: 'os' })
    await log.append([record('b')], { durability: 'os' })
    files.failNext('sync', 'EIO', { path: segmentPath(0) })
    await log.append([record('c')])
    expect(log.durableOffset).toBe(4)
    expect(await contents(log)).toEqual(['0:first', '1:a', '2:b', '3:c'])
    await using again = await openTestLog(files.afterCrash())
    expect(await contents(again)).toEqual(['0:first', '1:a', '2:b', '3:c'])
    expect(again.gaps).toMatchObject([{ from: 4, reason: expect.stringContaining('reserved') }])
  })

  test('is named as lost when its sync fails and the system has it no more', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    await log.append([record('first')])
    await log.append([record('a')], { durability: 'os' })
    files.failNext('sync', 'EIO', { path: segmentPath(0) })
    files.failNext('read', 'EIO', { path: segmentPath(0) })
    const { baseOffset } = await log.append([record('c')])
    expect(baseOffset).toBe(2)
    expect(log.gaps).toMatchObject([{ from: 1, to: 2 }])
    await using again = await openTestLog(files.afterCrash())
    expect(await contents(again)).toEqual(['0:first', '2:c'])
  })

  test('is refused, and not written, when its offsets cannot be reserved', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files)
    await log.append([record('a')])
    files.failNext('open', 'ENOSPC', { path: 'mark' })
    await expect(log.append([record('b')], { durability: 'os' })).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(await contents(log)).toEqual(['0:a'])
    await log.append([record('c')], { durability: 'os' })
    expect(await contents(log)).toEqual(['0:a', '1:c'])
  })

  test('says that nothing was written when its offsets cannot be reserved for another reason, and the log goes on', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files)
    await log.append([record('a')])
    files.failNext('open', 'EIO', { path: 'mark' })
    await expect(log.append([record('b')], { durability: 'os' })).rejects.toMatchObject({
      code: 'LOG_STORAGE_FAILED',
    })
    await log.append([record('c')])
    expect(await contents(log)).toEqual(['0:a', '1:c'])
  })

  test('is there after a kill at any moment in which a failed sync is made up for', async () => {
    const fill = async () => {
      const files = memoryFiles()
      const log = await openTestLog(files)
      await log.append([record('first')])
      for (const name of ['a', 'b']) await log.append([record(name)], { durability: 'os' })
      files.failNext('sync', 'EIO', { path: segmentPath(0) })
      return { files, log }
    }
    const whole = await fill()
    const before = whole.files.operations
    await whole.log.append([record('c')])
    const calls = whole.files.operations - before
    for (let call = 0; call <= calls; call += 1) {
      const { files, log } = await fill()
      files.stopAfter(call)
      await log.append([record('c')]).catch(() => {})
      await using again = await openTestLog(files.afterKill())
      expect((await contents(again)).slice(0, 3)).toEqual(['0:first', '1:a', '2:b'])
    }
  })

  test('leaves no loss behind when the process is killed before anything of it was written', async () => {
    const fill = async (files = memoryFiles()) => ({ files, log: await openTestLog(files) })
    const whole = await fill()
    const before = whole.files.operations
    await whole.log.append([record('a')], { durability: 'os' })
    const calls = whole.files.operations - before
    for (let call = 0; call <= calls; call += 1) {
      const { files, log } = await fill()
      files.stopAfter(call)
      await log.append([record('a')], { durability: 'os' }).catch(() => {})
      await using again = await openTestLog(files.afterKill())
      expect(again.gaps.filter(({ isPast }) => isPast !== true)).toEqual([])
    }
  })

  test('leaves no loss behind when what was skipped after a kill is synced, closed, and opened again', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    await log.append([record('a')], { durability: 'os' })
    const killed = files.afterKill()
    const next = await openTestLog(killed)
    await next.sync()
    await next.close()
    await using again = await openTestLog(killed.afterKill())
    expect(await contents(again)).toEqual(['0:a'])
    expect(again.gaps.filter(({ isPast }) => isPast !== true)).toEqual([])
  })
})
