import { manualRuntime, settle } from '@millrace/kernel'
import { memoryFiles } from '@millrace/memory'
import { describe, expect, test } from 'vitest'
import { contents, DIRECTORY, large, openTestLog, record, segmentNames } from './test-log.ts'

describe('appending', () => {
  test('gives consecutive offsets, in the order of the calls, and keeps key, value and timestamp', async () => {
    await using log = await openTestLog(memoryFiles())
    const results = await Promise.all([
      log.append([record('a'), record('b')]),
      log.append([{ key: new Uint8Array([1, 2]), value: new Uint8Array(), timestampMs: 7 }]),
      log.append([{ key: new Uint8Array(), value: new Uint8Array([9]) }]),
    ])
    expect(results).toEqual([
      { baseOffset: 0, count: 2 },
      { baseOffset: 2, count: 1 },
      { baseOffset: 3, count: 1 },
    ])
    expect(log.endOffset).toBe(4)
    expect(await log.read(2)).toEqual([
      { offset: 2, key: new Uint8Array([1, 2]), value: new Uint8Array(), timestampMs: 7 },
      {
        offset: 3,
        key: new Uint8Array(),
        value: new Uint8Array([9]),
        timestampMs: Date.parse('2026-01-01T00:00:00Z'),
      },
    ])
  })

  test('calls made while a sync runs share the next one', async () => {
    const runtime = manualRuntime()
    const files = memoryFiles({ scheduler: runtime.scheduler, latencyMs: 1 })
    const opening = openTestLog(files)
    await runtime.advance(20)
    const log = await opening
    const first = log.append([record('a')])
    await runtime.advance(20)
    await first
    const before = files.operations
    const wave = [log.append([record('b')])]
    await settle()
    for (let index = 0; index < 100; index += 1) wave.push(log.append([record(String(index))]))
    await runtime.advance(20)
    await Promise.all(wave)
    // One write and one sync for the first of the wave, and the same for all others together.
    expect(files.operations - before).toBe(4)
  })

  test('a record is visible only when it is durable', async () => {
    const runtime = manualRuntime()
    const files = memoryFiles({
      scheduler: runtime.scheduler,
      latencyMs: (operation) => (operation === 'sync' ? 10 : 0),
    })
    const opening = openTestLog(files)
    await runtime.advance(100)
    const log = await opening
    const first = log.append([record('a')])
    await runtime.advance(100)
    await first
    const second = log.append([record('b')])
    await runtime.advance(5)
    expect(log.endOffset).toBe(1)
    expect(await log.read(1)).toEqual([])
    await runtime.advance(5)
    expect(await second).toEqual({ baseOffset: 1, count: 1 })
    expect(await contents(log)).toEqual(['0:a', '1:b'])
  })

  test('what is pending stays within its limit, and what waits for room keeps its order', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files, { pendingBytesMax: 4096, segmentBytesMax: 1_000_000 })
    const order: number[] = []
    await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const { baseOffset } = await log.append([large(String(index))])
        order.push(baseOffset)
      }),
    )
    expect(order).toEqual(Array.from({ length: 50 }, (_, index) => index))
    expect(await contents(log)).toEqual(order.map((offset) => `${offset}:${offset}`))
  })

  test('a new segment begins before one would pass its size, and an append is never split', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files)
    for (let index = 0; index < 8; index += 1) await log.append([large(String(index)), large(`${index}b`)])
    const names = await segmentNames(files)
    expect(names).toHaveLength(8)
    for (const name of names) expect(files.contents(`log/${name}`).length).toBeLessThanOrEqual(4096)
    expect(await contents(log)).toHaveLength(16)
  })

  test('allocating ahead does not change what can be read, and is given back when a segment is sealed', async () => {
    const files = memoryFiles()
    const options = { segmentBytesMax: 200_000 }
    const log = await openTestLog(files, options)
    await log.append([large('a')])
    expect(files.contents('log/00000000000000000000.seg').length).toBeGreaterThan(64 * 1024)
    for (let index = 0; index < 250; index += 1) await log.append([large('b')])
    expect(files.contents('log/00000000000000000000.seg').length).toBeLessThan(200_000)
    expect(log.bytes).toBe(files.bytes - files.contents('log/format.json').length)
    await log.close()
    await using again = await openTestLog(files, options)
    expect(await contents(again)).toHaveLength(251)
    expect(again.gaps).toEqual([])
  })

  test('nothing is appended and no offset used for an empty list', async () => {
    await using log = await openTestLog(memoryFiles())
    expect(await log.append([])).toEqual({ baseOffset: 0, count: 0 })
    expect(log.endOffset).toBe(0)
  })
})

describe('appending what cannot be', () => {
  test('a record above its limit is refused, and costs its neighbours nothing', async () => {
    await using log = await openTestLog(memoryFiles(), { recordBytesMax: 10 })
    const good = log.append([record('good')])
    await expect(log.append([record('12345678901')])).rejects.toMatchObject({
      code: 'LOG_RECORD_TOO_LARGE',
      parameters: { seen: 11, limit: 10 },
    })
    await good
    expect(await contents(log)).toEqual(['0:good'])
  })

  test('an append that fits no segment is refused', async () => {
    await using log = await openTestLog(memoryFiles())
    await expect(log.append([large('a', 5000)])).rejects.toMatchObject({ code: 'LOG_APPEND_TOO_LARGE' })
    await log.append([large('a', 3900)])
  })

  test.each([Number.NaN, 1.5, -1, 2 ** 53])('the timestamp %d is refused', async (timestampMs) => {
    await using log = await openTestLog(memoryFiles())
    await expect(log.append([record('a', timestampMs)])).rejects.toMatchObject({
      code: 'LOG_TIMESTAMP_INVALID',
    })
  })

  test('extreme timestamps in one frame come back exactly', async () => {
    await using log = await openTestLog(memoryFiles())
    const times = [0, 2 ** 52 - 1, 1, 2 ** 40]
    await log.append(times.map((time) => record('a', time)))
    expect((await log.read(0)).map(({ timestampMs }) => timestampMs)).toEqual(times)
  })

  test('many appends at once fill segments of the size that was asked for', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files, { pendingBytesMax: 1024 * 1024 })
    await Promise.all(Array.from({ length: 40 }, (_, index) => log.append([large(`r${index}`)])))
    for (const name of await segmentNames(files))
      expect(files.contents(`${DIRECTORY}/${name}`).length).toBeLessThanOrEqual(4096)
    expect(await contents(log)).toHaveLength(40)
  })

  test('an aborted append rejects at once, and the log goes on', async () => {
    await using log = await openTestLog(memoryFiles())
    const controller = new AbortController()
    const append = log.append([record('a')], { signal: controller.signal })
    controller.abort()
    await expect(append).rejects.toMatchObject({ name: 'AbortError' })
    await expect(log.append([record('b')], { signal: controller.signal })).rejects.toMatchObject({
      name: 'AbortError',
    })
    await log.append([record('c')])
    expect(await contents(log)).toEqual(['0:a', '1:c'])
  })

  test('a closed log refuses everything, after it has finished what was handed over', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    const last = log.append([record('a')])
    const waiting = log.waitBeyond(5)
    const refused = expect(waiting).rejects.toMatchObject({ code: 'LOG_CLOSED' })
    await Promise.all([log.close(), log.close()])
    await refused
    expect(await last).toEqual({ baseOffset: 0, count: 1 })
    await expect(log.append([record('b')])).rejects.toMatchObject({ code: 'LOG_CLOSED' })
    await expect(log.read(0)).rejects.toMatchObject({ code: 'LOG_CLOSED' })
    await expect(log.waitBeyond(0)).rejects.toMatchObject({ code: 'LOG_CLOSED' })
    await using again = await openTestLog(files)
    expect(await contents(again)).toEqual(['0:a'])
  })

  test.each([
    ['segmentBytesMax', 1],
    ['recordBytesMax', 0],
    ['pendingBytesMax', Number.NaN],
    ['allocateAheadBytesMax', -1],
  ])('the option %s of %d is refused by its name', async (option, value) => {
    await expect(openTestLog(memoryFiles(), { [option]: value })).rejects.toMatchObject({
      code: 'LOG_OPTION_INVALID',
      parameters: { option },
    })
  })
})
