import { type SaveHook, type SessionEvents, type StoredEvent, saveAttemptsMax } from '@millrace/documents'
import { decodeJson, event } from '@millrace/kernel'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { Benches, bench, codeOf, openGreenhouse, plant, Rooms } from './greenhouse.ts'

const Planted = event('bench.planted', z.object({ plant: z.string() }))
const Alarm = event('bench.alarm', z.object({ celsius: z.number() }), { topic: 'alarms' })

async function streamOf(
  database: Awaited<ReturnType<typeof openGreenhouse>>['database'],
  stream: string,
  tenant = '',
) {
  const [events] = await database.read([{ kind: 'stream', stream, tenant }])
  return events as readonly StoredEvent[]
}

describe('events of a session', () => {
  test('are saved with the documents or not at all', async () => {
    const { store, database } = await openGreenhouse()
    await using session = store.session()
    session.store(Benches, bench('b1'))
    const started = session.events.start('bench-b1', [Planted.draft({ plant: 'tomato' })], {
      streamType: 'bench',
    })
    const appended = session.events.append('bench-b1', [
      Alarm.draft({ celsius: 36 }),
      Alarm.draft({ celsius: 37 }),
    ])
    expect([started.version, started.position]).toEqual([undefined, undefined])
    await session.saveChanges()
    expect([started.version, appended.version]).toEqual([1, 3])
    const stored = await streamOf(database, 'bench-b1')
    expect(stored.map(({ version, type }) => [version, type])).toEqual([
      [1, 'bench.planted'],
      [2, 'bench.alarm'],
      [3, 'bench.alarm'],
    ])
    expect(stored[2]?.position).toBe(appended.position)
    expect(stored.map(({ id }) => id)).toEqual([...started.events, ...appended.events].map(({ id }) => id))
    session.store(Benches, bench('b2'))
    session.events.start('bench-b1', [Planted.draft({ plant: 'bean' })])
    expect(await codeOf(session.saveChanges())).toBe('STREAM_CONFLICT')
    expect(await store.load(Benches, 'b2')).toBeUndefined()
    expect(await streamOf(database, 'bench-b1')).toHaveLength(3)
  })

  test('get ids, times, the source of the store, and what the session or their cause says', async () => {
    const { store, database, runtime } = await openGreenhouse({ source: '/greenhouse' })
    const cause = decodeJson(
      '{"specversion":"1.0","id":"e0","type":"x","source":"/s","time":"2026-01-01T00:00:00Z","correlationid":"c0"}',
    )
    await using session = store.session({ tenant: 't1', correlationId: 'c1', causationId: 'e1' })
    session.events.append('s', [Planted.draft({ plant: 'bean' }, { subject: 'b1' })], {
      expectedVersion: 'none',
    })
    session.events.append('s', [Planted.draft({ plant: 'pea' })], { expectedVersion: 1, cause })
    session.events.append('s', [{ ...cause, data: null }], { expectedVersion: 'any' })
    await session.saveChanges()
    const stored = await streamOf(database, 's', 't1')
    expect(stored.map(({ text }) => JSON.parse(text))).toMatchObject([
      {
        source: '/greenhouse',
        subject: 'b1',
        time: '2026-01-01T00:00:00.000Z',
        correlationid: 'c1',
        causationid: 'e1',
      },
      { source: '/greenhouse', correlationid: 'c0', causationid: 'e0' },
      { id: 'e0', source: '/s' },
    ])
    expect(stored[0]).toMatchObject({
      tenant: 't1',
      correlationId: 'c1',
      causationId: 'e1',
      recordedAtMs: runtime.clock.now(),
    })
    await using caused = store.session({ cause })
    caused.store(Benches, bench('b1'))
    await caused.saveChanges()
    const { metadata } = (await store.loadWithMetadata(Benches, 'b1'))!
    expect(metadata).toMatchObject({ correlationId: 'c0', causationId: 'e0' })
  })

  test('go to the bus on their own topics when they are published', async () => {
    const { store, database } = await openGreenhouse()
    await using session = store.session()
    const at = Date.UTC(2026, 5, 1)
    const published = session.events.publish([
      Alarm.draft({ celsius: 1 }),
      Planted.draft({ plant: 'pea' }, { deliverAtMs: at }),
    ])
    session.events.append('s', [Alarm.draft({ celsius: 2 })], { publish: true })
    session.events.append('s', [Alarm.draft({ celsius: 3 })])
    await session.saveChanges()
    const [{ events }] = await database.read([{ kind: 'feed', after: 0, withTopicOnly: true }])
    expect(events.map(({ topic, version }) => [topic, version])).toEqual([
      ['alarms', 0],
      ['bench.planted', 0],
      ['alarms', 1],
    ])
    expect(JSON.parse(events[1]!.text).deliverat).toBe('2026-06-01T00:00:00.000Z')
    expect(published.position).toBe(events[1]!.position)
  })

  test('end streams', async () => {
    const { store, database } = await openGreenhouse()
    await using session = store.session()
    for (const stream of ['s1', 's2']) session.events.append(stream, [Planted.draft({ plant: 'pea' })])
    await session.saveChanges()
    session.events.archive('s1')
    session.events.tombstone('s2')
    await session.saveChanges()
    expect(await streamOf(database, 's1')).toHaveLength(1)
    expect(await codeOf(streamOf(database, 's2'))).toBe('STREAM_ENDED')
  })

  test('that are none are refused where they are said', async () => {
    const { store } = await openGreenhouse()
    const broken = { ...Planted.draft({ plant: 'x' }), subject: '\u0000' }
    expect(await codeOf(() => store.session().events.append('s', [broken]))).toBe('EVENT_INVALID')
  })
})

describe('a hook', () => {
  /** Counts a bench's events in its document, as an inline projection does. */
  const counting: SaveHook = async ({ events, reader }) => {
    const streams = [...new Set(events.flatMap(({ stream }) => stream ?? []))]
    const operations = streams.map(async (id) => {
      const known = await reader.loadWithMetadata(Benches, id)
      const added = events.filter(({ stream }) => stream === id).flatMap((each) => each.events).length
      const celsius = (known?.document.celsius ?? 0) + added
      return {
        kind: 'store',
        collection: 'benches',
        id,
        text: JSON.stringify(bench(id, { celsius })),
        expectedRevision: known?.metadata.revision ?? 0,
      } as const
    })
    return Promise.all(operations)
  }

  test('adds to the unit, and sees what is in it', async () => {
    const seen: unknown[] = []
    const noting: SaveHook = async ({ operations, events, options, attempt }) => {
      seen.push({
        kinds: operations.map(({ kind }) => kind),
        versions: events.map((each) => each.expectedVersion),
        options,
        attempt,
      })
      return []
    }
    const { store } = await openGreenhouse({ hooks: [counting, noting] })
    await using session = store.session({ tenant: 't1', correlationId: 'c1' })
    session.store(Rooms, { id: 'r1', name: 'x' })
    session.events.start('b1', [Planted.draft({ plant: 'pea' }), Planted.draft({ plant: 'bean' })])
    await session.saveChanges()
    const [told] = seen
    expect(told).toEqual({
      kinds: ['store', 'append', 'store'],
      versions: [0],
      options: { tenant: 't1', correlationId: 'c1' },
      attempt: 1,
    })
    expect(await store.query(Benches).count()).toBe(0)
  })

  test('runs again when a document that it writes was changed by somebody else', async () => {
    let attempts = 0
    const meanwhile: (() => Promise<void>)[] = []
    const slow: SaveHook = async (unit) => {
      attempts += 1
      const operations = await counting(unit)
      await meanwhile.pop()?.()
      return operations
    }
    const { store } = await openGreenhouse({ hooks: [slow] })
    meanwhile.push(() => plant(store, bench('b1', { celsius: 10 })))
    await using session = store.session()
    const appended = session.events.append('b1', [Planted.draft({ plant: 'pea' })])
    await session.saveChanges()
    expect(attempts).toBe(3)
    expect((await store.load(Benches, 'b1'))?.celsius).toBe(11)
    expect(appended.version).toBe(1)
  })

  test('runs only so often, and not for a conflict over a document of the session itself', async () => {
    let attempts = 0
    const late: SaveHook = async () => {
      attempts += 1
      return [{ kind: 'store', collection: 'benches', id: 'b1', text: '{}', expectedRevision: 7 }]
    }
    const { store } = await openGreenhouse({ hooks: [late] })
    await using session = store.session()
    session.events.append('s', [Planted.draft({ plant: 'pea' })])
    expect(await codeOf(session.saveChanges())).toBe('DOCUMENT_CONFLICT')
    expect(attempts).toBe(saveAttemptsMax)
    session.store(Benches, bench('b1'), { expectedRevision: 3 })
    expect(await codeOf(session.saveChanges())).toBe('DOCUMENT_CONFLICT')
    expect(attempts).toBe(saveAttemptsMax + 1)
  })

  test('that throws leaves everything as it was, to be saved again', async () => {
    let isBroken = true
    const { store, database } = await openGreenhouse({
      hooks: [
        async () => {
          if (isBroken) throw new TypeError('broken')
          return []
        },
      ],
    })
    await using session = store.session()
    const events: SessionEvents = session.events.append('s', [Planted.draft({ plant: 'pea' })])
    await expect(session.saveChanges()).rejects.toThrow('broken')
    expect(await streamOf(database, 's')).toHaveLength(0)
    isBroken = false
    await session.saveChanges()
    expect(events.version).toBe(1)
  })

  test('is not asked when there is nothing to save', async () => {
    const { store } = await openGreenhouse({ hooks: [() => Promise.reject(new TypeError('asked'))] })
    await store.session().saveChanges()
    await using session = store.session()
    session.patch(Benches, 'b1')
    await session.saveChanges()
  })
})
