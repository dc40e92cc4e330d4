import { manualRuntime } from '@millrace/kernel'
import { memoryFiles } from '@millrace/memory'
import { describe, expect, test } from 'vitest'
import { contents, DIRECTORY, large, openTestLog, segmentNames, segmentPath } from './test-log.ts'

describe('retention', () => {
  test('by size removes the oldest sealed segments, and the start offset tells so', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files, { retention: { bytesMax: 8000 } })
    for (let index = 0; index < 30; index += 1) await log.append([large(String(index))])
    const outcome = await log.applyRetention()
    expect(outcome.startOffset).toBe(log.startOffset)
    expect(log.bytes).toBeLessThanOrEqual(8000)
    expect(log.startOffset).toBe(24)
    expect(await contents(log)).toEqual([24, 25, 26, 27, 28, 29].map((index) => `${index}:${index}`))
    await expect(log.read(0)).rejects.toMatchObject({ code: 'LOG_OFFSET_OUT_OF_RANGE' })
    expect((await files.list(DIRECTORY)).filter((name) => name.endsWith('.deleted'))).toEqual([])
  })

  test('happens by itself when a new segment begins', async () => {
    await using log = await openTestLog(memoryFiles(), { retention: { bytesMax: 8000 } })
    for (let index = 0; index < 300; index += 1) await log.append([large(String(index))])
    expect(log.bytes).toBeLessThan(16_000)
  })

  test('by age goes by the newest record of a segment, also after the log was opened again', async () => {
    const runtime = manualRuntime({ startMs: 1_000_000 })
    const files = memoryFiles()
    const options = { runtime, retention: { ageMsMax: 5_000 } }
    const log = await openTestLog(files, options)
    for (let index = 0; index < 9; index += 1) {
      await log.append([large(String(index))])
      await runtime.advance(1_000)
    }
    await log.close()
    await using again = await openTestLog(files, options)
    expect(await again.applyRetention()).toEqual({ removedSegments: 1, startOffset: 3 })
    await runtime.advance(60_000)
    expect(await again.applyRetention()).toEqual({ removedSegments: 1, startOffset: 6 })
    expect(await contents(again)).toEqual(['6:6', '7:7', '8:8'])
  })

  test('never removes the last segment, and nothing without a rule', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files)
    for (let index = 0; index < 9; index += 1) await log.append([large(String(index))])
    expect(await log.applyRetention()).toEqual({ removedSegments: 0, startOffset: 0 })
    await log.close()
    await using strict = await openTestLog(files, { retention: { bytesMax: 0 } })
    await strict.applyRetention()
    expect(await segmentNames(files)).toEqual(['00000000000000000006.seg'])
  })

  test('forgets the gaps of what it removed', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (let index = 0; index < 9; index += 1) await log.append([large(String(index))])
    await log.close()
    await files.remove(segmentPath(3))
    await using again = await openTestLog(files, { retention: { bytesMax: 0 } })
    expect(again.gaps).toHaveLength(1)
    await again.applyRetention()
    expect(again.gaps).toEqual([])
    expect(again.startOffset).toBe(6)
  })

  test('interrupted by a power cut at any step leaves each segment there or gone, and no gap', async () => {
    for (let step = 0; step < 12; step += 1) {
      const files = memoryFiles()
      const filled = await openTestLog(files)
      for (let index = 0; index < 9; index += 1) await filled.append([large(String(index))])
      await filled.close()
      const log = await openTestLog(files, { retention: { bytesMax: 0 } })
      files.stopAfter(step)
      await log.applyRetention().catch(() => {})
      await using again = await openTestLog(files.crash())
      expect(again.gaps).toEqual([])
      expect([0, 3, 6]).toContain(again.startOffset)
      expect(await contents(again)).toHaveLength(9 - again.startOffset)
      expect(again.endOffset).toBe(9)
    }
  })
})
