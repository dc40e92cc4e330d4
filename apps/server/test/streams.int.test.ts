import { findServers, services, startTestServer } from '@millrace/services'
import { describe, expect, onTestFinished, test } from 'vitest'
import * as shapes from '../src/api-shapes.ts'
import { Lockers, lockers, Opened, States, startLockers } from './streams-app.ts'
import { eventually, post, request, temporaryDirectory } from './world.ts'

const opened = (by: string) => ({ type: 'locker.opened', data: { by } })

const codeOf = async (answer: Response) => shapes.problemBody.parse(await answer.json()).code

/** Both engines, as far as they are here. */
const ENGINES = [
  { name: 'SQLite', options: async () => ({}) },
  ...findServers(services.postgres)
    .slice(0, 1)
    .map((program) => ({
      name: 'PostgreSQL',
      options: async () => {
        const server = await startTestServer('postgres', program)
        onTestFinished(() => server.stop())
        return { storeUrl: server.url, logLevel: 'silent' as const }
      },
    })),
]

describe.each(ENGINES)('streams of an application on $name', ({ options }) => {
  test('an appended event is folded in its unit and in the background, and published on the bus', async () => {
    const app = await startLockers(await options())
    const answer = await post(app, '/api/streams/locker-7/events', {
      events: [opened('anna'), { type: 'locker.closed', data: {} }],
      expectedVersion: 0,
      publish: true,
    })
    expect(answer.status).toBe(201)
    expect(shapes.appendBody.parse(await answer.json())).toMatchObject({ stream: 'locker-7', version: 2 })
    expect(await app.store.load(States, 'locker-7')).toEqual({ id: 'locker-7', isOpen: false })
    expect((await post(app, '/api/projections/lockers/wait', {})).status).toBe(204)
    expect(await app.store.load(Lockers, 'locker-7')).toEqual({ id: 'locker-7', isOpen: false, openings: 1 })
    const { messages } = await eventually(async () => {
      const found = await request(app, '/api/topics/locker.opened/messages')
      const body = shapes.messageListBody.parse(await found.json())
      return body.messages.length > 0 && body
    })
    expect(messages).toMatchObject([{ event: { type: 'locker.opened', data: { by: 'anna' } } }])
    const relay = await eventually(async () => {
      const body = shapes.relayBody.parse(await (await request(app, '/api/relay')).json())
      return body.position >= 2 && body
    })
    expect(relay).toMatchObject({ state: 'running', published: 2, refused: 0 })
    expect((await post(app, '/api/projections/lockers/streams/locker-7/rebuild', {})).status).toBe(204)
    expect(await app.store.load(Lockers, 'locker-7')).toEqual({ id: 'locker-7', isOpen: false, openings: 1 })
  })

  test('an append that expects another version changes nothing, and says both versions', async () => {
    const app = await startLockers(await options())
    await post(app, '/api/streams/locker-7/events', { events: [opened('anna')] })
    const answer = await post(app, '/api/streams/locker-7/events', {
      events: [opened('ben')],
      expectedVersion: 0,
    })
    expect([answer.status, await codeOf(answer)]).toEqual([409, 'STREAM_CONFLICT'])
    const found = await request(app, '/api/streams/locker-7/events?direction=backwards')
    const { events } = shapes.streamEventListBody.parse(await found.json())
    expect(events).toMatchObject([{ version: 1, event: { data: { by: 'anna' } } }])
    expect(shapes.streamBody.parse(await (await request(app, '/api/streams/locker-7')).json())).toMatchObject(
      {
        version: 1,
        state: 'open',
      },
    )
  })

  test('a rebuild makes the documents again, and an event that fails is left out, told, and holds up nothing', async () => {
    const app = await startLockers(await options())
    await post(app, '/api/streams/locker-7/events', {
      events: [opened('anna'), { type: 'locker.broken', data: {} }, opened('ben')],
    })
    await post(app, '/api/projections/lockers/wait', {})
    expect(await app.store.load(Lockers, 'locker-7')).toMatchObject({ openings: 2 })
    const letters = shapes.projectionLetterListBody.parse(
      await (await request(app, '/api/projections/lockers/dead-letters')).json(),
    )
    expect(letters.total).toBe(1)
    const again = await post(app, '/api/projections/lockers/streams/locker-7/rebuild', {})
    expect([again.status, await codeOf(again)]).toEqual([500, 'HANDLER_FAILED'])
    expect((await post(app, '/api/projections/lockers/pause', {})).status).toBe(204)
    const listed = async () => {
      const answer = await request(app, '/api/projections')
      const { projections } = shapes.projectionListBody.parse(await answer.json())
      return projections.find(({ name }) => name === 'lockers')
    }
    expect(await listed()).toMatchObject({ state: 'paused', deadLetters: 1 })
    expect((await post(app, '/api/projections/lockers/resume', {})).status).toBe(204)
    expect((await post(app, '/api/projections/openings/rebuild', {})).status).toBe(204)
    await eventually(async () => {
      const answer = await request(app, '/api/projections')
      const { projections } = shapes.projectionListBody.parse(await answer.json())
      return projections.every(({ rebuild, behind }) => rebuild === undefined && behind === 0)
    })
  })

  test('documents are found by a filter tree, in part, with their number, and a known revision is not sent again', async () => {
    const app = await startLockers(await options())
    for (const stream of ['a', 'b', 'c']) {
      await post(app, `/api/streams/${stream}/events`, { events: [opened('anna')] })
    }
    await post(app, '/api/projections/lockers/wait', {})
    const answer = await post(app, '/api/collections/lockers/query', {
      where: { kind: 'compare', path: ['isOpen'], operator: 'eq', value: true },
      orderBy: [{ path: ['id'], direction: 'descending' }],
      limit: 2,
      select: { open: ['isOpen'] },
      withTotal: true,
    })
    expect(shapes.queryBody.parse(await answer.json())).toMatchObject({
      documents: [
        { id: 'c', document: { open: true } },
        { id: 'b', document: { open: true } },
      ],
      total: 3,
    })
    const one = await request(app, '/api/collections/lockers/documents/a')
    const etag = String(one.headers.get('etag'))
    const again = await request(app, '/api/collections/lockers/documents/a', {
      headers: { 'if-none-match': `"other", ${etag}` },
    })
    expect([one.status, again.status, again.headers.get('etag')]).toEqual([200, 304, etag])
    const wrong = await post(app, '/api/collections/lockers/query', { where: { kind: 'nonsense' } })
    expect([wrong.status, await codeOf(wrong)]).toEqual([400, 'QUERY_INVALID'])
  })

  test('what was appended is there after a restart, and the projections go on where they were', async () => {
    const engine = { ...(await options()), dataDirectory: await temporaryDirectory() }
    const first = await startLockers(engine)
    await post(first, '/api/streams/locker-7/events', { events: [opened('anna')] })
    await first.close()
    const second = await startLockers({ ...engine, storeMigrate: 'check' })
    await post(second, '/api/streams/locker-7/events', { events: [opened('ben')], expectedVersion: 1 })
    await post(second, '/api/projections/lockers/wait', {})
    expect(await second.store.load(Lockers, 'locker-7')).toMatchObject({ openings: 2 })
    await second.close()
  })

  test('under "check" an application does not start on a database that lacks something', async () => {
    const engine = await options()
    await expect(startLockers({ ...engine, storeMigrate: 'check' })).rejects.toMatchObject({
      code: 'STORE_SCHEMA_DIFFERS',
    })
  })

  test('code beside the API saves documents and events in one unit', async () => {
    const app = await startLockers(await options())
    await using session = app.store.session()
    const { events } = session
    const appended = events.append('locker-9', [Opened.draft({ by: 'carl' })])
    session.store(Lockers, { id: 'by-hand', isOpen: false, openings: 0 })
    await session.saveChanges()
    expect(appended.version).toBe(1)
    expect(await app.store.load(States, 'locker-9')).toEqual({ id: 'locker-9', isOpen: true })
    expect(await app.events.readStream('locker-9').toArray()).toHaveLength(1)
  })
})

test('an application declares each of its collections once, with all that Millrace keeps beside them', async () => {
  const { schemaOfApp } = await import('@millrace/server')
  const names = schemaOfApp(lockers.definition).collections.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(names).toEqual(expect.arrayContaining(['lockers', 'states', 'millrace-fleet', 'millrace-leases']))
})
