import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StatusBody } from '@millrace/server'
import { describe, expect, test } from 'vitest'
import type * as z from 'zod'
import * as shapes from '../src/api-shapes.ts'
import { connectDevice, eventually, post, request, startGreenhouse, temporaryDirectory } from './world.ts'

describe('the whole way', () => {
  test('a reading becomes an event, a decision, a command that the device executes, and a document', async () => {
    const app = await startGreenhouse()
    const device = await connectDevice(app, 'bench-1')
    const { id } = await device.publish('greenhouse.reading', { celsius: 41 })
    const document = await eventually(async () => {
      const response = await request(app, '/api/collections/benches/documents/bench-1')
      const body = response.ok ? shapes.documentBody.parse(await response.json()) : undefined
      return body?.document.ventsMoved === 1 ? body : undefined
    })
    expect(document.document).toEqual({ id: 'bench-1', celsius: 41, alarms: 1, ventsMoved: 1 })
    const alarms = shapes.messageListBody.parse(
      await (await request(app, '/api/topics/greenhouse.alarm/messages')).json(),
    )
    expect(alarms.messages[0]?.event).toMatchObject({
      subject: 'bench-1',
      causationid: id,
      data: { celsius: 41 },
    })
    const commands = shapes.commandListBody.parse(
      await (await request(app, '/api/devices/bench-1/commands')).json(),
    )
    expect(commands.commands).toMatchObject([{ name: 'open-vent', state: 'done', outcome: { percent: 100 } }])
  })

  test('what was acknowledged is there after a restart, and the fleet is known', async () => {
    const first = await startGreenhouse()
    const device = await connectDevice(first, 'bench-1')
    await device.publish('greenhouse.reading', { celsius: 20 })
    await device.close()
    await first.close()
    const second = await startGreenhouse({ dataDirectory: first.backbone.settings.dataDirectory })
    expect(second.apiToken).toBe(first.apiToken)
    const { messages } = shapes.messageListBody.parse(
      await (await request(second, '/api/topics/greenhouse.reading/messages')).json(),
    )
    expect(messages).toHaveLength(1)
    const away = await eventually(async () => {
      const body = shapes.deviceBody.parse(await (await request(second, '/api/devices/bench-1')).json())
      return body.disconnectedAt !== undefined && body
    })
    expect(away).toMatchObject({
      connected: false,
      last: { 'greenhouse.reading': { data: { celsius: 20 } } },
    })
  })

  test('a reading that makes its actor throw is a dead letter, others go on, and a replay reaches the actor only', async () => {
    const app = await startGreenhouse()
    const device = await connectDevice(app, 'bench-1')
    await device.publish('greenhouse.reading', { celsius: 99 })
    await device.publish('greenhouse.reading', { celsius: 41 })
    const { letters } = await eventually(async () => {
      const body = shapes.deadLetterListBody.parse(
        await (await request(app, '/api/dead-letters/greenhouse.reading')).json(),
      )
      return body.letters.length === 1 && body
    })
    expect(letters[0]).toMatchObject({
      group: 'too-hot',
      code: 'HANDLER_FAILED',
      attempts: 2,
      replayed: false,
    })
    expect(letters[0]?.reason).toContain('the thermometer is broken')
    const replay = await post(app, '/api/dead-letters/greenhouse.reading/replay', {})
    expect(shapes.replayBody.parse(await replay.json())).toEqual({ replayed: 1 })
    const topics = shapes.deadLetterTopicListBody.parse(
      await (await request(app, '/api/dead-letters')).json(),
    )
    expect(topics.topics).toMatchObject([{ topic: 'greenhouse.reading', replayed: 1 }])
  })
})

describe('the console', () => {
  test('is served at every address of its own, also with a dot in it, and its missing files are missed', async () => {
    const consoleDirectory = await temporaryDirectory()
    await writeFile(join(consoleDirectory, 'index.html'), '<title>console</title>')
    const app = await startGreenhouse({ consoleDirectory })
    for (const path of ['/', '/topics/greenhouse.reading', '/devices/bench.1']) {
      const response = await fetch(app.url + path)
      expect([path, response.status, await response.text()]).toEqual([path, 200, '<title>console</title>'])
      expect(response.headers.get('content-security-policy')).toContain("default-src 'self'")
    }
    for (const path of ['/assets/gone.js', '/api/gone'])
      expect((await fetch(app.url + path)).status).not.toBe(200)
  })
})

describe('answers', () => {
  const bodies: [string, z.ZodType][] = [
    ['/api/status', shapes.statusBody],
    ['/api/devices', shapes.deviceListBody],
    ['/api/devices?connected=true&limit=1', shapes.deviceListBody],
    ['/api/devices/bench-1', shapes.deviceBody],
    ['/api/devices/bench-1/commands', shapes.commandListBody],
    ['/api/topics', shapes.topicListBody],
    ['/api/topics/greenhouse.reading/messages?from=-5&limit=2', shapes.messageListBody],
    ['/api/topics/millrace.presence/messages', shapes.messageListBody],
    ['/api/dead-letters', shapes.deadLetterTopicListBody],
    ['/api/collections/benches/documents', shapes.documentListBody],
  ]

  test('every answer fits the schema that /openapi.json shows', async () => {
    const app = await startGreenhouse()
    const device = await connectDevice(app, 'bench-1')
    await device.publish('greenhouse.reading', { celsius: 41 })
    await eventually(async () => (await request(app, '/api/devices/bench-1')).ok)
    for (const [path, schema] of bodies) {
      const response = await request(app, path)
      expect([path, response.status]).toEqual([path, 200])
      expect(() => schema.parse(schemaInput(response))).toThrow()
      const result = schema.safeParse(await response.json())
      expect([path, result.error?.issues ?? []]).toEqual([path, []])
    }
  })

  test('/openapi.json is OpenAPI 3.1 and names every path with what it answers', async () => {
    const app = await startGreenhouse()
    const document = (await (await fetch(`${app.url}/openapi.json`)).json()) as {
      openapi: string
      paths: Record<string, Record<string, { responses: Record<string, unknown> }>>
    }
    expect(document.openapi).toBe('3.1.0')
    expect(Object.keys(document.paths).sort()).toEqual([
      '/api/collections/{collection}/documents',
      '/api/collections/{collection}/documents/{id}',
      '/api/collections/{collection}/query',
      '/api/commands/{command}',
      '/api/dead-letters',
      '/api/dead-letters/{topic}',
      '/api/dead-letters/{topic}/replay',
      '/api/devices',
      '/api/devices/{device}',
      '/api/devices/{device}/commands',
      '/api/live',
      '/api/projections',
      '/api/projections/{projection}/cancel-rebuild',
      '/api/projections/{projection}/dead-letters',
      '/api/projections/{projection}/dead-letters/{letter}/replay',
      '/api/projections/{projection}/pause',
      '/api/projections/{projection}/rebuild',
      '/api/projections/{projection}/resume',
      '/api/projections/{projection}/streams/{stream}/rebuild',
      '/api/projections/{projection}/wait',
      '/api/relay',
      '/api/status',
      '/api/streams/{stream}',
      '/api/streams/{stream}/events',
      '/api/topics',
      '/api/topics/{topic}/live',
      '/api/topics/{topic}/messages',
    ])
    expect(document.paths['/api/devices/{device}/commands']?.post?.responses).toHaveProperty('201')
  })

  test('publishing the same id twice is recognised', async () => {
    const app = await startGreenhouse()
    const body = { id: 'once', subject: 'bench-9', data: { celsius: 20 } }
    const publish = async () =>
      shapes.publishBody.parse(
        await (await post(app, '/api/topics/greenhouse.reading/messages', body)).json(),
      )
    const first = await publish()
    const second = await publish()
    expect(first).toMatchObject({ id: 'once', duplicate: false })
    expect(second).toMatchObject({ id: 'once', duplicate: true, offset: first.offset })
  })

  test('devices come in pages by id', async () => {
    const app = await startGreenhouse()
    for (const id of ['c', 'a', 'b']) await connectDevice(app, id)
    await eventually(async () => {
      const status = (await (await request(app, '/api/status')).json()) as StatusBody
      return status.devices.known === 3
    })
    const page = async (query: string) => {
      const body = shapes.deviceListBody.parse(await (await request(app, `/api/devices?${query}`)).json())
      return { ids: body.devices.map(({ id }) => id), next: body.next }
    }
    expect(await page('limit=2')).toEqual({ ids: ['a', 'b'], next: 'b' })
    expect(await page('limit=2&after=b')).toEqual({ ids: ['c'], next: undefined })
  })
})

/** Something that is no answer, so that a schema that accepts anything is noticed. */
function schemaInput(response: Response): unknown {
  return response.headers
}
