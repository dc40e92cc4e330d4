import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { applicationFolder, millrace, start } from './command-line.ts'

beforeAll(() => mkdir(fileURLToPath(new URL('../../../.cache', import.meta.url)), { recursive: true }))

const APP = (indexes: string) => `
import { collection, defineApp, event, projection } from 'millrace'
import * as z from 'zod'

const Placed = event('order.placed', z.object({ total: z.number() }))
const Orders = collection('orders', z.object({ id: z.string(), total: z.number() }), { indexes: [${indexes}] })

export default defineApp({
  name: 'shop',
  streams: {
    events: [Placed],
    projections: [
      projection('orders', Orders).on(Placed, (order, { stream = '', data }) => ({
        id: stream,
        total: (order?.total ?? 0) + data.total,
      })),
    ],
  },
})
`
const BY_TOTAL = `{ kind: 'property', name: 'by-total', properties: ['total'] }`

async function application(indexes = '') {
  const folder = await applicationFolder()
  const file = join(folder, 'app.ts')
  const data = join(folder, 'data')
  await writeFile(file, APP(indexes))
  return { folder, file, data, change: (changed: string) => writeFile(file, APP(changed)) }
}

describe('millrace store', () => {
  test('diff shows what is missing and changes nothing, dump writes it into numbered files, apply does it', async () => {
    const { folder, file, data, change } = await application()
    const out = join(folder, 'migrations')
    const before = await millrace('store', 'diff', file, '--data', data, '--json')
    expect(before.code).toBe(7)
    expect(
      JSON.parse(before.out)
        .steps.map(({ what }: { what: string }) => what)
        .join(),
    ).toContain('orders')
    expect((await millrace('store', 'apply', file, '--data', data)).code).toBe(0)
    expect(await millrace('store', 'diff', file, '--data', data)).toMatchObject({
      code: 0,
      out: expect.stringContaining('holds all'),
    })
    await change(BY_TOTAL)
    const dumped = await millrace('store', 'dump', file, '--data', data, '--out', out, '--name', 'By total')
    expect([dumped.code, dumped.out]).toEqual([0, expect.stringContaining('0001-by-total.sql')])
    expect(await readFile(join(out, '0001-by-total.sql'), 'utf8')).toContain('CREATE INDEX')
    expect((await millrace('store', 'diff', file, '--data', data)).code).toBe(7)
  })

  test('help shows examples, and an application that is not there is an error of its own', async () => {
    const help = await millrace('store', 'diff', '--help')
    expect([help.code, help.out]).toEqual([0, expect.stringContaining('Examples:')])
    const missing = await millrace('store', 'diff', '/nowhere/app.ts', '--json')
    expect([missing.code, JSON.parse(missing.err).error.code]).toEqual([1, 'APP_FILE_NOT_FOUND'])
  })
})

describe('millrace stream and projections', () => {
  test('events are appended and shown, and a projection is waited for, rebuilt, paused and resumed', async () => {
    const { file, data } = await application()
    const running = start('start', file, '--data', data, '--http-port', '0', '--mqtt-port', '0')
    await running.printed(/ready in/)
    const call = async (...words: string[]) => {
      const { code, out, err } = await millrace(...words, '--data', data, '--json')
      expect([words.join(' '), code, err]).toEqual([words.join(' '), 0, ''])
      return JSON.parse(out)
    }
    await call('stream', 'append', 'order-1', 'order.placed', '{"total":12}', '--expect', '0')
    expect(await call('stream', 'append', 'order-1', 'order.placed', '{"total":3}')).toMatchObject({
      version: 2,
    })
    const conflict = await millrace(
      'stream',
      'append',
      'order-1',
      'order.placed',
      '{"total":1}',
      '--expect',
      '1',
      '--data',
      data,
    )
    expect([conflict.code, conflict.err]).toEqual([3, expect.stringContaining('STREAM_CONFLICT')])
    expect(await call('stream', 'show', 'order-1')).toMatchObject({
      version: 2,
      events: [{ version: 1 }, { version: 2, event: { data: { total: 3 } } }],
    })
    await call('projections', 'wait', 'orders')
    expect(await call('projections', 'rebuild', 'orders')).toMatchObject({ name: 'orders', state: 'running' })
    expect(await call('projections', 'rebuild', 'orders', '--stream', 'order-1')).toMatchObject({
      stream: 'order-1',
    })
    expect(await call('projections', 'relay')).toMatchObject({ refused: 0 })
    expect(await call('projections', 'pause', 'orders')).toMatchObject({ state: 'paused' })
    expect(await call('projections', 'resume', 'orders')).toMatchObject({ state: 'running' })
    expect(await call('projections', 'dead-letters', 'orders')).toMatchObject({ total: 0 })
    const table = await millrace('projections', 'ls', '--data', data)
    expect(table.out).toContain('orders')
    expect(await running.stop()).toBe(0)
  })
})
