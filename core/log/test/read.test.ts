import { settle } from '@millrace/kernel'
import { followLog, type LogRecord } from '@millrace/log'
import { memoryFiles } from '@millrace/memory'
import { describe, expect, test } from 'vitest'
import { contents, large, openTestLog, record } from './test-log.ts'

describe('reading', () => {
  test('starts at any offset, and stops at the limits, but answers one record at least', async () => {
    await using log = await openTestLog(memoryFiles())
    await log.append(['a', 'b', 'c', 'd'].map((value) => record(value)))
    const offsets = async (...read: Parameters<typeof log.read>) =>
      (await log.read(...read)).map(({ offset }) => offset)
    expect(await offsets(2)).toEqual([2, 3])
    expect(await offsets(0, { countMax: 2 })).toEqual([0, 1])
    expect(await offsets(0, { bytesMax: 3 })).toEqual([0, 1, 2])
    expect(await offsets(1, { bytesMax: 0 })).toEqual([1])
    expect(await offsets(1, { countMax: 0 })).toEqual([1])
    expect(await offsets(4)).toEqual([])
  })

  test('an offset outside the log is refused with the bounds', async () => {
    await using log = await openTestLog(memoryFiles())
    await log.append([record('a')])
    for (const offset of [-1, 2]) {
      await expect(log.read(offset)).rejects.toMatchObject({
        code: 'LOG_OFFSET_OUT_OF_RANGE',
        parameters: { offset, start: 0, end: 1 },
      })
    }
  })

  test('at the end of the log nothing is read from the disk', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files)
    for (let index = 0; index < 10; index += 1) {
      const { baseOffset } = await log.append([large(String(index))])
      const before = files.operations
      expect(await log.read(baseOffset)).toHaveLength(1)
      expect(files.operations).toBe(before)
    }
  })

  test('every offset of a log of many segments can be read after it was opened again', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (let index = 0; index < 100; index += 1) await log.append([large(String(index), 500)])
    await log.close()
    await using again = await openTestLog(files)
    const expected = Array.from({ length: 100 }, (_, index) => `${index}:${index}`)
    for (const offset of [99, 0, 50, 51, 7])
      expect(await contents(again, offset)).toEqual(expected.slice(offset))
  })

  test('a disk that does not answer is reported, changes nothing, and is read when it answers again', async () => {
    const files = memoryFiles()
    await (await filled(files)).close()
    await using log = await openTestLog(files)
    files.failNext('read', 'EIO')
    await expect(log.read(0)).rejects.toMatchObject({ code: 'LOG_READ_FAILED', retryable: true })
    expect(log.gaps).toEqual([])
    expect(await contents(log)).toHaveLength(10)
  })
})

describe('waiting for records', () => {
  test('resolves when there is one, and at once if there is', async () => {
    await using log = await openTestLog(memoryFiles())
    let reached = false
    const waiting = log.waitBeyond(1).then(() => {
      reached = true
    })
    await log.append([record('a')])
    await settle()
    expect(reached).toBe(false)
    await log.append([record('b')])
    await waiting
    await log.waitBeyond(0)
  })

  test('ends when it is aborted', async () => {
    await using log = await openTestLog(memoryFiles())
    const controller = new AbortController()
    const waiting = log.waitBeyond(0, controller.signal)
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
    await expect(log.waitBeyond(0, controller.signal)).rejects.toMatchObject({ name: 'AbortError' })
  })

  test('a follower sees every record once, in order, and ends quietly', async () => {
    await using log = await openTestLog(memoryFiles())
    const controller = new AbortController()
    const seen: LogRecord[] = []
    const following = (async () => {
      for await (const batch of followLog(log, 0, controller.signal)) seen.push(...batch)
    })()
    for (let index = 0; index < 20; index += 1) await log.append([large(String(index))])
    await settle()
    controller.abort()
    await following
    expect(seen.map(({ offset }) => offset)).toEqual(Array.from({ length: 20 }, (_, index) => index))
  })

  test('a follower that retention has overtaken goes on at the start of the log', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files, { retention: { bytesMax: 1 } })
    for (let index = 0; index < 10; index += 1) await log.append([large(String(index))])
    await log.applyRetention()
    for await (const batch of followLog(log, 0, new AbortController().signal)) {
      expect(batch[0]?.offset).toBe(log.startOffset)
      break
    }
    expect(log.startOffset).toBeGreaterThan(0)
  })
})

describe('finding an offset by time', () => {
  test('answers the first record at or after the time, however the timestamps jump', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    const times = [100, 200, 150, 400, 300, 500]
    for (const time of times) await log.append([{ ...large('x'), timestampMs: time }])
    const expectations = [
      [0, 0],
      [101, 1],
      [200, 1],
      [201, 3],
      [401, 5],
      [501, 6],
    ] as const
    for (const [time, offset] of expectations) expect(await log.offsetAt(time)).toBe(offset)
    await log.close()
    await using again = await openTestLog(files)
    for (const [time, offset] of expectations) expect(await again.offsetAt(time)).toBe(offset)
  })
})

async function filled(files: ReturnType<typeof memoryFiles>) {
  const log = await openTestLog(files)
  for (let index = 0; index < 10; index += 1) await log.append([large(String(index))])
  return log
}
