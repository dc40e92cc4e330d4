import { type Bus, deadLetter, listDeadLetters, type Message, replayDeadLetters } from '@millrace/bus'
import { expect, test } from 'vitest'
import {
  type BusFactory,
  codeOf,
  eventually,
  publishTexts,
  readAll,
  take,
  textMessage,
  textsOf,
  useBus,
} from './bus-harness.ts'

export function busDurabilityTests(factory: BusFactory): void {
  const harness = useBus(factory)

  test('a bus that says it is durable can be opened again', () => {
    const { bus, reopen } = harness()
    if (bus.supports.durable) expect(reopen).toBeDefined()
  })

  /** Prepares with the first bus, checks with the one opened after it; does nothing where nothing is durable. */
  const afterReopen = (
    title: string,
    prepare: (bus: Bus) => Promise<void>,
    check: (bus: Bus) => Promise<void>,
  ) =>
    test(title, async () => {
      const { bus, reopen } = harness()
      if (reopen === undefined) return
      await prepare(bus)
      await check(await reopen())
    })

  afterReopen(
    'topics keep their settings and their messages',
    async (bus) => {
      await bus.createTopic('t', { partitions: 2, retention: { bytesMax: 1_000_000 } })
      await bus.createTopic('u', { exclusive: true })
      await bus.publish(
        't',
        ['a', 'b', 'c'].map((text) => textMessage(text, { key: 'k', headers: { h: text } })),
      )
    },
    async (bus) => {
      const topics = await bus.listTopics()
      expect(topics).toMatchObject([
        { name: 't', exclusive: false, retention: { bytesMax: 1_000_000 } },
        { name: 'u', exclusive: true },
      ])
      expect(topics[0]?.partitions).toHaveLength(2)
      const messages = [...(await readAll(bus, 't', 0)), ...(await readAll(bus, 't', 1))]
      expect(textsOf(messages)).toEqual(['a', 'b', 'c'])
      expect(messages.map(({ headers }) => headers.h)).toEqual(['a', 'b', 'c'])
      await bus.publish('t', [textMessage('d', { key: 'k' })])
      expect(textsOf([...(await readAll(bus, 't', 0)), ...(await readAll(bus, 't', 1))])).toEqual([
        'a',
        'b',
        'c',
        'd',
      ])
    },
  )

  afterReopen(
    'committed positions are where the group goes on',
    async (bus) => {
      await bus.createTopic('t')
      await publishTexts(bus, 't', ['a', 'b', 'c'])
      const member = await bus.subscribe({ group: 'g', topics: ['t'] })
      const [a] = (await take(member, 3)) as [Message]
      await member.commit([{ ...a, offset: a.offset + 1 }])
    },
    async (bus) => {
      const member = await bus.subscribe({ group: 'g', topics: ['t'] })
      expect(textsOf(await take(member, 2))).toEqual(['b', 'c'])
    },
  )

  afterReopen(
    'idempotency keys are still known',
    async (bus) => {
      await bus.createTopic('t', { partitions: 2 })
      await bus.publish('t', [
        textMessage('a', { idempotencyKey: 'id-1' }),
        textMessage('b', { idempotencyKey: 'id-2', key: 'k' }),
      ])
    },
    async (bus) => {
      const again = await bus.publish('t', [
        textMessage('a', { idempotencyKey: 'id-1' }),
        textMessage('b', { idempotencyKey: 'id-2', key: 'k' }),
      ])
      expect(again.map(({ duplicate }) => duplicate)).toEqual([
        bus.supports.idempotency,
        bus.supports.idempotency,
      ])
    },
  )

  busDurableWriterTests(afterReopen, harness)
}

type AfterReopen = (
  title: string,
  prepare: (bus: Bus) => Promise<void>,
  check: (bus: Bus) => Promise<void>,
) => void

function busDurableWriterTests(afterReopen: AfterReopen, harness: ReturnType<typeof useBus>): void {
  let epoch = 0
  afterReopen(
    'a writer opened later has a higher epoch, and goes on where the last one ended',
    async (bus) => {
      if (!bus.supports.exclusiveWriter) return
      await bus.createTopic('state', { exclusive: true })
      await bus.openWriter('state')
      const writer = await bus.openWriter('state')
      await writer.append([textMessage('a')])
      epoch = writer.epoch
    },
    async (bus) => {
      if (!bus.supports.exclusiveWriter) return
      const writer = await bus.openWriter('state')
      expect(writer.epoch).toBeGreaterThan(epoch)
      await writer.append([textMessage('b')], { expectedOffset: writer.endOffset })
      expect(textsOf(await readAll(bus, 'state'))).toEqual(['a', 'b'])
      expect(await codeOf(publishTexts(bus, 'state', ['c']))).toBe('TOPIC_EXCLUSIVE')
    },
  )

  afterReopen(
    'delayed messages still come at their time, once',
    async (bus) => {
      if (!bus.supports.delay) return
      await bus.createTopic('t')
      const deliverAtMs = harness().nowMs() + 1_000
      await bus.publish('t', [
        textMessage('keyed', { deliverAtMs, idempotencyKey: 'id-1' }),
        textMessage('plain', { deliverAtMs: deliverAtMs + 1 }),
      ])
    },
    async (bus) => {
      if (!bus.supports.delay) return
      const { nowMs, advance } = harness()
      const again = textMessage('keyed', { deliverAtMs: nowMs() + 1_000, idempotencyKey: 'id-1' })
      expect((await bus.publish('t', [again]))[0]?.duplicate).toBe(true)
      const member = await bus.subscribe({ group: 'g', topics: ['t'] })
      const waiting = take(member, 2)
      await advance(1_001)
      expect(textsOf(await eventually(waiting, advance))).toEqual(['keyed', 'plain'])
      expect(await readAll(bus, 't')).toHaveLength(2)
    },
  )

  afterReopen(
    'dead letters and what was replayed of them are kept',
    async (bus) => {
      await bus.createTopic('t')
      const cause = { group: 'g', code: 'HANDLER_FAILED', reason: 'it broke', attempts: 1 }
      for (const offset of [0, 1]) {
        await deadLetter(bus, 't', textMessage(`m${offset}`), cause, {
          origin: { partition: 0, offset },
          nowMs: 1_000,
        })
      }
      const [first] = await readAll(bus, 't.dead-letters')
      await replayDeadLetters(bus, 't', { offsets: [first?.offset ?? -1] })
    },
    async (bus) => {
      expect(await listDeadLetters(bus)).toEqual([{ topic: 't', waiting: 1, replayed: 1 }])
      expect(await replayDeadLetters(bus, 't')).toEqual({ replayed: 1 })
      expect(textsOf(await readAll(bus, 't'))).toEqual(['m0', 'm1'])
    },
  )
}
