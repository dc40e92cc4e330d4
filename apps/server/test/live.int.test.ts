import type { RunningApp } from '@millrace/server'
import { describe, expect, test } from 'vitest'
import { commandBody, deviceBody, liveReading, messageBody, statusBody } from '../src/api-shapes.ts'
import { connectDevice, eventually, post, request, startGreenhouse } from './world.ts'

interface ServerSentEvent {
  readonly name: string | undefined
  readonly id: string | undefined
  readonly data: unknown
}

/** Reads a stream until `enough` says so; gives what came. */
async function readStream(
  app: RunningApp,
  path: string,
  enough: (events: readonly ServerSentEvent[]) => boolean,
  headers: Record<string, string> = {},
): Promise<ServerSentEvent[]> {
  const stop = new AbortController()
  const response = await request(app, path, { headers, signal: stop.signal })
  expect(response.headers.get('content-type')).toContain('text/event-stream')
  const events: ServerSentEvent[] = []
  let text = ''
  for await (const chunk of (response.body as ReadableStream<Uint8Array>).pipeThrough(
    new TextDecoderStream(),
  )) {
    const frames = (text + chunk).split('\n\n')
    text = frames.pop() ?? ''
    events.push(...frames.filter((frame) => frame.includes('data: ')).map(parse))
    if (enough(events)) break
  }
  stop.abort()
  return events
}

function parse(frame: string): ServerSentEvent {
  const field = (name: string) =>
    frame
      .split('\n')
      .find((line) => line.startsWith(`${name}: `))
      ?.slice(name.length + 2)
  return { name: field('event'), id: field('id'), data: JSON.parse(field('data') ?? 'null') }
}

const names = (events: readonly ServerSentEvent[]) => new Set(events.map(({ name }) => name))

describe('live', () => {
  test('whoever watches sees readings, devices, commands and the status, each in its shape', async () => {
    const app = await startGreenhouse()
    const device = await connectDevice(app, 'bench-1')
    const watching = readStream(app, '/api/live', (events) => names(events).size === 4)
    const publishing = eventually(async () => {
      await device.publish('greenhouse.reading', { celsius: 41 })
      return Promise.race([watching, new Promise<undefined>((resolve) => setImmediate(resolve, undefined))])
    })
    await publishing
    const shapes = { reading: liveReading, device: deviceBody, command: commandBody, status: statusBody }
    for (const { name, data } of await watching) {
      expect(shapes[name as keyof typeof shapes].safeParse(data).error?.issues ?? []).toEqual([])
    }
  })

  test('a topic is followed from where the reader left off', async () => {
    const app = await startGreenhouse()
    for (const celsius of [1, 2, 3, 4]) {
      await post(app, '/api/topics/greenhouse.reading/messages', { data: { celsius } })
    }
    const path = '/api/topics/greenhouse.reading/live'
    const fromStart = await readStream(app, `${path}?from=0`, (events) => events.length === 4)
    expect(fromStart.map(({ id }) => id)).toEqual(['0', '1', '2', '3'])
    const resumed = await readStream(app, path, (events) => events.length === 2, { 'last-event-id': '1' })
    expect(resumed.map(({ data }) => messageBody.parse(data).event?.data)).toEqual([
      { celsius: 3 },
      { celsius: 4 },
    ])
  })

  test('closing the application ends the streams, and a reader that left leaves nothing behind', async () => {
    const app = await startGreenhouse()
    await readStream(app, '/api/live', (events) => events.length > 0)
    const liveGroups = async () =>
      (await app.backbone.bus.listGroups()).filter(({ group }) => group.startsWith('millrace.live.'))
    await eventually(async () => (await liveGroups()).length === 0)
    const watching = readStream(app, '/api/live', () => false)
    await eventually(async () => (await liveGroups()).some(({ members }) => members === 1))
    await app.close()
    await watching
  })
})
