import type { StreamRead, WriteOperation } from '@millrace/documents'
import { describe, expect, test } from 'vitest'
import { codeOf, type DatabaseFactory, refusal, useTenant } from './database-harness.ts'
import { append, event } from './database-operations.ts'

const SCHEMA = { collections: [] }

const archive = (stream: string): WriteOperation => ({ kind: 'archive', stream })
const tombstone = (stream: string): WriteOperation => ({ kind: 'tombstone', stream })

/** Streams of events: appending, reading, ending. */
export function databaseStreamTests(open: DatabaseFactory): void {
  const tenant = useTenant(open, SCHEMA)
  describe('appending', () => appendTests(tenant))
  describe('under an expected version', () => versionTests(tenant))
  describe('reading', () => readTests(tenant))
  describe('ending', () => endTests(tenant))
}

type ByTenant = ReturnType<typeof useTenant>

function appendTests(tenant: ByTenant): void {
  test('the first event of a stream has version 1, and the next ones follow', async () => {
    const [first] = await tenant().commit([append('s', ['a'])])
    expect(first).toMatchObject({ version: 1 })
    const [second, third] = await tenant().commit([append('s', ['b', 'c']), append('s', ['d'])])
    expect([second?.version, third?.version]).toEqual([3, 4])
    const events = await tenant().stream('s')
    expect(events.map(({ type, version }) => [type, version])).toEqual([
      ['a', 1],
      ['b', 2],
      ['c', 3],
      ['d', 4],
    ])
    const positions = events.map((each) => each.position)
    expect([first?.position, second?.position, third?.position]).toEqual([
      positions[0],
      positions[2],
      positions[3],
    ])
    expect(positions).toEqual([...new Set(positions)].sort((left, right) => left - right))
    expect(positions[0]).toBeGreaterThan(0)
  })

  test('an event comes back as it was, with all that the store knows of it', async () => {
    const written = event('käse 🧀', { 'a"b': ["'", null, 1.5, '\\'] }, { topic: "t'1", id: 'e"1' })
    const [result] = await tenant().commit(
      [{ kind: 'append', stream: 's 1', streamType: 'bench', events: [written] }],
      {
        correlationId: 'c1',
        causationId: 'e0',
      },
    )
    const [stored] = await tenant().stream('s 1')
    expect(stored).toEqual({
      ...written,
      stream: 's 1',
      streamType: 'bench',
      version: 1,
      position: result?.position,
      tenant: tenant().name,
      recordedAtMs: expect.any(Number),
      correlationId: 'c1',
      causationId: 'e0',
    })
  })

  test('what an event does not have is not there', async () => {
    await tenant().commit([append('s', ['a'])])
    const [stored] = await tenant().stream('s')
    expect(Object.keys(stored!).sort()).toEqual([
      'id',
      'position',
      'recordedAtMs',
      'stream',
      'tenant',
      'text',
      'type',
      'version',
    ])
  })

  test('the text of an event comes back to the last character', async () => {
    const texts = [
      '{"b": 1,  "a": 2, "b": 3}',
      '{"n": 1.0, "m": 1e2, "big": 12345678901234567890}',
      String.raw`{"escaped": "\u0041\/\u00e9\u0001"}`,
      String.raw`{"data": "\u0000 \ud800"}`,
      `{"text": "${'ä'.repeat(100_000)}"}`,
      `{"text": "${'x'.repeat(1_000_000)}"}`,
    ]
    await tenant().commit([
      { kind: 'append', stream: 's', events: texts.map((text) => event('big', 0, { text })) },
    ])
    const read = await tenant().stream('s')
    // Compared one by one: a difference in a text of a million characters is no message to read.
    expect(read.map(({ text }, index) => text === texts[index])).toEqual(texts.map(() => true))
  })

  test('the type of a stream is set when it begins, and left alone after that', async () => {
    await tenant().commit([append('s', ['a'], { streamType: 'bench' })])
    await tenant().commit([append('s', ['b'], { streamType: 'vent' }), append('s', ['c'])])
    await tenant().commit([append('t', ['a']), append('t', ['b'], { streamType: 'vent' })])
    const [infos] = await tenant().database.read([
      { kind: 'stream-info', streams: ['s', 't'], tenant: tenant().name },
    ])
    const types = Object.fromEntries(infos.map(({ stream, streamType }) => [stream, streamType]))
    expect(types).toEqual({ s: 'bench', t: undefined })
    expect((await tenant().stream('s')).map(({ streamType }) => streamType)).toEqual([
      'bench',
      'bench',
      'bench',
    ])
  })

  test.each(["'; DROP TABLE events; --", 'ä🧀', ' ', '$1', '%', 's.t', 'S', 'x'.repeat(500)])(
    'the stream %j is one like any other',
    async (stream) => {
      await tenant().commit([append(stream, ['a']), append('s', ['b'])])
      expect(await tenant().types(stream)).toEqual(['a'])
    },
  )

  test('a thousand events are appended in one operation, in order', async () => {
    const types = Array.from({ length: 1_000 }, (_, index) => `type ${index}`)
    expect(await tenant().commit([append('s', types)])).toMatchObject([{ version: 1_000 }])
    expect(await tenant().types('s')).toEqual(types)
  })

  test('many appends at once without an expected version lose nothing', async () => {
    const units = Array.from({ length: 50 }, (_, index) =>
      tenant().commit([append('s', [`a${index}`, `b${index}`])]),
    )
    const versions = (await Promise.all(units)).map(([result]) => result?.version)
    expect(versions.sort((left, right) => left! - right!)).toEqual(units.map((_, index) => 2 * index + 2))
    const types = await tenant().types('s')
    expect(types).toHaveLength(100)
    for (let at = 0; at < 100; at += 2) expect(types[at + 1]).toBe(types[at]?.replace('a', 'b'))
  })
}

function versionTests(tenant: ByTenant): void {
  test.each([
    ['none, and there is one', 0, 2],
    ['one that has passed', 1, 2],
    ['one that has not come', 3, 2],
  ])('expecting %s is a conflict that names both versions', async (_, expectedVersion, seen) => {
    await tenant().commit([append('s', ['a', 'b'])])
    const error = await refusal(
      tenant().commit([append('new', ['x']), append('s', ['c'], { expectedVersion })]),
      'STREAM_CONFLICT',
    )
    expect(error.parameters).toMatchObject({ stream: 's', seen, expected: expectedVersion })
    expect(error.message).toContain(`version ${seen}`)
    expect(await tenant().types('s')).toEqual(['a', 'b'])
    expect(await tenant().types('new')).toEqual([])
  })

  test('expecting a version of a stream that does not exist is a conflict with version 0', async () => {
    const error = await refusal(
      tenant().commit([append('s', ['a'], { expectedVersion: 1 })]),
      'STREAM_CONFLICT',
    )
    expect(error.parameters).toMatchObject({ seen: 0, expected: 1 })
  })

  test('expected versions that hold let the events pass, also inside of one unit', async () => {
    const results = await tenant().commit([
      append('s', ['a', 'b'], { expectedVersion: 0 }),
      append('s', ['c'], { expectedVersion: 2 }),
      append('t', ['x'], { expectedVersion: 0 }),
    ])
    expect(results.map(({ version }) => version)).toEqual([2, 3, 1])
    expect(await tenant().commit([append('s', ['d'], { expectedVersion: 3 })])).toMatchObject([
      { version: 4 },
    ])
  })

  test('of many writers that expect the same version, one wins', async () => {
    await tenant().commit([append('s', ['begin'])])
    const units = Array.from({ length: 20 }, (_, index) =>
      codeOf(tenant().commit([append('s', [`w${index}`], { expectedVersion: 1 })])),
    )
    const codes = await Promise.all(units)
    expect(codes.filter((code) => code === 'no error')).toHaveLength(1)
    expect(codes.filter((code) => code === 'STREAM_CONFLICT')).toHaveLength(19)
    expect(await tenant().types('s')).toEqual(['begin', `w${codes.indexOf('no error')}`])
  })

  test('of many writers that begin the same stream, one wins', async () => {
    const units = Array.from({ length: 20 }, (_, index) =>
      codeOf(tenant().commit([append('s', [`w${index}`], { expectedVersion: 0 })])),
    )
    const codes = await Promise.all(units)
    expect(codes.filter((code) => code === 'no error')).toHaveLength(1)
    expect(await tenant().types('s')).toEqual([`w${codes.indexOf('no error')}`])
  })
}

type Range = Pick<StreamRead, 'direction' | 'fromVersion' | 'toVersion' | 'limit'>

/** Of a stream with the versions 1 to 5. */
const RANGES: readonly (readonly [Range, readonly number[]])[] = [
  [{}, [1, 2, 3, 4, 5]],
  [{ fromVersion: 1 }, [1, 2, 3, 4, 5]],
  [{ fromVersion: 3 }, [3, 4, 5]],
  [{ fromVersion: 5 }, [5]],
  [{ fromVersion: 6 }, []],
  [{ toVersion: 3 }, [1, 2, 3]],
  [{ toVersion: 9 }, [1, 2, 3, 4, 5]],
  [{ fromVersion: 2, toVersion: 4 }, [2, 3, 4]],
  [{ fromVersion: 3, toVersion: 3 }, [3]],
  [{ fromVersion: 4, toVersion: 2 }, []],
  [{ limit: 2 }, [1, 2]],
  [{ fromVersion: 3, limit: 1 }, [3]],
  [{ fromVersion: 2, toVersion: 4, limit: 2 }, [2, 3]],
  [{ limit: 0 }, []],
  [{ direction: 'backwards' }, [5, 4, 3, 2, 1]],
  [{ direction: 'backwards', fromVersion: 3 }, [3, 2, 1]],
  [{ direction: 'backwards', fromVersion: 9 }, [5, 4, 3, 2, 1]],
  [{ direction: 'backwards', toVersion: 3 }, [5, 4, 3]],
  [{ direction: 'backwards', fromVersion: 4, toVersion: 2 }, [4, 3, 2]],
  [{ direction: 'backwards', fromVersion: 2, toVersion: 4 }, []],
  [{ direction: 'backwards', limit: 2 }, [5, 4]],
  [{ direction: 'backwards', fromVersion: 3, limit: 2 }, [3, 2]],
  [{ direction: 'backwards', limit: 1 }, [5]],
]

function readTests(tenant: ByTenant): void {
  test.each(RANGES)('reading %j gives the versions %j', async (range, versions) => {
    await tenant().commit([append('s', ['a', 'b', 'c', 'd', 'e']), append('t', ['x'])])
    const events = await tenant().stream('s', { ...range, direction: range.direction ?? 'forwards' })
    expect(events.map(({ version }) => version)).toEqual(versions)
    if (range.direction === undefined) expect(await tenant().stream('s', range)).toEqual(events)
  })

  test('a stream that does not exist has no events', async () => {
    expect(await tenant().stream('none')).toEqual([])
    expect(await tenant().stream('none', { direction: 'backwards', fromVersion: 3 })).toEqual([])
  })

  test('a stream can be read as it was at a time', async () => {
    await tenant().commit([append('s', ['a', 'b'])])
    const firstMs = await tenant().laterMs()
    await tenant().commit([append('s', ['c'])])
    const secondMs = await tenant().laterMs()
    await tenant().commit([append('s', ['d'])])
    expect(await tenant().types('s', { atMs: firstMs })).toEqual(['a', 'b'])
    expect(await tenant().types('s', { atMs: secondMs })).toEqual(['a', 'b', 'c'])
    expect(await tenant().types('s', { atMs: secondMs, direction: 'backwards', limit: 2 })).toEqual([
      'c',
      'b',
    ])
    expect(await tenant().types('s', { atMs: secondMs, fromVersion: 3 })).toEqual(['c'])
    expect(await tenant().types('s', { atMs: 0 })).toEqual([])
    const [third] = await tenant().stream('s', { fromVersion: 3 })
    expect(await tenant().types('s', { atMs: third!.recordedAtMs }), 'at the very time').toEqual([
      'a',
      'b',
      'c',
    ])
    expect(await tenant().types('s', { atMs: third!.recordedAtMs - 1 })).toEqual(['a', 'b'])
  })

  test('a read without a limit gives 1,000 events, a limit of 10,000 all of 1,001', async () => {
    await tenant().commit([
      append(
        's',
        Array.from({ length: 1_001 }, () => 'a'),
      ),
    ])
    expect(await tenant().stream('s')).toHaveLength(1_000)
    expect(await tenant().stream('s', { limit: 10_000 })).toHaveLength(1_001)
    const [last] = await tenant().stream('s', { fromVersion: 1_001 })
    expect(last?.version).toBe(1_001)
  })

  test('what is known about a stream is its version, its state and its times', async () => {
    await tenant().commit([append('s', ['a'], { streamType: 'bench' })])
    const laterMs = await tenant().laterMs()
    await tenant().commit([append('s', ['b', 'c'])])
    const read = { kind: 'stream-info', streams: ['none', 's', 's'], tenant: tenant().name } as const
    const [infos] = await tenant().database.read([read])
    expect(infos).toEqual([
      {
        stream: 's',
        streamType: 'bench',
        version: 3,
        state: 'open',
        createdAtMs: expect.any(Number),
        changedAtMs: expect.any(Number),
      },
    ])
    expect(infos[0]!.createdAtMs).toBeLessThan(laterMs)
    expect(infos[0]!.changedAtMs).toBeGreaterThan(laterMs)
    expect(await tenant().database.read([{ ...read, streams: [] }])).toEqual([[]])
  })
}

function endTests(tenant: ByTenant): void {
  const infoOf = async (stream: string) => {
    const [infos] = await tenant().database.read([
      { kind: 'stream-info', streams: [stream], tenant: tenant().name },
    ])
    return infos[0]
  }

  test('an archived stream can be read, and takes no more events', async () => {
    await tenant().commit([append('s', ['a', 'b'], { streamType: 'bench' })])
    await tenant().commit([archive('s')])
    expect(await tenant().types('s')).toEqual(['a', 'b'])
    expect(await infoOf('s')).toMatchObject({ state: 'archived', version: 2, streamType: 'bench' })
    for (const rest of [{}, { expectedVersion: 2 }]) {
      const error = await refusal(tenant().commit([append('s', ['c'], rest)]), 'STREAM_ENDED')
      expect(error.parameters).toMatchObject({ stream: 's', state: 'archived' })
    }
    expect(await tenant().types('s')).toEqual(['a', 'b'])
  })

  test('archiving a stream again, or one that does not exist, does nothing', async () => {
    await tenant().commit([append('s', ['a']), archive('s')])
    await tenant().commit([archive('s'), archive('none'), append('none', ['begins'])])
    expect(await infoOf('s')).toMatchObject({ state: 'archived' })
    expect(await infoOf('none')).toMatchObject({ state: 'open', version: 1 })
  })

  test('a tombstoned stream can be neither read nor written, and keeps its version', async () => {
    await tenant().commit([append('s', ['a', 'b']), append('other', ['x'])])
    await tenant().commit([tombstone('s')])
    const error = await refusal(tenant().stream('s'), 'STREAM_ENDED')
    expect(error.parameters).toMatchObject({ stream: 's', state: 'tombstoned' })
    expect(await codeOf(tenant().stream('s', { direction: 'backwards', limit: 1 }))).toBe('STREAM_ENDED')
    for (const rest of [{}, { expectedVersion: 2 }]) {
      expect(await codeOf(tenant().commit([append('s', ['c'], rest)]))).toBe('STREAM_ENDED')
    }
    expect(await codeOf(tenant().commit([archive('s')]))).toBe('STREAM_ENDED')
    expect(await infoOf('s')).toMatchObject({ state: 'tombstoned', version: 2 })
    expect(await tenant().types('other')).toEqual(['x'])
  })

  test('an archived stream can be tombstoned; again, or where there is none, it does nothing', async () => {
    await tenant().commit([append('s', ['a']), archive('s')])
    await tenant().commit([tombstone('s'), tombstone('none')])
    await tenant().commit([tombstone('s'), append('none', ['begins'])])
    expect(await infoOf('s')).toMatchObject({ state: 'tombstoned' })
    expect(await tenant().types('none')).toEqual(['begins'])
  })

  test('the positions of a tombstoned stream are not used again', async () => {
    const [before] = await tenant().commit([append('s', ['a', 'b', 'c'])])
    await tenant().commit([tombstone('s')])
    const [after] = await tenant().commit([append('t', ['a'])])
    expect(after!.position).toBeGreaterThan(before!.position!)
  })

  test('a stream that ends in a unit takes no more events in the same unit', async () => {
    for (const end of [archive('s'), tombstone('s')]) {
      expect(await codeOf(tenant().commit([append('s', ['a']), end, append('s', ['b'])]))).toBe(
        'STREAM_ENDED',
      )
      expect(await tenant().types('s')).toEqual([])
    }
  })

  test('a unit can end one stream and begin another', async () => {
    await tenant().commit([append('s', ['a'])])
    await tenant().commit([append('s', ['last']), archive('s'), append('t', ['first'])])
    expect(await tenant().types('s')).toEqual(['a', 'last'])
    expect(await tenant().types('t')).toEqual(['first'])
  })
}
