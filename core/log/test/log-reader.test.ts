import { manualRuntime } from '@millrace/kernel'
import { followLog, openLogReader, type ReadableLog } from '@millrace/log'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import { describe, expect, test } from 'vitest'
import { contents, DIRECTORY, large, openTestLog, positionOf, record, segmentPath } from './test-log.ts'

const openReader = (files: MemoryFiles): Promise<ReadableLog> =>
  openLogReader({ files, directory: DIRECTORY, runtime: manualRuntime() })

describe('a reader beside the writer', () => {
  test('sees what was there, and each acknowledged record as it comes, over new segments', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files)
    await log.append([large('before')])
    await using reader = await openReader(files)
    expect(await contents(reader)).toEqual(['0:before'])
    for (let index = 1; index < 20; index += 1) {
      const waiting = reader.waitBeyond(index)
      await log.append([large(`r${index}`)])
      await waiting
      expect((await contents(reader, index))[0]).toBe(`${index}:r${index}`)
    }
    expect(await contents(reader)).toEqual(await contents(log))
  })

  test('follows a log that begins after it was opened', async () => {
    const files = memoryFiles()
    await using reader = await openReader(files)
    expect([reader.startOffset, reader.endOffset]).toEqual([0, 0])
    await using log = await openTestLog(files)
    const signal = AbortSignal.timeout(5_000)
    const seen: number[] = []
    const following = (async () => {
      for await (const records of followLog(reader, 0, signal)) {
        seen.push(...records.map(({ offset }) => offset))
        if (seen.length === 3) return
      }
    })()
    for (const name of ['a', 'b', 'c']) await log.append([record(name)])
    await following
    expect(seen).toEqual([0, 1, 2])
  })

  test('sees nothing that is written and not acknowledged yet', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files)
    await log.append([record('a')])
    await using reader = await openReader(files)
    files.failNext('sync', 'EIO')
    files.failNext('open', 'ENOSPC', { path: 'seg' })
    await log.append([record('refused')]).catch(() => {})
    expect(await contents(reader)).toEqual(['0:a'])
  })

  test('goes on at the start when retention has overtaken it', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files, { retention: { bytesMax: 9_000 } })
    for (let index = 0; index < 4; index += 1) await log.append([large(`r${index}`)])
    await using reader = await openReader(files)
    for (let index = 4; index < 30; index += 1) await log.append([large(`r${index}`)])
    await log.applyRetention()
    await expect.poll(() => reader.startOffset).toBe(log.startOffset)
    expect(await contents(reader)).toEqual(await contents(log))
    await expect(reader.read(0)).rejects.toMatchObject({ code: 'LOG_OFFSET_OUT_OF_RANGE' })
    expect(reader.gaps).toEqual([])
  })

  test('opens although a segment goes between the list of them and a look at it', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (let index = 0; index < 8; index += 1) await log.append([large(`r${index}`)])
    await log.close()
    files.onCall = ({ operation, moment }) => {
      if (operation !== 'list' || moment !== 'answered') return
      files.onCall = undefined
      void files.remove(segmentPath(0))
    }
    await using reader = await openReader(files)
    expect(reader.startOffset).toBe(3)
    expect(await contents(reader)).toHaveLength(5)
    files.failNext('list', 'EIO', { times: 100 })
    await expect(openReader(files)).rejects.toMatchObject({ code: 'EIO' })
  })

  test('names damage as the writer does, and reads on behind it', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files)
    for (let index = 0; index < 8; index += 1) await log.append([large(`r${index}`)])
    files.flip(segmentPath(0), positionOf(files, segmentPath(0), 'r1'), 0xff)
    await using reader = await openReader(files)
    expect(await contents(reader)).toHaveLength(7)
    expect(reader.gaps).toMatchObject([{ from: 1, to: 2 }])
  })

  test('is told that it was closed', async () => {
    const files = memoryFiles()
    await using _ = await openTestLog(files)
    const reader = await openReader(files)
    const waiting = reader.waitBeyond(0)
    await reader.close()
    await expect(waiting).rejects.toMatchObject({ code: 'LOG_CLOSED' })
    await expect(reader.read(0)).rejects.toMatchObject({ code: 'LOG_CLOSED' })
  })
})

describe('a reader without a writer', () => {
  test('sees everything of a log that was closed', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (let index = 0; index < 6; index += 1) await log.append([large(`r${index}`)])
    await log.close()
    await using reader = await openReader(files)
    expect(await contents(reader)).toHaveLength(6)
  })

  test('keeps what it has seen, takes no lock, and goes on with the next writer', async () => {
    const files = memoryFiles()
    const first = await openTestLog(files)
    await first.append([record('a')])
    await using reader = await openReader(files)
    await first.close()
    expect(await contents(reader)).toEqual(['0:a'])
    await using second = await openTestLog(files)
    await second.append([record('b')])
    expect(await contents(reader)).toEqual(['0:a', '1:b'])
  })

  test('of a killed writer sees all groups but the last, of which nobody knows yet whether it is durable', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (const name of ['a', 'b', 'c']) await log.append([record(name)])
    await using reader = await openReader(files.afterCrash())
    expect(await contents(reader)).toEqual(['0:a', '1:b'])
  })
})
