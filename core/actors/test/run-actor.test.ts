import { type Bus, eventToMessage, messageToEvent, readDeadLetters } from '@millrace/bus'
import { type Event, event, millraceError } from '@millrace/kernel'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { type ActorResult, actor } from '../src/index.ts'
import { Alarm, Note, newWorld, OpenVent, Reading, reading } from './world.ts'

const tooHot = actor('too-hot', { on: Reading }, (cause) =>
  cause.data.celsius > 35
    ? [Alarm.from(cause, cause.data), OpenVent.to(String(cause.subject), { percent: 80 }, { cause })]
    : [],
)

async function causesOfDeath(bus: Bus): Promise<string[]> {
  const { letters } = await readDeadLetters(bus, Reading.type)
  return letters.map(({ cause }) => cause.code)
}

describe('an actor', () => {
  test('turns an event into events and commands that name their cause', async () => {
    const world = await newWorld()
    const processor = await world.run(tooHot)
    await world.publish(reading('bench-1', 1, 20), reading('bench-1', 2, 40))
    await world.until(() => processor.stats.handled === 2)
    const alarms = await world.events(Alarm.type)
    expect(alarms).toMatchObject([
      {
        type: 'greenhouse.alarm',
        source: '/actors/too-hot',
        subject: 'bench-1',
        extensions: { causationid: '2', correlationid: '2' },
        data: { celsius: 40 },
      },
    ])
    expect([...world.commands.values()]).toMatchObject([
      { device: 'bench-1', name: 'open-vent', data: { percent: 80 }, causationId: '2', correlationId: '2' },
    ])
  })

  test('gives the same events and commands the same ids when it is handled again, and publishes nothing twice', async () => {
    let isCommitting = false
    // A commit that never arrives: as if the process died between publishing and committing.
    const world = await newWorld((bus) => ({
      ...delegate(bus),
      subscribe: async (options) => {
        const subscription = await bus.subscribe(options)
        const commit = subscription.commit.bind(subscription)
        subscription.commit = (positions) => (isCommitting ? commit(positions) : new Promise(() => {}))
        return subscription
      },
    }))
    const first = await world.run(tooHot)
    await world.publish(reading('bench-1', 1, 40), reading('bench-2', 1, 41), reading('bench-1', 2, 42))
    await world.until(() => first.stats.handled === 3)
    const before = await world.events(Alarm.type)
    await first.stop()
    isCommitting = true
    await world.runtime.advance(60_000)
    const second = await world.run(tooHot)
    await world.until(() => second.stats.handled === 3)
    expect(await world.events(Alarm.type)).toEqual(before)
    expect(before).toHaveLength(3)
    expect(world.handovers).toHaveLength(6)
    expect(world.commands.size).toBe(3)
  })

  test('tells apart the events of two devices that use the same ids', async () => {
    const world = await newWorld()
    const processor = await world.run(tooHot)
    await world.publish(reading('bench-1', 1, 40), reading('bench-2', 1, 40))
    await world.until(() => processor.stats.handled === 2)
    expect(new Set((await world.events(Alarm.type)).map(({ id }) => id)).size).toBe(2)
  })

  test('passes a correlation on and keeps the causes and subjects that a draft names', async () => {
    const world = await newWorld()
    const processor = await world.run(
      actor('noter', { on: Reading }, (cause) => [
        Note.draft({ text: 'bare' }),
        Note.draft({ text: 'elsewhere' }, { subject: 'hall' }),
        Note.from({ ...cause, id: 'earlier' }, { text: 'of another' }),
      ]),
    )
    await world.publish({ ...reading('bench-1', 7, 20), extensions: { correlationid: 'round-1' } })
    await world.until(() => processor.stats.handled === 1)
    expect(await world.events(Note.type)).toMatchObject([
      { subject: 'bench-1', extensions: { causationid: '7', correlationid: 'round-1' } },
      { subject: 'hall', extensions: { causationid: '7', correlationid: 'round-1' } },
      { subject: 'bench-1', extensions: { causationid: 'earlier', correlationid: 'round-1' } },
    ])
  })

  test('publishes outputs of one topic in their order, and creates topics that are missing', async () => {
    const world = await newWorld()
    const processor = await world.run(
      actor('counter', { on: Reading }, (cause) =>
        [1, 2, 3].flatMap((text) => [
          Note.from(cause, { text: String(text) }),
          Alarm.from(cause, { celsius: text }),
        ]),
      ),
    )
    await world.publish(reading('bench-1', 1, 20))
    await world.until(() => processor.stats.handled === 1)
    expect((await world.events(Note.type)).map(({ data }) => data)).toEqual([
      { text: '1' },
      { text: '2' },
      { text: '3' },
    ])
    expect(await world.events(Alarm.type)).toHaveLength(3)
  })

  test('delays an event that asks for it', async () => {
    const world = await newWorld()
    const atMs = world.runtime.clock.now() + 5_000
    const later = actor('later', { on: Reading }, () => Note.draft({ text: 'later' }, { deliverAtMs: atMs }))
    const processor = await world.run(later)
    await world.publish(reading('bench-1', 1, 20))
    await world.until(() => processor.stats.handled === 1, 1_000)
    expect(await world.events(Note.type)).toHaveLength(0)
    await world.runtime.advance(5_000)
    expect(await world.events(Note.type)).toHaveLength(1)
  })

  test('gets the data as the schema converts it, the number of the try, the time and a signal', async () => {
    const world = await newWorld()
    const seen: unknown[] = []
    const processor = await world.run(
      actor('curious', { on: Reading }, (cause, { attempt, nowMs, signal }) => {
        seen.push({ data: cause.data, attempt, nowMs: nowMs > 0, aborted: signal.aborted })
        if (attempt === 1) throw new Error('once')
      }),
    )
    const extra = { ...reading('bench-1', 1, 20), data: { celsius: 20, unknown: true } }
    await world.publish(extra as Event)
    await world.until(() => processor.stats.handled === 1)
    const wanted = { data: { celsius: 20 }, nowMs: true, aborted: false }
    expect(seen).toEqual([
      { ...wanted, attempt: 1 },
      { ...wanted, attempt: 2 },
    ])
  })
})

describe('what an actor cannot use', () => {
  test('a message that is no event goes to the dead letters, and the next one is handled', async () => {
    const world = await newWorld()
    const processor = await world.run(tooHot)
    await world.bus.publish(Reading.type, [{ key: 'bench-1', headers: {}, value: new Uint8Array([1, 2]) }])
    await world.publish(reading('bench-1', 2, 40))
    await world.until(() => processor.stats.handled === 1)
    expect(await causesOfDeath(world.bus)).toEqual(['MESSAGE_UNREADABLE'])
    expect(processor.stats.retried).toBe(0)
  })

  test('an event of another type on the same topic is passed over in silence', async () => {
    const world = await newWorld()
    const processor = await world.run(tooHot)
    const foreign = eventToMessage({ ...reading('bench-1', 1, 40), type: 'something.else' })
    await world.bus.publish(Reading.type, [foreign])
    await world.publish(reading('bench-1', 2, 40))
    await world.until(() => processor.stats.handled === 2)
    expect(await causesOfDeath(world.bus)).toEqual([])
  })

  test('an actor listens to the topic that its event type names, and publishes to it', async () => {
    const world = await newWorld()
    const Shared = event('shared.note', z.object({ text: z.string() }), { topic: 'shared' })
    const echo = actor('echo', { on: Shared }, (note) =>
      note.data.text === 'hello' ? Shared.from(note, { text: 'echo' }) : undefined,
    )
    const processor = await world.run(echo)
    const note = { ...reading('bench-1', 1, 0), type: 'shared.note', data: { text: 'hello' } }
    await world.bus.publish('shared', [eventToMessage(note)])
    await world.until(() => processor.stats.handled === 2)
    const [, echoed] = await world.bus.read({ topic: 'shared', partition: 0, offset: 0 })
    expect(echoed && messageToEvent(echoed).data).toEqual({ text: 'echo' })
  })

  test('data that does not fit goes to the dead letters with what is wrong and where', async () => {
    const world = await newWorld()
    const processor = await world.run(tooHot)
    await world.publish({ ...reading('bench-1', 1, 0), data: { celsius: 'warm' } } as Event)
    await world.until(() => processor.stats.deadLettered === 1)
    expect(await causesOfDeath(world.bus)).toEqual(['EVENT_SCHEMA_MISMATCH'])
    const { letters } = await readDeadLetters(world.bus, Reading.type)
    expect(letters[0]?.cause.reason).toContain('celsius: ')
  })

  test.each([
    ['a number', 7, 'a number as output 0'],
    ['an object that is no draft', { celsius: 1 }, 'an object that is no draft as output 0'],
    ['null in a list', [Note.draft({ text: 'fine' }), null], 'null as output 1'],
    ['a whole event', [{ ...reading('b', 1, 1), kind: 'event' }], 'something of kind "event" as output 0'],
    [
      'too much',
      Array.from({ length: 1_001 }, () => Note.draft({ text: 'x' })),
      '1001 outputs, more than 1000',
    ],
    [
      'data that the declared type refuses',
      Alarm.draft({ celsius: 'hot' } as never),
      'does not fit its schema (celsius',
    ],
    ['a time that is none', Note.draft({ text: 'x' }, { deliverAtMs: Number.NaN }), 'deliverAtMs NaN'],
  ])(
    'a handler that returns %s is told so at once, and nothing is published',
    async (_, result: unknown, seen) => {
      const world = await newWorld()
      const wrong = actor('wrong', { on: Reading }, () => result as ActorResult)
      const processor = await world.run(wrong, { eventTypes: [Alarm] })
      await world.publish(reading('bench-1', 1, 20))
      await world.until(() => processor.stats.deadLettered === 1)
      const { letters } = await readDeadLetters(world.bus, Reading.type)
      expect(letters[0]?.cause).toMatchObject({ code: 'HANDLER_OUTPUT_INVALID', attempts: 1 })
      expect(letters[0]?.cause.reason).toContain(seen)
      expect(await world.events(Note.type)).toHaveLength(0)
    },
  )

  test('data that JSON cannot hold is refused as a bad event, not a crash', async () => {
    const world = await newWorld()
    const processor = await world.run(actor('big', { on: Reading }, () => Note.draft({ text: 1n } as never)))
    await world.publish(reading('bench-1', 1, 20))
    await world.until(() => processor.stats.deadLettered === 1)
    expect(await causesOfDeath(world.bus)).toEqual(['EVENT_INVALID'])
  })

  test('a handler that answers after its time limit has no effect', async () => {
    const world = await newWorld()
    const answer = Promise.withResolvers<void>()
    const slow = actor(
      'slow',
      { on: Reading, timeoutMs: 1_000, retry: { attemptsMax: 1 } },
      async (cause) => {
        await answer.promise
        return [Alarm.from(cause, cause.data), OpenVent.to('bench-1', { percent: 1 })]
      },
    )
    const processor = await world.run(slow)
    await world.publish(reading('bench-1', 1, 20))
    await world.until(() => processor.stats.deadLettered === 1)
    answer.resolve()
    await world.runtime.advance(1_000)
    expect(await causesOfDeath(world.bus)).toEqual(['HANDLER_TIMED_OUT'])
    expect(world.commands.size).toBe(0)
    expect(await world.events(Alarm.type)).toHaveLength(0)
  })

  test('an outlet that refuses a command gives the event up with that reason; the others are not touched', async () => {
    const world = await newWorld()
    const send = async (sent: readonly { readonly draft: { readonly device: string } }[]) => {
      const [first] = sent
      if (first?.draft.device === 'ghost') throw millraceError('DEVICE_UNKNOWN', { device: 'ghost' })
    }
    const processor = await world.run(tooHot, { commands: { send } })
    await world.publish(reading('ghost', 1, 40), reading('bench-1', 1, 40))
    await world.until(() => processor.stats.handled === 1 && processor.stats.deadLettered === 1)
    expect(await causesOfDeath(world.bus)).toEqual(['DEVICE_UNKNOWN'])
  })

  test('an actor without a usable name or without an event type does not start', async () => {
    const world = await newWorld()
    for (const wrong of [
      actor('no spaces', { on: Reading }, () => {}),
      actor('idle', { on: [] }, () => {}),
    ]) {
      await expect(world.run(wrong)).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID' })
    }
  })
})

/** The members of a bus as plain properties, so that some can be replaced. */
function delegate(bus: Bus): Bus {
  return {
    supports: bus.supports,
    createTopic: (...args) => bus.createTopic(...args),
    listTopics: () => bus.listTopics(),
    publish: (...args) => bus.publish(...args),
    read: (...args) => bus.read(...args),
    subscribe: (...args) => bus.subscribe(...args),
    openWriter: (...args) => bus.openWriter(...args),
    listGroups: () => bus.listGroups(),
    close: () => bus.close(),
    [Symbol.asyncDispose]: () => bus.close(),
  }
}
