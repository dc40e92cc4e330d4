import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Log, type LogOptions, type NewRecord, openLog } from '@millrace/log'
import { dumpLog } from '@millrace/log/inspection'
import { nodeFiles, nodeRuntime } from '@millrace/node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { python } from './python.ts'

/**
 * The page of the format is enough to write a reader: docs/reference/read_log.py was, in another language, with nothing
 * but that page, and reads what the log reads. Where Python is missing, npm test says so at its end.
 */

const READER = fileURLToPath(new URL('../../../docs/reference/read_log.py', import.meta.url))
const run = promisify(execFile)
const bytes = (text: string) => new TextEncoder().encode(text)
const base64 = (part: Uint8Array) => Buffer.from(part).toString('base64')

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-python-'))
})
afterEach(() => rm(root, { recursive: true }))

function open(options: Partial<LogOptions> = {}): Promise<Log> {
  return openLog({
    files: nodeFiles(root),
    directory: 'log',
    runtime: nodeRuntime(),
    segmentBytesMax: 4096,
    ...options,
  })
}

async function readByPython() {
  const { stdout, stderr } = await run(python ?? '', [READER, join(root, 'log')], { maxBuffer: 1 << 26 })
  const lines = stdout.split('\n').filter((line) => line !== '')
  return {
    records: lines.map((line) => JSON.parse(line)),
    gaps: stderr.split('\n').filter((line) => line !== ''),
  }
}

async function readByUs() {
  const records: unknown[] = []
  const gaps: string[] = []
  await dumpLog(
    { files: nodeFiles(root), directory: 'log' },
    {
      records: (_frame, found) => {
        for (const { offset, timestampMs, key, value } of found)
          records.push({
            offset,
            timestampMs,
            key: key === undefined ? null : base64(key),
            value: base64(value),
          })
        return true
      },
      gap: ({ from, to }) => void gaps.push(`gap ${from} ${to}`),
    },
  )
  return { records, gaps }
}

async function change(name: string, position: (content: Buffer) => number): Promise<void> {
  const path = join(root, 'log', name)
  const content = await readFile(path)
  const at = position(content)
  content[at] = (content[at] ?? 0) ^ 0xff
  await writeFile(path, content)
}

function records(count: number, valueBytes: number): NewRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    timestampMs: 1_700_000_000_000 + ((index * 7919) % 5000) - 2500,
    ...(index % 3 === 0 ? {} : { key: bytes(`key ${index % 5}`) }),
    value: bytes(`value ${index} `.padEnd(valueBytes, '·')),
  }))
}

describe.runIf(python !== undefined)('a reader in another language', () => {
  test('reads every record of a log of several segments', async () => {
    const log = await open()
    for (let round = 0; round < 10; round += 1) await log.append(records(20, 30))
    await log.close()
    const found = await readByPython()
    expect(found.records).toHaveLength(200)
    expect(found).toEqual(await readByUs())
  })

  test('reads a compacted log, with the offsets that its records have kept', async () => {
    const log = await open()
    for (let round = 0; round < 10; round += 1) await log.append(records(20, 30))
    await log.compact()
    await log.append(records(3, 5))
    await log.close()
    const found = await readByPython()
    expect(found.records.length).toBeLessThan(150)
    expect(found).toEqual(await readByUs())
  })

  test('reads past damage in headers, frames and the end, and names the same gaps', async () => {
    const log = await open()
    for (let round = 0; round < 12; round += 1) await log.append(records(10, 50))
    await log.close()
    const names = (await nodeFiles(root).list('log')).filter((name) => name.endsWith('.seg')).sort()
    expect(names.length).toBeGreaterThan(2)
    await change(names[0] ?? '', (content) => content.indexOf('value 3'))
    await change(names[1] ?? '', () => 30)
    await change(names.at(-1) ?? '', (content) => content.lastIndexOf('value 9'))
    const found = await readByPython()
    expect(found.gaps.length).toBeGreaterThanOrEqual(2)
    expect(found).toEqual(await readByUs())
  })

  test('takes a torn end for the end, where no mark says otherwise', async () => {
    const log = await open()
    for (let round = 0; round < 3; round += 1) await log.append(records(2, 50))
    await log.close()
    await rm(join(root, 'log', 'mark'))
    await change('00000000000000000000.seg', (content) => content.lastIndexOf('value 1'))
    const found = await readByPython()
    expect(found).toMatchObject({ gaps: [] })
    expect(found.records).toHaveLength(4)
    expect(found).toEqual(await readByUs())
  })

  test('reads the worked example of the page, from its vectors', async () => {
    const text = await readFile(
      new URL('../../../docs/reference/log-format-vectors.json', import.meta.url),
      'utf8',
    )
    for (const { files, records: expected, gaps } of JSON.parse(text).logs) {
      const directory = join(root, 'log')
      await rm(directory, { recursive: true, force: true })
      await mkdir(directory)
      for (const { name, bytes: size, parts } of files) {
        const content = Buffer.alloc(size)
        for (const { at, hex } of parts) content.set(Buffer.from(hex, 'hex'), at)
        await writeFile(join(directory, name), content)
      }
      const found = await readByPython()
      expect(found.records.map(({ offset }) => offset)).toEqual(
        expected.map(({ offset }: { offset: number }) => offset),
      )
      expect(found.gaps).toEqual(
        gaps.map(({ from, to }: { from: number; to: number }) => `gap ${from} ${to}`),
      )
      expect(found).toEqual(await readByUs())
    }
  })
})
