import {
  type Bus,
  deadLetter,
  deadLetterTopic,
  isForGroup,
  listDeadLetters,
  type Message,
  readDeadLetters,
  replayDeadLetters,
} from '@millrace/bus'
import { expect, test } from 'vitest'
import { type BusFactory, publishTexts, readAll, take, textMessage, textsOf, useBus } from './bus-harness.ts'

const cause = { group: 'too-hot', code: 'HANDLER_FAILED', reason: 'it broke', attempts: 5 }

/** Publishes the texts to `t` and puts each aside, as `group` would. */
async function dieAll(bus: Bus, texts: readonly string[], group = 'too-hot'): Promise<readonly Message[]> {
  await bus.createTopic('t')
  await publishTexts(bus, 't', texts, { key: 'k', headers: { h: '1' } })
  const messages = (await readAll(bus, 't')).slice(-texts.length)
  for (const message of messages) {
    await deadLetter(bus, 't', message, { ...cause, group }, { origin: message, nowMs: 1_000 })
  }
  return messages
}

export function busDeadLetterTests(factory: BusFactory): void {
  const harness = useBus(factory)

  test('a dead letter says what died, where, when and why', async () => {
    const { bus } = harness()
    const [origin] = await dieAll(bus, ['a'])
    const { letters, nextOffset } = await readDeadLetters(bus, 't')
    expect(letters).toMatchObject([
      {
        topic: 't',
        cause,
        diedAtMs: 1_000,
        origin: { partition: 0, offset: origin?.offset },
        message: { key: 'k', headers: { h: '1' } },
        replayed: false,
      },
    ])
    expect(textsOf(letters.map(({ message }) => message as Message))).toEqual(['a'])
    expect(nextOffset).toBe((letters[0]?.offset ?? 0) + 1)
  })

  test('a topic without dead letters has none, and no topic for them', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    expect((await readDeadLetters(bus, 't')).letters).toEqual([])
    expect(await listDeadLetters(bus)).toEqual([])
    expect(await replayDeadLetters(bus, 't')).toEqual({ replayed: 0 })
    expect(await bus.listTopics()).toHaveLength(1)
  })

  test('the same message given up twice by one group is one letter; by two groups it is two', async () => {
    const { bus } = harness()
    const [message] = (await dieAll(bus, ['a'])) as [Message]
    await deadLetter(bus, 't', message, { ...cause, reason: 'again' }, { origin: message, nowMs: 2_000 })
    await deadLetter(bus, 't', message, { ...cause, group: 'other' }, { origin: message, nowMs: 2_000 })
    const groups = (await readDeadLetters(bus, 't')).letters.map((letter) => letter.cause.group)
    expect(groups).toEqual(bus.supports.idempotency ? ['too-hot', 'other'] : ['too-hot', 'too-hot', 'other'])
  })

  test('what is in a dead-letter topic does not die again', async () => {
    const { bus } = harness()
    const [message] = (await dieAll(bus, ['a'])) as [Message]
    const topic = deadLetterTopic('t')
    expect(await deadLetter(bus, topic, message, cause, { origin: message, nowMs: 2_000 })).toBeUndefined()
    expect((await bus.listTopics()).map(({ name }) => name)).toEqual(['t', topic])
  })

  test('a message of the largest size can die, whatever the reason', async () => {
    const { bus, messageBytesMax } = harness()
    await bus.createTopic('t')
    const message = { headers: {}, value: new Uint8Array(messageBytesMax) }
    const [place] = await bus.publish('t', [message])
    const reason = '😀'.repeat(100_000)
    const options = { origin: place as { partition: number; offset: number }, nowMs: 1_000 }
    await deadLetter(bus, 't', message, { ...cause, reason }, options)
    expect(await replayDeadLetters(bus, 't')).toEqual({ replayed: 1 })
  })

  test('letters are read by the page', async () => {
    const { bus } = harness()
    await dieAll(bus, ['a', 'b', 'c'])
    const first = await readDeadLetters(bus, 't', { limit: 2 })
    const second = await readDeadLetters(bus, 't', { limit: 2, fromOffset: first.nextOffset })
    const end = await readDeadLetters(bus, 't', { fromOffset: second.nextOffset })
    expect([first, second, end].map(({ letters }) => letters.length)).toEqual([2, 1, 0])
    expect(end.nextOffset).toBe(second.nextOffset)
  })

  busReplayTests(harness)
}

function busReplayTests(harness: ReturnType<typeof useBus>): void {
  test('a replay publishes a letter to its topic again, for the group that gave up only', async () => {
    const { bus } = harness()
    await dieAll(bus, ['a'])
    await using subscription = await bus.subscribe({ group: 'g', topics: ['t'] })
    await take(subscription, 1)
    expect(await replayDeadLetters(bus, 't')).toEqual({ replayed: 1 })
    const [again] = (await take(subscription, 1)) as [Message]
    expect(again).toMatchObject({ key: 'k', headers: { h: '1' } })
    expect(Object.keys(again.headers).filter((name) => name.startsWith('mr_dead-'))).toEqual([])
    expect(isForGroup(again, 'too-hot')).toBe(true)
    expect(isForGroup(again, 'another')).toBe(false)
  })

  test('an ordinary message is for every group', () => {
    expect(isForGroup({ headers: {} }, 'any')).toBe(true)
  })

  test('a letter that was refused before it had a place is for every group when it is replayed', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    await deadLetter(bus, 't', textMessage('a'), { ...cause, group: 'devices' }, { nowMs: 1_000 })
    expect((await readDeadLetters(bus, 't')).letters[0]?.origin).toBeUndefined()
    await replayDeadLetters(bus, 't')
    const [message] = (await readAll(bus, 't')) as [Message]
    expect(isForGroup(message, 'anybody')).toBe(true)
  })

  test('chosen letters are replayed, each once, and the counts say so', async () => {
    const { bus } = harness()
    await dieAll(bus, ['a', 'b', 'c'])
    const [a, b] = (await readDeadLetters(bus, 't')).letters
    const offsets = [a?.offset ?? -1, b?.offset ?? -1]
    expect(await replayDeadLetters(bus, 't', { offsets })).toEqual({ replayed: 2 })
    expect(await replayDeadLetters(bus, 't', { offsets })).toEqual({ replayed: 0 })
    expect(await listDeadLetters(bus)).toEqual([{ topic: 't', waiting: 1, replayed: 2 }])
    expect((await readDeadLetters(bus, 't')).letters.map(({ replayed }) => replayed)).toEqual([
      true,
      true,
      false,
    ])
    expect(await replayDeadLetters(bus, 't')).toEqual({ replayed: 1 })
    expect(textsOf(await readAll(bus, 't'))).toEqual(['a', 'b', 'c', 'a', 'b', 'c'])
  })

  test('two replays at the same time do not double a letter, if the bus recognises keys', async () => {
    const { bus } = harness()
    if (!bus.supports.idempotency) return
    await dieAll(bus, ['a', 'b'])
    const counts = await Promise.all([replayDeadLetters(bus, 't'), replayDeadLetters(bus, 't')])
    expect(counts.reduce((sum, { replayed }) => sum + replayed, 0)).toBe(2)
    expect(textsOf(await readAll(bus, 't'))).toEqual(['a', 'b', 'a', 'b'])
  })

  test('a replayed message that fails again is a new letter', async () => {
    const { bus } = harness()
    await dieAll(bus, ['a'])
    await replayDeadLetters(bus, 't')
    const replayed = (await readAll(bus, 't'))[1] as Message
    await deadLetter(bus, 't', replayed, { ...cause, attempts: 7 }, { origin: replayed, nowMs: 3_000 })
    expect(await listDeadLetters(bus)).toEqual([{ topic: 't', waiting: 1, replayed: 1 }])
    expect((await readDeadLetters(bus, 't')).letters[1]).toMatchObject({
      cause: { attempts: 7 },
      replayed: false,
    })
  })
}
