import { expect, test } from 'vitest'
import { type BusFactory, codeOf, publishTexts, useBus } from './bus-harness.ts'

export function busTopicTests(factory: BusFactory): void {
  const harness = useBus(factory)

  test('a new topic has the settings that were asked for, and is empty', async () => {
    const { bus } = harness()
    const info = await bus.createTopic('readings', { partitions: 3, retention: { ageMsMax: 60_000 } })
    expect(info).toMatchObject({ name: 'readings', exclusive: false, retention: { ageMsMax: 60_000 } })
    expect(
      info.partitions.map(({ partition, startOffset, endOffset }) => [partition, endOffset - startOffset]),
    ).toEqual([
      [0, 0],
      [1, 0],
      [2, 0],
    ])
  })

  test('creating a topic again changes nothing, even when both calls run at the same time', async () => {
    const { bus } = harness()
    await Promise.all([bus.createTopic('readings'), bus.createTopic('readings')])
    await publishTexts(bus, 'readings', ['a'])
    const info = await bus.createTopic('readings')
    expect(info.partitions).toHaveLength(1)
    expect(info.partitions[0]?.endOffset).toBe((info.partitions[0]?.startOffset ?? 0) + 1)
  })

  test('creating a topic again with other retention changes the retention', async () => {
    const { bus } = harness()
    await bus.createTopic('readings', { retention: { ageMsMax: 1_000 } })
    expect(await bus.createTopic('readings', { retention: { bytesMax: 5_000 } })).toMatchObject({
      retention: { bytesMax: 5_000 },
    })
    expect(await bus.createTopic('readings')).toMatchObject({ retention: { bytesMax: 5_000 } })
  })

  test('creating a topic again with other partitions is a TOPIC_CONFLICT', async () => {
    const { bus } = harness()
    await bus.createTopic('readings', { partitions: 2 })
    expect(await codeOf(bus.createTopic('readings', { partitions: 3 }))).toBe('TOPIC_CONFLICT')
    expect(await codeOf(bus.createTopic('readings', { exclusive: true }))).toBe('TOPIC_CONFLICT')
  })

  test.each(['', '.hidden', '..', 'a/b', 'a b', 'ö', 'x'.repeat(201)])(
    'the topic name "%s" is TOPIC_NAME_INVALID',
    async (name) => {
      expect(await codeOf(harness().bus.createTopic(name))).toBe('TOPIC_NAME_INVALID')
    },
  )

  test.each([0, -1, 1.5, Number.NaN, 1_000_000])(
    '%s partitions are TOPIC_SETTING_INVALID',
    async (partitions) => {
      expect(await codeOf(harness().bus.createTopic('readings', { partitions }))).toBe(
        'TOPIC_SETTING_INVALID',
      )
    },
  )

  test('topics are listed by name, with what each partition holds', async () => {
    const { bus } = harness()
    for (const name of ['c', 'a', 'B', 'a.b']) await bus.createTopic(name)
    await publishTexts(bus, 'c', ['1', '2'])
    const topics = await bus.listTopics()
    expect(topics.map(({ name }) => name)).toEqual(['B', 'a', 'a.b', 'c'])
    const [partition] = topics[3]?.partitions ?? []
    expect((partition?.endOffset ?? 0) - (partition?.startOffset ?? 0)).toBe(2)
    expect(partition?.bytes).toBeGreaterThan(0)
  })

  test('a closed bus says BUS_CLOSED, and closing it again is no error', async () => {
    const { bus } = harness()
    await bus.createTopic('readings')
    await bus.close()
    await bus.close()
    expect(await codeOf(bus.listTopics())).toBe('BUS_CLOSED')
    expect(await codeOf(bus.createTopic('others'))).toBe('BUS_CLOSED')
    expect(await codeOf(publishTexts(bus, 'readings', ['a']))).toBe('BUS_CLOSED')
    expect(await codeOf(bus.read({ topic: 'readings', partition: 0, offset: 0 }))).toBe('BUS_CLOSED')
    expect(await codeOf(bus.subscribe({ group: 'g', topics: ['readings'] }))).toBe('BUS_CLOSED')
    expect(await codeOf(bus.listGroups())).toBe('BUS_CLOSED')
  })
}
