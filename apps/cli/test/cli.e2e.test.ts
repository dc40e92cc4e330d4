import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { simulateDevice } from '@millrace/fleet'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { applicationFolder, millrace, start, temporaryFolder } from './command-line.ts'

beforeAll(() => mkdir(fileURLToPath(new URL('../../../.cache', import.meta.url)), { recursive: true }))

/** A new application of `millrace init`, running on free ports. */
async function startNewApplication() {
  const folder = join(await applicationFolder(), 'my-greenhouse')
  expect(await millrace('init', folder)).toMatchObject({ code: 0 })
  const data = join(folder, '.millrace')
  const server = start(
    'start',
    join(folder, 'app.ts'),
    '--data',
    data,
    '--http-port',
    '0',
    '--mqtt-port',
    '0',
  )
  const [, mqtt] = await server.printed(/MQTT +(\S+)/)
  await server.printed(/ready in/)
  const run = (...words: string[]) => millrace(...words, '--data', data)
  const connect = async (device: string, onCommand: () => unknown = () => 'fine') => {
    const { out } = await run('device', 'password', device)
    const simulated = await simulateDevice({ url: `mqtt://${mqtt}`, device, password: out.trim(), onCommand })
    onTestFinished(() => simulated.close())
    return simulated
  }
  return { folder, data, server, run, connect }
}

describe('a new application', () => {
  test('is made by init, runs, and can be asked everything', async () => {
    const { run, connect } = await startNewApplication()
    const device = await connect('bench-1')
    await device.publish('greenhouse.reading', { celsius: 41 })
    const tail = await run('topic', 'tail', 'greenhouse.alarm', '--from', 'start', '--count', '1', '--json')
    expect(JSON.parse(tail.out)).toMatchObject({ key: 'bench-1', event: { data: { celsius: 41 } } })
    const devices = await run('device', 'ls', '--json')
    expect(JSON.parse(devices.out)).toMatchObject([{ id: 'bench-1', connected: true }])
    const topics = await run('topic', 'ls')
    expect(topics.out).toMatch(/greenhouse\.reading +1 +1 +\d+/)
    expect(topics.out).not.toContain('millrace.')
    expect((await run('status')).out).toMatch(/too-hot +actor +running/)
  })

  test('sends commands and waits for their end; the exit code tells how it was', async () => {
    const { run, connect } = await startNewApplication()
    await connect('bench-1')
    await connect('bench-2', () => {
      throw new Error('the vent is stuck')
    })
    const done = await run('device', 'send', 'bench-1', 'open-vent', '{"percent": 50}', '--wait', '--json')
    expect([done.code, JSON.parse(done.out).state]).toEqual([0, 'done'])
    const failed = await run('device', 'send', 'bench-2', 'open-vent', '--wait')
    expect(failed.code).toBe(4)
    expect(failed.out).toContain('the vent is stuck')
    const again = await run('device', 'send', 'bench-1', 'open-vent', '--key', 'once', '--json')
    const same = await run('device', 'send', 'bench-1', 'open-vent', '--key', 'once', '--json')
    expect(JSON.parse(same.out).id).toBe(JSON.parse(again.out).id)
  })

  test('shows dead letters with their reason, and replays them', async () => {
    const { run, connect } = await startNewApplication()
    const device = await connect('bench-1')
    await expect(device.publish('greenhouse.reading', { celsius: 'hot' })).rejects.toThrow()
    const letters = await run('dlq', 'ls', 'greenhouse.reading')
    expect(letters.out).toContain('EVENT_SCHEMA_MISMATCH')
    expect((await run('dlq', 'ls')).out).toMatch(/greenhouse\.reading +1 +0/)
    expect((await run('dlq', 'replay', 'greenhouse.reading')).out).toBe('1 replayed\n')
  })
})

describe('dev', () => {
  test('restarts when a file changes, says what is wrong with a broken one, and goes on when it is mended', async () => {
    const folder = join(await applicationFolder(), 'my-greenhouse')
    await millrace('init', folder)
    const app = join(folder, 'app.ts')
    const dev = start('dev', app, '--data', join(folder, '.millrace'), '--http-port', '0', '--mqtt-port', '0')
    await dev.printed(/ready in/)
    expect(dev.text()).toContain('/#token=')
    const source = await readFile(app, 'utf8')
    let seen = dev.text().length
    await writeFile(app, `${source}\nexport default {`)
    await dev.printed(/APP_FILE_BROKEN/, seen)
    await dev.printed(/waiting for a change/, seen)
    seen = dev.text().length
    await writeFile(app, source.replace('> 35', '> 30'))
    await dev.printed(/ready in/, seen)
    expect(await dev.stop()).toBe(0)
  })
})

describe('wrong use', () => {
  test.each([
    [['bogus'], 2, /unknown command/],
    [['topic', 'tail'], 2, /missing required argument/],
    [['start', 'none.ts'], 1, /APP_FILE_NOT_FOUND/],
    [['status', '--data', '/nonexistent'], 3, /API_UNREACHABLE/],
    [['status', '--url', 'http://127.0.0.1:9'], 3, /API_UNREACHABLE/],
    [['device', 'password', 'bench 1'], 1, /DEVICE_ID_INVALID/],
    [['device', 'password', 'bench-1', '--data', '/nonexistent'], 2, /CONFIGURATION_INVALID/],
  ])('millrace %j ends with exit code %d and says what to do', async (words, code, message) => {
    const ended = await millrace(...words)
    expect(ended.code).toBe(code)
    expect(ended.err).toMatch(message)
    expect(ended.err).not.toMatch(/\n {4}at /)
  })

  test('a second server on a data directory names the owner, and a wrong setting its path', async () => {
    const { folder, data } = await startNewApplication()
    const app = join(folder, 'app.ts')
    const second = await millrace(
      'start',
      app,
      '--data',
      data,
      '--http-port',
      '0',
      '--mqtt-port',
      '0',
      '--json',
    )
    expect(second.code).toBe(3)
    expect(JSON.parse(second.err).error).toMatchObject({ code: 'DIRECTORY_LOCKED' })
    const wrong = await millrace('start', app, '--data', await temporaryFolder(), '--mqtt-port', '70000')
    expect(wrong.code).toBe(2)
    expect(wrong.err).toContain('--mqtt-port')
  })

  test('init leaves a folder alone that is not empty', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'precious.txt'), 'mine')
    const ended = await millrace('init', folder)
    expect(ended.code).toBe(2)
    expect(await readFile(join(folder, 'precious.txt'), 'utf8')).toBe('mine')
  })

  test('every command explains itself with --help', async () => {
    for (const words of [
      [],
      ['start'],
      ['dev'],
      ['init'],
      ['topic', 'tail'],
      ['device', 'send'],
      ['dlq', 'replay'],
    ]) {
      const { code, out } = await millrace(...words, '--help')
      expect([words, code]).toEqual([words, 0])
      expect(out).toContain('Usage: millrace')
    }
  })
})
