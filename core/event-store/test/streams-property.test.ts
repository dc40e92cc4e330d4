import type { EventStore } from '@millrace/event-store'
import { isMillraceError } from '@millrace/kernel'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { allOf, eventOf, openShop } from './shop.ts'

const STREAMS = ['a', 'b'] as const

/** The store as plain arrays. */
class Model {
  readonly feed: { readonly id: string; readonly stream?: string; readonly published: boolean }[] = []
  readonly streams = new Map<string, { ids: string[]; state: 'open' | 'archived' | 'tombstoned' }>()

  /** The code of the refusal, or undefined if the events were taken. */
  append(
    stream: string,
    ids: readonly string[],
    expected: number | 'any',
    published: boolean,
  ): string | undefined {
    const known = this.streams.get(stream) ?? { ids: [], state: 'open' as const }
    if (known.state !== 'open') return 'STREAM_ENDED'
    if (expected !== 'any' && expected !== known.ids.length) return 'STREAM_CONFLICT'
    known.ids.push(...ids)
    this.streams.set(stream, known)
    for (const id of ids) this.feed.push({ id, stream, published })
    return undefined
  }

  end(stream: string, state: 'archived' | 'tombstoned'): void {
    const known = this.streams.get(stream)
    if (known === undefined || known.state === 'tombstoned') return
    known.state = state
  }

  visible(): string[] {
    const isOpen = (stream: string | undefined) =>
      stream === undefined || this.streams.get(stream)?.state === 'open'
    return this.feed.filter(({ stream }) => isOpen(stream)).map(({ id }) => id)
  }
}

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      stream: fc.constantFrom(...STREAMS),
      count: fc.integer({ min: 1, max: 4 }),
      expected: fc.constantFrom('any' as const, 'right' as const, 'wrong' as const, 'none' as const),
      publish: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('publish' as const), count: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      state: fc.constantFrom('archived' as const, 'tombstoned' as const),
      stream: fc.constantFrom(...STREAMS),
    }),
  },
)

const window = fc.record(
  {
    direction: fc.constantFrom('forwards' as const, 'backwards' as const),
    fromVersion: fc.integer({ min: 1, max: 12 }),
    toVersion: fc.integer({ min: 1, max: 12 }),
    limit: fc.integer({ min: 0, max: 12 }),
  },
  { requiredKeys: [] },
)

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never
type Window = typeof window extends fc.Arbitrary<infer Value> ? Value : never

async function take(events: EventStore, model: Model, each: Step, nextId: () => string): Promise<void> {
  if (each.kind === 'end') {
    model.end(each.stream, each.state)
    // A tombstoned stream cannot be archived any more.
    return each.state === 'archived'
      ? events.archive(each.stream).catch(ignoreEnd)
      : events.tombstone(each.stream)
  }
  const ids = Array.from({ length: each.count }, nextId)
  const inputs = ids.map((id) => eventOf(id))
  if (each.kind === 'publish') {
    await events.publish(inputs)
    for (const id of ids) model.feed.push({ id, published: true })
    return
  }
  const length = model.streams.get(each.stream)?.ids.length ?? 0
  const expected = { any: 'any', none: 0, right: length, wrong: length + 1 }[each.expected] as number | 'any'
  const refusal = model.append(each.stream, ids, expected, each.publish)
  const appending = events.append(each.stream, inputs, { expectedVersion: expected, publish: each.publish })
  if (refusal === undefined) {
    expect(await appending).toMatchObject({ version: length + each.count })
  } else {
    await expect(appending).rejects.toMatchObject({ code: refusal })
  }
}

function ignoreEnd(error: unknown): void {
  if (!isMillraceError(error, 'STREAM_ENDED')) throw error
}

/** The versions that a reading gives, from an array. */
function slice(
  length: number,
  { direction = 'forwards', fromVersion, toVersion, limit = 100 }: Window,
): number[] {
  const all = Array.from({ length }, (_, index) => index + 1)
  const isForwards = direction === 'forwards'
  const from = fromVersion ?? (isForwards ? 1 : length)
  const to = toVersion ?? (isForwards ? length : 1)
  const ordered = isForwards ? all : all.toReversed()
  const isWithin = (version: number) =>
    isForwards ? version >= from && version <= to : version <= from && version >= to
  return ordered.filter(isWithin).slice(0, limit)
}

test('streams and the feed are what plain arrays say, after any history and for any window', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 20 }),
      fc.array(window, { maxLength: 4 }),
      async (steps, windows) => {
        const { events } = await openShop()
        const model = new Model()
        let number = 0
        const nextId = () => {
          number += 1
          return `e${number}`
        }
        for (const each of steps) await take(events, model, each, nextId)
        for (const stream of STREAMS) {
          const known = model.streams.get(stream)
          const info = await events.streamInfo(stream)
          expect(info?.state).toBe(known?.state)
          if (known?.state === 'tombstoned') {
            await expect(events.readStream(stream).toArray()).rejects.toMatchObject({ code: 'STREAM_ENDED' })
            continue
          }
          const ids = known?.ids ?? []
          expect(info?.version ?? 0).toBe(ids.length)
          for (const options of [{}, ...windows]) {
            const read = await events.readStream(stream, options).toArray()
            const versions = slice(ids.length, options)
            expect(read.map(({ version }) => version)).toEqual(versions)
            expect(read.map(({ id }) => id)).toEqual(versions.map((version) => ids[version - 1]))
          }
        }
        const feed = await allOf(events.feed({ until: 'end', pageEventsMax: 3 }))
        expect(feed.map(({ id }) => id)).toEqual(model.visible())
        const positions = feed.map(({ position }) => position)
        expect(positions).toEqual(positions.toSorted((a, b) => a - b))
      },
    ),
    { numRuns: 200 },
  )
})
