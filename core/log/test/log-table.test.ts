import { manualRuntime, seededRandom } from '@millrace/kernel'
import { openLogTable, type Table } from '@millrace/log'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import { describe, expect, test } from 'vitest'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const open = (files: MemoryFiles, rewriteBytesMin = 8 * 1024) =>
  openLogTable({
    files,
    runtime: manualRuntime(),
    directory: 'table',
    rewriteBytesMin,
    recordBytesMax: 100_000,
  })

const entry = (key: string, text: string) => ({ key, value: encoder.encode(text) })

async function contents(table: Table): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for await (const page of table.load()) for (const { key, value } of page) found[key] = decoder.decode(value)
  return found
}

describe('a table on a log', () => {
  test('gives the last value of each key, and nothing for a removed one, also after it was opened again', async () => {
    const files = memoryFiles()
    const table = await open(files)
    await table.put([entry('a', '1'), entry('b', '1')])
    await table.put([entry('a', '2'), { key: 'b' }, entry('c', '')])
    const expectLast = async (current: Table) => {
      expect(await contents(current)).toEqual({ a: '2', c: '' })
      expect(decoder.decode(await current.get('a'))).toBe('2')
      expect(await current.get('b')).toBeUndefined()
    }
    await expectLast(table)
    await table.close()
    await expectLast(await open(files))
  })

  test('stays small however often its entries change', async () => {
    const files = memoryFiles()
    const table = await open(files)
    let bytesMax = 0
    for (let round = 0; round < 5_000; round += 1) {
      await table.put([entry(`k${round % 10}`, `${round}`.padStart(50, '.'))])
      bytesMax = Math.max(bytesMax, files.bytes)
    }
    expect(bytesMax).toBeLessThan(256 * 1024)
    await table.close()
    const last = Object.values(await contents(await open(files))).map((text) => text.replaceAll('.', ''))
    expect(last).toEqual(Array.from({ length: 10 }, (_, index) => String(4_990 + index)))
  })

  test('puts of one turn share their writes', async () => {
    const files = memoryFiles()
    const table = await open(files)
    await table.put([entry('warm', 'up')])
    const before = files.operations
    await table.put([entry('one', '1')])
    const one = files.operations - before
    await Promise.all(Array.from({ length: 100 }, (_, index) => table.put([entry(`k${index}`, 'x')])))
    expect(files.operations - before - one).toBeLessThanOrEqual(2 * one)
  })

  test('keeps every acknowledged entry when the machine stops at any call of a rewrite', async () => {
    for (let calls = 0; calls < 60; calls += 1) {
      const files = memoryFiles()
      const table = await open(files, 1)
      await table.put([entry('a', '1'), entry('b', '1'), entry('c', '1')])
      files.stopAfter(calls)
      const acknowledged = await table.put([entry('a', '2'), { key: 'b' }]).then(
        () => true,
        () => false,
      )
      await table.close().catch(() => undefined)
      const found = await contents(await open(files.crash({ random: seededRandom(calls) })))
      const [before, after] = [
        { a: '1', b: '1', c: '1' },
        { a: '2', c: '1' },
      ]
      if (acknowledged) expect(found, `stopped after ${calls} calls`).toEqual(after)
      else expect([before, after], `stopped after ${calls} calls`).toContainEqual(found)
    }
  })

  test('goes on when a rewrite fails', async () => {
    const files = memoryFiles()
    const table = await open(files, 1)
    await table.put([entry('a', '1')])
    files.failNext('open', 'EIO', { path: 'table/b', times: 100 })
    files.failNext('open', 'EIO', { path: 'table/a', times: 100 })
    for (const text of ['2', '3', '4']) await table.put([entry('a', text)])
    expect(await contents(table)).toEqual({ a: '4' })
    await table.close()
  })
})
