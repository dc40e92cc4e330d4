import { manualRuntime } from '@millrace/kernel'
import { type Log, type NewRecord, openLogReader } from '@millrace/log'
import { memoryFiles } from '@millrace/memory'
import { describe, expect, test } from 'vitest'
import { DIRECTORY, openTestLog, positionOf, segmentNames, segmentPath } from './test-log.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const keyed = (key: string, value: string): NewRecord => ({
  key: encoder.encode(key),
  value: encoder.encode(value === '' ? '' : value.padEnd(400, '.')),
})

/** `offset:key=value` of everything that can be read. */
async function entries(log: { read: Log['read']; startOffset: number }): Promise<string[]> {
  const found: string[] = []
  for (let next = log.startOffset; ; ) {
    const records = await log.read(next, { bytesMax: 1000 })
    const last = records.at(-1)
    if (last === undefined) return found
    for (const { offset, key, value } of records)
      found.push(`${offset}:${decoder.decode(key)}=${decoder.decode(value).replace(/\.+$/, '')}`)
    next = last.offset + 1
  }
}

async function appendRounds(log: Log, keys: readonly string[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1)
    for (const key of keys) await log.append([keyed(key, String(round))])
}

/** What the latest record of each key says, by an independent fold. */
function latest(all: readonly string[]): Map<string, string> {
  return new Map(all.map((entry) => entry.slice(entry.indexOf(':') + 1).split('=') as [string, string]))
}

describe('compaction', () => {
  test('keeps the latest record of each key at its offset, joins small segments, and survives a power cut', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files)
    await appendRounds(log, ['a', 'b', 'c'], 20)
    const before = await entries(log)
    const segments = await segmentNames(files)
    const { removedRecords, removedBytes } = await log.compact()
    expect(removedRecords).toBeGreaterThan(40)
    expect(removedBytes).toBeGreaterThan(15_000)
    const after = await entries(log)
    expect(after).toHaveLength(60 - removedRecords)
    expect(before).toEqual(expect.arrayContaining(after))
    expect(latest(after)).toEqual(latest(before))
    expect((await segmentNames(files)).length).toBeLessThan(segments.length / 2)
    await using again = await openTestLog(files.afterCrash())
    expect(await entries(again)).toEqual(after)
    expect(again.gaps).toEqual([])
    expect((await again.append([keyed('d', 'x')])).baseOffset).toBe(60)
  })

  test('changes nothing when it is done again, and goes on with what is new', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files)
    await appendRounds(log, ['a', 'b'], 20)
    await log.compact()
    expect(await log.compact()).toEqual({ removedRecords: 0, removedBytes: 0 })
    await appendRounds(log, ['a', 'b'], 20)
    expect((await log.compact()).removedRecords).toBeGreaterThan(20)
    expect(latest(await entries(log))).toEqual(
      new Map([
        ['a', '19'],
        ['b', '19'],
      ]),
    )
  })

  test('keeps records without key, and a removal until its time is over', async () => {
    const files = memoryFiles()
    const runtime = manualRuntime()
    await using log = await openTestLog(files, { runtime, compaction: { tombstoneMsMin: 10_000 } })
    await log.append([{ value: encoder.encode('no key') }])
    await appendRounds(log, ['a', 'gone'], 5)
    await log.append([keyed('gone', '')])
    await appendRounds(log, ['a'], 20)
    await log.compact()
    const keys = (all: readonly string[]) => all.map((entry) => entry.slice(entry.indexOf(':') + 1))
    expect(keys(await entries(log))).toContain('gone=')
    expect(keys(await entries(log)).filter((entry) => entry.startsWith('gone'))).toEqual(['gone='])
    await runtime.advance(20_000)
    await appendRounds(log, ['a'], 12)
    await log.compact()
    expect(keys(await entries(log)).filter((entry) => entry.startsWith('gone'))).toEqual([])
    expect(keys(await entries(log))[0]).toBe('=no key')
  })

  test('with more keys than fit in memory takes several rounds and comes to the same', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files, { compaction: { keysMax: 3, dirtyShareMin: 1 } })
    const keys = Array.from({ length: 10 }, (_, index) => `k${index}`)
    await appendRounds(log, keys, 8)
    const before = latest(await entries(log))
    await log.compact()
    const after = await entries(log)
    expect(latest(after)).toEqual(before)
    expect(after.length).toBeLessThan(40)
  })

  test('runs by itself when enough is new', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files, { compaction: {} })
    await appendRounds(log, ['a', 'b'], 60)
    await expect.poll(async () => (await entries(log)).length).toBeLessThan(60)
    expect(latest(await entries(log))).toEqual(
      new Map([
        ['a', '59'],
        ['b', '59'],
      ]),
    )
  })

  test('leaves a segment with damage alone, so that its gap stays named', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files)
    await appendRounds(log, ['a', 'b'], 20)
    files.flip(segmentPath(0), positionOf(files, segmentPath(0), '1...'), 0xff)
    await log.compact()
    expect(log.gaps).toHaveLength(1)
    await using again = await openTestLog(files.afterCrash())
    await entries(again)
    expect(again.gaps).toMatchObject([{ from: log.gaps[0]?.from, to: log.gaps[0]?.to }])
  })

  test('does not disturb who reads meanwhile, here or in another process', async () => {
    const files = memoryFiles()
    await using log = await openTestLog(files)
    await appendRounds(log, ['a', 'b', 'c'], 30)
    await using reader = await openLogReader({ files, directory: DIRECTORY, runtime: manualRuntime() })
    const expected = latest(await entries(log))
    const reading = [log, reader, log, reader].map(async (source) => latest(await entries(source)))
    await log.compact()
    for (const seen of await Promise.all(reading)) expect(seen).toEqual(expected)
    expect(await entries(reader)).toEqual(await entries(log))
    expect([log.gaps, reader.gaps]).toEqual([[], []])
  })

  test('that is cut off at any call leaves the log with all of its latest records', async () => {
    const fill = async () => {
      const files = memoryFiles()
      const log = await openTestLog(files)
      await appendRounds(log, ['a', 'b'], 20)
      return { files, log, expected: latest(await entries(log)), end: log.endOffset }
    }
    const whole = await fill()
    const start = whole.files.operations
    await whole.log.compact()
    const calls = whole.files.operations - start
    expect(calls).toBeGreaterThan(20)
    for (let call = 0; call <= calls; call += 1) {
      const { files, log, expected, end } = await fill()
      files.stopAfter(call)
      await log.compact().catch(() => {})
      await using again = await openTestLog(files.crash())
      expect(latest(await entries(again))).toEqual(expected)
      expect(again.gaps).toEqual([])
      expect((await again.append([keyed('z', 'z')])).baseOffset).toBe(end)
      await again.compact()
      expect(latest(await entries(again)).get('a')).toBe('19')
    }
  })

  test('is ended by closing the log, and what was done stays', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    await appendRounds(log, ['a', 'b'], 40)
    const compacting = log.compact()
    await log.close()
    await compacting.catch((error: unknown) => expect(error).toMatchObject({ code: 'LOG_CLOSED' }))
    await using again = await openTestLog(files.afterCrash())
    expect(latest(await entries(again))).toEqual(
      new Map([
        ['a', '39'],
        ['b', '39'],
      ]),
    )
    expect((await files.list(DIRECTORY)).filter((name) => name.endsWith('.cleaned'))).toEqual([])
  })
})
