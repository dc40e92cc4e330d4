import type { Log } from '@millrace/log'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import { describe, expect, test } from 'vitest'
import { contents, DIRECTORY, openTestLog, record } from './test-log.ts'

describe('one flipped bit anywhere in a log', () => {
  test('costs one append at most, names its offsets, and no offset is used again', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files, { allocateAheadBytesMax: 0 })
    const appended: string[] = []
    for (let index = 0; index < 3; index += 1) {
      const names = [`${index}`, `b`]
      const { baseOffset } = await log.append(names.map((name) => record(name)))
      appended.push(...names.map((name, at) => `${baseOffset + at}:${name}`))
    }
    await log.close()
    const path = `${DIRECTORY}/00000000000000000000.seg`
    const size = files.contents(path).length
    for (let bit = 0; bit < size * 8; bit += 1) {
      const disk = files.afterCrash()
      disk.flip(path, bit >> 3, 1 << (bit & 7))
      await using again = await openTestLog(disk)
      const read = await contents(again)
      const lost = appended
        .filter((entry) => !read.includes(entry))
        .map((entry) => Number(entry.split(':')[0]))
      const named = again.gaps.flatMap(({ from, to }) =>
        Array.from({ length: to - from }, (_, index) => from + index),
      )
      expect({ bit, lost }).toEqual({ bit, lost: named })
      expect(lost.length).toBeLessThanOrEqual(2)
      expect(read.length + lost.length).toBe(6)
      expect((await again.append([record('next')])).baseOffset).toBe(6)
    }
  })

  test('in a sealed segment leaves all others and the rest of that one', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (let index = 0; index < 30; index += 1) await log.append([record(`value${index}`.padEnd(200, '.'))])
    await log.close()
    const path = `${DIRECTORY}/00000000000000000000.seg`
    const size = files.contents(path).length
    for (let position = 0; position < size; position += 23) {
      const disk = files.afterCrash()
      disk.flip(path, position, 0xff)
      await using again = await openTestLog(disk)
      const read = await contents(again)
      const lost = again.gaps.reduce((sum, { from, to }) => sum + to - from, 0)
      expect(lost).toBeLessThanOrEqual(1)
      expect(read).toHaveLength(30 - lost)
    }
  })
})

const encoder = new TextEncoder()

/** A record with a key, whose value is `bytes` long. */
const keyed = (key: string, value: string, bytes: number) => ({
  key: encoder.encode(key),
  value: encoder.encode(value.padEnd(bytes, '.')),
})

/** Several appends in a segment that is sealed, one of them large, and two in the next one; closed in order. */
async function twoSegments(): Promise<{ readonly files: MemoryFiles; readonly log: Log }> {
  const files = memoryFiles()
  const log = await openTestLog(files, { allocateAheadBytesMax: 0 })
  for (const name of ['a', 'b', 'c']) await log.append([keyed('k', name, 8), keyed(name, name, 8)])
  await log.append([keyed('large', 'large', 3400)])
  for (const name of ['d', 'e']) await log.append([keyed('k', name, 300), keyed(name, name, 300)])
  return { files, log }
}

/** Each bit of a file, but of long rows of the same byte only some. */
function bitsOf(content: Uint8Array): readonly number[] {
  const bits: number[] = []
  for (let bit = 0; bit < content.length * 8; bit += 1) {
    const byte = bit >> 3
    const row = content.subarray(Math.max(0, byte - 40), byte + 40)
    const isRow = row.length === 80 && row.every((other) => other === row[0])
    if (!isRow || bit % 331 === 0) bits.push(bit)
  }
  return bits
}

/** What a log shows, and what it names as lost. */
async function look(
  log: Log,
): Promise<{ readonly shown: readonly string[]; readonly named: readonly number[] }> {
  const shown = await contents(log)
  const named = log.gaps.flatMap(({ from, to }) =>
    Array.from({ length: to - from }, (_, index) => from + index),
  )
  return { shown, named }
}

describe('each bit of each file of a log', () => {
  test.each([
    ['a sealed segment of several batches', '00000000000000000000.seg', 2],
    ['the active segment', '00000000000000000007.seg', 2],
    ['the mark', 'mark', 0],
    ['the file that tells the format', 'format.json', 0],
  ])('in %s costs one batch at most, which is named, and nothing else', async (_, name, lostMax) => {
    const { files, log } = await twoSegments()
    const { shown } = await look(log)
    const { endOffset } = log
    await log.close()
    const path = `${DIRECTORY}/${name}`
    for (const bit of bitsOf(files.contents(path))) {
      const disk = files.afterCrash()
      disk.flip(path, bit >> 3, 1 << (bit & 7))
      await using again = await openTestLog(disk)
      const after = await look(again)
      const lost = shown
        .filter((entry) => !after.shown.includes(entry))
        .map((entry) => Number.parseInt(entry, 10))
      expect({ bit, lost, count: after.shown.length }).toEqual({
        bit,
        lost: after.named,
        count: shown.length - lost.length,
      })
      expect(lost.length).toBeLessThanOrEqual(lostMax)
      expect((await again.append([record('next')])).baseOffset).toBe(endOffset)
    }
  })

  test('in a compacted segment costs one frame at most, which is named, and no offset is used again', async () => {
    const { files, log } = await twoSegments()
    await log.compact()
    const { shown } = await look(log)
    const { endOffset } = log
    expect(shown[0]).toMatch(/^1:a/)
    await log.close()
    const [name] = (await files.list(DIRECTORY)).filter((name) => name.endsWith('.seg')).sort()
    const path = `${DIRECTORY}/${name}`
    for (const bit of bitsOf(files.contents(path))) {
      const disk = files.afterCrash()
      disk.flip(path, bit >> 3, 1 << (bit & 7))
      await using again = await openTestLog(disk)
      const after = await look(again)
      const lost = shown
        .filter((entry) => !after.shown.includes(entry))
        .map((entry) => Number.parseInt(entry, 10))
      expect(after.named, `bit ${bit}`).toEqual(expect.arrayContaining(lost))
      expect(after.shown.every((entry) => shown.includes(entry))).toBe(true)
      expect((await again.append([record('next')])).baseOffset).toBe(endOffset)
    }
  })
})
