import type { Message, Position, Subscription } from '@millrace/bus'
import { expect, test } from 'vitest'
import {
  type BusFactory,
  codeOf,
  publishTexts,
  take,
  textMessage,
  textsOf,
  until,
  useBus,
} from './bus-harness.ts'

const behind = ({ topic, partition, offset }: Message): Position => ({ topic, partition, offset: offset + 1 })

/** The partitions that each member has, sorted. */
function shares(members: readonly Subscription[]): string[][] {
  return members.map((member) =>
    member
      .assigned()
      .map(({ topic, partition }) => `${topic}/${partition}`)
      .sort(),
  )
}

export function busGroupTests(factory: BusFactory): void {
  const harness = useBus(factory)

  test('every group gets every message', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    await using one = await bus.subscribe({ group: 'one', topics: ['t'] })
    await using two = await bus.subscribe({ group: 'two', topics: ['t'] })
    await publishTexts(bus, 't', ['a', 'b'])
    expect(textsOf(await take(one, 2))).toEqual(['a', 'b'])
    expect(textsOf(await take(two, 2))).toEqual(['a', 'b'])
  })

  test('the members of a group divide the partitions: each has one owner, and nobody two more than another', async () => {
    const { bus, advance } = harness()
    await bus.createTopic('t', { partitions: 4 })
    await bus.createTopic('u', { partitions: 3 })
    const members: Subscription[] = []
    for (const expected of [[7], [4, 3], [3, 2, 2]]) {
      members.push(await bus.subscribe({ group: 'g', topics: ['t', 'u'] }))
      const sizes = () => shares(members).map((share) => share.length)
      await until(
        () =>
          sizes()
            .sort((a, b) => b - a)
            .join() === expected.join(),
        advance,
      )
      expect(new Set(shares(members).flat()).size).toBe(7)
    }
    await members.pop()?.close()
    await until(() => shares(members).flat().length === 7, advance)
    expect(new Set(shares(members).flat()).size).toBe(7)
  })

  test('a member gets partitions of its own topics only', async () => {
    const { bus, advance } = harness()
    await bus.createTopic('t', { partitions: 2 })
    await bus.createTopic('u', { partitions: 2 })
    const both = await bus.subscribe({ group: 'g', topics: ['t', 'u'] })
    const one = await bus.subscribe({ group: 'g', topics: ['u'] })
    await until(() => shares([both, one]).every((share) => share.length === 2), advance)
    expect(shares([both, one])).toEqual([
      ['t/0', 't/1'],
      ['u/0', 'u/1'],
    ])
  })

  test('each message goes to one member, and those of a key stay in order', async () => {
    const { bus, advance } = harness()
    await bus.createTopic('t', { partitions: 4 })
    const members = [
      await bus.subscribe({ group: 'g', topics: ['t'] }),
      await bus.subscribe({ group: 'g', topics: ['t'] }),
    ]
    await until(() => shares(members).every((share) => share.length === 2), advance)
    const keys = Array.from({ length: 12 }, (_, index) => `k${index}`)
    const places = await bus.publish(
      't',
      [1, 2, 3].flatMap((round) => keys.map((key) => textMessage(`${key} ${round}`, { key }))),
    )
    const seen = await Promise.all(
      members.map((member) => {
        const held = new Set(member.assigned().map(({ partition }) => partition))
        return take(member, places.filter(({ partition }) => held.has(partition)).length)
      }),
    )
    expect(seen.flat()).toHaveLength(36)
    for (const key of keys) {
      const ofKey = seen.map((messages) => textsOf(messages.filter((message) => message.key === key)))
      expect(ofKey.filter((texts) => texts.length > 0)).toEqual([[`${key} 1`, `${key} 2`, `${key} 3`]])
    }
  })

  busRedeliveryTests(harness)
  busGroupListTests(harness)
}

function busRedeliveryTests(harness: ReturnType<typeof useBus>): void {
  test('what a member did not commit before it closed is delivered to the next one, and what it did is not', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    await publishTexts(bus, 't', ['a', 'b', 'c'])
    const first = await bus.subscribe({ group: 'g', topics: ['t'] })
    const [a] = await take(first, 3)
    await first.commit([behind(a as Message)])
    await first.close()
    await using second = await bus.subscribe({ group: 'g', topics: ['t'] })
    expect(textsOf(await take(second, 2))).toEqual(['b', 'c'])
  })

  test('a member that waits gets the partitions, and the messages, of one that leaves', async () => {
    const { bus, advance } = harness()
    await bus.createTopic('t', { partitions: 2 })
    const leaving = await bus.subscribe({ group: 'g', topics: ['t'] })
    await using staying = await bus.subscribe({ group: 'g', topics: ['t'] })
    await until(() => shares([leaving, staying]).every((share) => share.length === 1), advance)
    const { partition } = leaving.assigned()[0] as { partition: number }
    const key = await keyFor(bus, partition)
    const waiting = staying.next()
    expect(textsOf(await take(leaving, 1))).toEqual([key])
    await leaving.close()
    expect(textsOf(await waiting)).toEqual([key])
    await until(() => staying.assigned().length === 2, advance)
  })

  test('a commit for a partition that has moved away is ignored', async () => {
    const { bus, advance } = harness()
    await bus.createTopic('t', { partitions: 2 })
    const first = await bus.subscribe({ group: 'g', topics: ['t'] })
    await publishTexts(bus, 't', ['a', 'b', 'c', 'd'])
    const messages = await take(first, 4)
    await using second = await bus.subscribe({ group: 'g', topics: ['t'] })
    await until(() => shares([first, second]).every((share) => share.length === 1), advance)
    const moved = second.assigned()[0] as { topic: string; partition: number }
    await first.commit(messages.map(behind))
    const [group] = await bus.listGroups()
    expect(group?.positions.map(({ partition }) => partition)).toEqual([1 - moved.partition])
  })

  test('a commit outside of the partition is OFFSET_OUT_OF_RANGE', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    await using member = await bus.subscribe({ group: 'g', topics: ['t'] })
    expect(await codeOf(member.commit([{ topic: 't', partition: 0, offset: 5_000 }]))).toBe(
      'OFFSET_OUT_OF_RANGE',
    )
  })

  test('a partition keeps its member while the others come and go', async () => {
    const { bus, advance } = harness()
    await bus.createTopic('t', { partitions: 4 })
    const first = await bus.subscribe({ group: 'g', topics: ['t'] })
    const second = await bus.subscribe({ group: 'g', topics: ['t'] })
    await until(() => shares([first, second]).every((share) => share.length === 2), advance)
    const before = shares([first, second])
    const third = await bus.subscribe({ group: 'g', topics: ['t'] })
    await third.close()
    await until(() => shares([first, second]).flat().length === 4, advance)
    const after = shares([first, second])
    const moved = after.flatMap((share, index) => share.filter((place) => !before[index]?.includes(place)))
    expect(moved.length).toBeLessThanOrEqual(1)
  })
}

/** Publishes keyed messages until one lands in `partition`; answers its key, which is also its text. */
async function keyFor(bus: ReturnType<ReturnType<typeof useBus>>['bus'], partition: number): Promise<string> {
  for (let index = 0; ; index += 1) {
    // Asked of a second topic with as many partitions, so that the first stays empty until the right key is found.
    await bus.createTopic('probe', { partitions: 2 })
    const key = `k${index}`
    const [place] = await bus.publish('probe', [textMessage(key, { key })])
    if (place?.partition !== partition) continue
    await bus.publish('t', [textMessage(key, { key })])
    return key
  }
}

function busGroupListTests(harness: ReturnType<typeof useBus>): void {
  test('groups are listed with members, committed positions and lag', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    await publishTexts(bus, 't', ['a', 'b', 'c'])
    expect(await bus.listGroups()).toEqual([])
    const member = await bus.subscribe({ group: 'g', topics: ['t'] })
    const [a] = await take(member, 3)
    await member.commit([behind(a as Message)])
    const offset = (a?.offset ?? 0) + 1
    const positions = [{ topic: 't', partition: 0, offset, lag: 2 }]
    expect(await bus.listGroups()).toEqual([{ group: 'g', members: 1, positions }])
    await member.close()
    expect(await bus.listGroups()).toEqual([{ group: 'g', members: 0, positions }])
  })

  test('a group name that cannot be carried is GROUP_NAME_INVALID', async () => {
    const { bus } = harness()
    await bus.createTopic('t')
    for (const group of ['', 'a\nb', 'x'.repeat(201)]) {
      expect(await codeOf(bus.subscribe({ group, topics: ['t'] }))).toBe('GROUP_NAME_INVALID')
    }
  })
}
