import { memoryFiles } from '@millrace/memory'
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
