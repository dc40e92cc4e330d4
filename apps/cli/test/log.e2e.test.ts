import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Log, openLog } from '@millrace/log'
import { nodeFiles, nodeRuntime } from '@millrace/node'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { applicationFolder, millrace, start, temporaryFolder } from './command-line.ts'

const MILLRACE = fileURLToPath(new URL('../bin/millrace.js', import.meta.url))
const FIRST = '00000000000000000000.seg'
beforeAll(() => mkdir(fileURLToPath(new URL('../../../.cache', import.meta.url)), { recursive: true }))

const encode = (text: string) => new TextEncoder().encode(text)

function open(folder: string, directory: string): Promise<Log> {
  return openLog({ files: nodeFiles(folder), directory, runtime: nodeRuntime(), segmentBytesMax: 4096 })
}

/** A data directory with two logs of nine records each, in three segments. */
async function dataDirectory(): Promise<string> {
  const folder = await temporaryFolder()
  for (const partition of [0, 1]) {
    const log = await open(folder, `bus/topics/t/${partition}`)
    for (let index = 0; index < 9; index += 1)
      await log.append([
        {
          key: encode(`k${index}`),
          value: encode(`value${index}`.padEnd(1000, '.')),
          timestampMs: 1000 + index,
        },
      ])
    await log.close()
  }
  return folder
}

/** Changes one byte of the record that begins with `text`. */
async function damage(path: string, text: string): Promise<void> {
  const bytes = await readFile(path)
  const position = bytes.indexOf(text)
  bytes[position] = 0x21
  await writeFile(path, bytes)
}

const lines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

describe('millrace log on sound logs', () => {
  test('finds every log below a folder, shows what is in them, and verifies them', async () => {
    const folder = await dataDirectory()
    const inspected = await millrace('log', 'inspect', folder, '--json')
    expect(inspected.code).toBe(0)
    expect(JSON.parse(inspected.out).logs).toMatchObject(
      [0, 1].map((partition) => ({
        directory: `bus/topics/t/${partition}`,
        startOffset: 0,
        endOffset: 9,
        owner: null,
        segments: [{ records: 3 }, { records: 3 }, { records: 3, chain: 'follows' }],
      })),
    )
    const verified = await millrace('log', 'verify', folder)
    expect(verified).toMatchObject({ code: 0, err: '' })
    expect(verified.out).toMatch(/t\/0 +sound +9 records in 3 segments[\s\S]+t\/1 +sound[\s\S]+2 logs sound/)
  })

  test('dumps records as lines of JSON, by offset, time and encoding, and frames as they stand', async () => {
    const log = join(await dataDirectory(), 'bus/topics/t/0')
    const some = await millrace('log', 'dump', log, '--from', '2', '--to', '4', '--key', 'hex')
    expect(some).toMatchObject({ code: 0, err: '' })
    expect(lines(some.out)).toEqual([
      { offset: 2, time: '1970-01-01T00:00:01.002Z', keyHex: '6b32', value: 'value2'.padEnd(1000, '.') },
      { offset: 3, time: '1970-01-01T00:00:01.003Z', keyHex: '6b33', value: 'value3'.padEnd(1000, '.') },
    ])
    const late = await millrace('log', 'dump', log, '--time-from', '1970-01-01T00:00:01.007Z', '--count', '1')
    expect(lines(late.out)).toMatchObject([{ offset: 7 }])
    const raw = await millrace('log', 'dump', log, '--raw')
    expect(lines(raw.out)[0]).toMatchObject({ segment: FIRST, position: 64, baseOffset: 0, count: 1 })
  })

  test('says who has a log open, looks at it all the same, and repairs nothing', async () => {
    const folder = await dataDirectory()
    await using log = await open(folder, 'bus/topics/t/1')
    await log.append([{ value: encode('newest') }])
    const inspected = await millrace('log', 'inspect', folder)
    expect(inspected.out).toContain(`open by process ${process.pid}`)
    expect((await millrace('log', 'verify', folder)).code).toBe(0)
    const repaired = await millrace('log', 'repair', folder, '--json')
    expect(repaired.code).toBe(3)
    expect(JSON.parse(repaired.err).error).toMatchObject({ code: 'DIRECTORY_LOCKED' })
    expect(await log.append([{ value: encode('still open') }])).toMatchObject({ count: 1 })
  })
})

describe('millrace log on damaged logs', () => {
  test('verify names bytes and offsets and ends with 5, and dump reads past the damage', async () => {
    const folder = await dataDirectory()
    const log = join(folder, 'bus/topics/t/0')
    await damage(join(log, FIRST), 'value1')
    const verified = await millrace('log', 'verify', folder)
    expect(verified.code).toBe(5)
    expect(verified.out).toMatch(
      /t\/0 +DAMAGED[\s\S]+LOST +offset 1: damaged at byte \d+ of 0+\.seg: the checksum/,
    )
    expect(verified.out).toMatch(/t\/1 +sound/)
    const { logs } = JSON.parse((await millrace('log', 'verify', folder, '--json')).out)
    expect(logs[0].findings).toMatchObject([{ kind: 'frame-damaged', offsets: { from: 1, to: 2 } }])
    const dumped = await millrace('log', 'dump', log)
    expect(dumped.code).toBe(5)
    expect(lines(dumped.out).map(({ offset }) => offset)).toEqual([0, 2, 3, 4, 5, 6, 7, 8])
    expect(dumped.err).toMatch(/^lost: offset 1 \(1 offset\): damaged at byte/)
  })

  test('repair shows its plan, does it, keeps what it moves, and says when nothing is left to do', async () => {
    const folder = await dataDirectory()
    const log = join(folder, 'bus/topics/t/0')
    // A segment of another log, which hides records.
    const stray = '00000000000000000004.seg'
    const content = await readFile(join(folder, 'bus/topics/t/1/00000000000000000003.seg'))
    await writeFile(join(log, stray), content)
    const before = await readdir(log)
    const plan = await millrace('log', 'repair', folder, '--dry-run')
    expect(plan.out).toMatch(/would move 0+4\.seg to a folder/)
    expect(plan.code).toBe(5)
    expect(await readdir(log)).toEqual(before)
    const done = await millrace('log', 'repair', folder)
    expect(done.code).toBe(0)
    expect(done.out).toMatch(
      /moved 0+4\.seg to repair-\S+:[\s\S]+now sound +9 records[\s\S]+There is nothing to do/,
    )
    const moved = (await readdir(log)).find((name) => name.startsWith('repair-')) ?? ''
    expect(await readFile(join(log, moved, stray))).toEqual(content)
  })

  test('repair gives a log the end that consumers have seen after its newest files were removed', async () => {
    const log = join(await dataDirectory(), 'bus/topics/t/0')
    const names = await readdir(log)
    for (const name of names.filter((name) => name === 'mark' || name.startsWith('00000000000000000006')))
      await writeFile(join(log, name), '')
    const repaired = await millrace('log', 'repair', log, '--next-offset', '9', '--json')
    expect(JSON.parse(repaired.out).logs).toMatchObject([{ after: { endOffset: expect.any(Number) } }])
    await using opened = await open(log, '.')
    expect(await opened.append([{ value: encode('next') }])).toMatchObject({ baseOffset: expect.any(Number) })
    expect(opened.endOffset).toBeGreaterThanOrEqual(10)
  })
})

describe('a server whose projection is ahead of its log', () => {
  test('does not start, says where to read on, and starts again when the log was given its end', async () => {
    const folder = join(await applicationFolder(), 'my-greenhouse')
    await millrace('init', folder)
    const data = join(folder, '.millrace')
    const ports = ['--data', data, '--http-port', '0', '--mqtt-port', '0']
    const publish = [
      'topic',
      'publish',
      'greenhouse.reading',
      '{"celsius": 41}',
      '--subject',
      'bench-1',
      '--data',
      data,
    ]
    const first = start('start', join(folder, 'app.ts'), ...ports)
    await first.printed(/ready in/)
    for (let index = 0; index < 3; index += 1) expect((await millrace(...publish)).code).toBe(0)
    await expect
      .poll(async () => JSON.parse((await millrace('status', '--data', data, '--json')).out).processors, {
        timeout: 30_000,
      })
      .toContainEqual(expect.objectContaining({ name: 'benches', lag: 0 }))
    expect(await first.stop()).toBe(0)
    const log = join(data, 'bus/bus/topics/greenhouse.reading/0')
    for (const name of await readdir(log)) if (/\.seg$|^mark$/.test(name)) await rm(join(log, name))
    const refused = await millrace('start', join(folder, 'app.ts'), ...ports)
    expect(refused.code).toBe(1)
    const [, offset = ''] = /Offset (\d+) of [\s\S]+A consumer is ahead of the log/.exec(refused.err) ?? []
    expect(offset).toBe('3')
    expect((await millrace('log', 'repair', log, '--next-offset', offset)).out).toMatch(
      /raised the mark to 3/,
    )
    const second = start('start', join(folder, 'app.ts'), ...ports)
    await second.printed(/ready in/)
    expect((await millrace(...publish)).out).toContain('offset 3')
  })
})

describe('millrace log and who reads it', () => {
  /** A log that prints more than any pipe holds. */
  async function largeLog(): Promise<string> {
    const folder = await temporaryFolder()
    const log = await openLog({ files: nodeFiles(folder), directory: 'log', runtime: nodeRuntime() })
    const value = encode('x'.repeat(100_000))
    for (let round = 0; round < 10; round += 1)
      await log.append(Array.from({ length: 10 }, () => ({ value })))
    await log.close()
    return join(folder, 'log')
  }

  function dump(log: string) {
    const child = spawn(process.execPath, [MILLRACE, 'log', 'dump', log])
    onTestFinished(() => void child.kill('SIGKILL'))
    let err = ''
    child.stderr.on('data', (chunk) => {
      err += chunk
    })
    return { child, err: () => err }
  }

  test('ends in peace when its reader has enough', async () => {
    const { child, err } = dump(await largeLog())
    await once(child.stdout, 'data')
    child.stdout.destroy()
    const [code] = await once(child, 'exit')
    expect([code, err()]).toEqual([0, ''])
  })

  test('stops at Ctrl-C, also while its reader does not read', async () => {
    const { child, err } = dump(await largeLog())
    await once(child.stdout, 'readable')
    child.kill('SIGINT')
    const [code] = await once(child, 'exit')
    expect([code, err()]).toEqual([130, ''])
  })
})

describe('millrace log used wrongly', () => {
  test.each([
    [['verify', '/nonexistent'], 6, /LOG_NOT_FOUND/],
    [['dump', '.', '--from', 'x'], 2, /--from/],
    [['dump', '.', '--value', 'rot13'], 2, /--value/],
    [['dump', '.', '--time-from', 'noon'], 2, /--time-from/],
    [['inspect'], 2, /missing required argument/],
  ])('%j ends with exit code %d', async (words, code, message) => {
    const ended = await millrace('log', ...words)
    expect(ended.code).toBe(code)
    expect(ended.err).toMatch(message)
  })

  test('wants one log where an offset is given', async () => {
    const ended = await millrace('log', 'repair', await dataDirectory(), '--next-offset', '4')
    expect(ended.code).toBe(2)
    expect(ended.err).toContain('2 logs')
  })

  test('explains itself with --help, exit codes included', async () => {
    for (const command of ['inspect', 'verify', 'dump', 'repair']) {
      const { code, out } = await millrace('log', command, '--help')
      expect([command, code]).toEqual([command, 0])
      expect(out).toContain('Examples:')
    }
  })
})
