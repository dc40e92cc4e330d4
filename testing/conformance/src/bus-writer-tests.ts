import { expect, test } from 'vitest'
import {
  type BusFactory,
  codeOf,
  publishTexts,
  readAll,
  take,
  textMessage,
  textsOf,
  useBus,
} from './bus-harness.ts'

export function busWriterTests(factory: BusFactory): void {
  const harness = useBus(factory)

  /** An exclusive topic, or undefined after the bus has been seen to refuse what it does not support. */
  const exclusiveTopic = async () => {
    const { bus } = harness()
    if (bus.supports.exclusiveWriter) {
      await bus.createTopic('state', { partitions: 2, exclusive: true })
      return bus
    }
    await bus.createTopic('state')
    expect(await codeOf(bus.openWriter('state'))).toBe('NOT_SUPPORTED')
    return undefined
  }

  test('a writer appends in order, and readers and groups see it', async () => {
    const bus = await exclusiveTopic()
    if (bus === undefined) return
    const writer = await bus.openWriter('state', { partition: 1 })
    const places = await writer.append([textMessage('a', { key: 'x' }), textMessage('b', { key: 'y' })])
    expect(places.map(({ partition }) => partition)).toEqual([1, 1])
    expect(writer.endOffset).toBe((places[1]?.offset ?? 0) + 1)
    expect(textsOf(await readAll(bus, 'state', 1))).toEqual(['a', 'b'])
    await using subscription = await bus.subscribe({ group: 'g', topics: ['state'] })
    expect(textsOf(await take(subscription, 2))).toEqual(['a', 'b'])
  })

  test('a plain publication to an exclusive topic is TOPIC_EXCLUSIVE, whether it has a writer or not', async () => {
    const bus = await exclusiveTopic()
    if (bus === undefined) return
    expect(await codeOf(publishTexts(bus, 'state', ['a']))).toBe('TOPIC_EXCLUSIVE')
    await bus.openWriter('state')
    expect(await codeOf(publishTexts(bus, 'state', ['a']))).toBe('TOPIC_EXCLUSIVE')
    expect(await readAll(bus, 'state')).toEqual([])
  })

  test('a topic that everybody may write to has no exclusive writer', async () => {
    const bus = await exclusiveTopic()
    if (bus === undefined) return
    await bus.createTopic('open')
    expect(await codeOf(bus.openWriter('open'))).toBe('TOPIC_CONFLICT')
    expect(await codeOf(bus.openWriter('nowhere'))).toBe('TOPIC_UNKNOWN')
    expect(await codeOf(bus.openWriter('state', { partition: 2 }))).toBe('PARTITION_UNKNOWN')
  })

  test('a newer writer fences the older one, which writes nothing any more', async () => {
    const bus = await exclusiveTopic()
    if (bus === undefined) return
    const older = await bus.openWriter('state')
    await older.append([textMessage('a')])
    const newer = await bus.openWriter('state')
    expect(newer.epoch).toBeGreaterThan(older.epoch)
    expect(await codeOf(older.append([textMessage('stale')]))).toBe('WRITER_FENCED')
    await newer.append([textMessage('b')])
    expect(await codeOf(older.append([textMessage('stale')]))).toBe('WRITER_FENCED')
    expect(textsOf(await readAll(bus, 'state'))).toEqual(['a', 'b'])
  })

  test('what an older writer has under way when the newer one opens is in its end offset, or refused', async () => {
    const bus = await exclusiveTopic()
    if (bus === undefined) return
    const older = await bus.openWriter('state')
    const appends = Array.from({ length: 10 }, (_, index) => older.append([textMessage(`old ${index}`)]))
    const outcomes = Promise.allSettled(appends)
    const newer = await bus.openWriter('state')
    const { endOffset } = newer
    await outcomes
    await newer.append([textMessage('new')], { expectedOffset: endOffset })
    const written = (await outcomes).filter(({ status }) => status === 'fulfilled').length
    const texts = textsOf(await readAll(bus, 'state'))
    expect(texts).toEqual([...texts.slice(0, written), 'new'])
  })

  busWriterPositionTests(exclusiveTopic)
}

function busWriterPositionTests(
  exclusiveTopic: () => Promise<ReturnType<ReturnType<typeof useBus>>['bus'] | undefined>,
): void {
  test('writers of different partitions do not fence each other', async () => {
    const bus = await exclusiveTopic()
    if (bus === undefined) return
    const first = await bus.openWriter('state', { partition: 0 })
    const second = await bus.openWriter('state', { partition: 1 })
    await first.append([textMessage('a')])
    await second.append([textMessage('b')])
    expect(textsOf(await readAll(bus, 'state', 0))).toEqual(['a'])
    expect(textsOf(await readAll(bus, 'state', 1))).toEqual(['b'])
  })

  test('an append with the expected offset is made only there', async () => {
    const bus = await exclusiveTopic()
    if (bus === undefined) return
    const writer = await bus.openWriter('state')
    const start = writer.endOffset
    await writer.append([textMessage('a'), textMessage('b')], { expectedOffset: start })
    const conflict = writer.append([textMessage('c')], { expectedOffset: start })
    expect(await codeOf(conflict)).toBe('WRITER_POSITION_CONFLICT')
    await writer.append([textMessage('c')], { expectedOffset: writer.endOffset })
    expect(textsOf(await readAll(bus, 'state'))).toEqual(['a', 'b', 'c'])
  })

  test('appends with an expected offset that are made at the same time are judged one after another', async () => {
    const bus = await exclusiveTopic()
    if (bus === undefined) return
    const writer = await bus.openWriter('state')
    const expectedOffset = writer.endOffset
    const codes = await Promise.all(
      ['a', 'b'].map((text) => codeOf(writer.append([textMessage(text)], { expectedOffset }))),
    )
    expect(codes).toEqual(['no error', 'WRITER_POSITION_CONFLICT'])
  })

  test('one message that is too large refuses the whole append', async () => {
    const bus = await exclusiveTopic()
    if (bus === undefined) return
    const writer = await bus.openWriter('state')
    const tooLarge = { headers: {}, value: new Uint8Array(64 * 1024 * 1024) }
    expect(await codeOf(writer.append([textMessage('a'), tooLarge]))).toBe('MESSAGE_TOO_LARGE')
    expect(await readAll(bus, 'state')).toEqual([])
  })

  test('a closed writer says WRITER_CLOSED', async () => {
    const bus = await exclusiveTopic()
    if (bus === undefined) return
    const writer = await bus.openWriter('state')
    await writer.close()
    await writer.close()
    expect(await codeOf(writer.append([textMessage('a')]))).toBe('WRITER_CLOSED')
  })
}
