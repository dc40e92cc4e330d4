import type { Bus, NewMessage } from '@millrace/bus'
import { manualRuntime, millraceError, settle } from '@millrace/kernel'
import { memoryBus } from '@millrace/memory'
import { describe, expect, test } from 'vitest'
import { PublishLane } from '../src/publish-lane.ts'

const TOPIC = 'greenhouse.reading'

/** A lane on a bus in memory whose first publication fails with `failure`, after `arrive` has added more. */
async function lane(failure: Error) {
  const runtime = manualRuntime()
  const plain = memoryBus({ runtime })
  await plain.createTopic(TOPIC)
  let arrive: (() => void) | undefined
  const publish: Bus['publish'] = async (topic, messages) => {
    const more = arrive
    arrive = undefined
    if (more === undefined) return plain.publish(topic, messages)
    more()
    throw failure
  }
  const bus = new Proxy(plain, {
    get: (target, name) => (name === 'publish' ? publish : Reflect.get(target, name, target)),
  })
  const results: string[] = []
  const opened = new PublishLane({ bus, runtime, topic: TOPIC })
  const add = (key: string, name: string) =>
    opened.add(
      message(key, name),
      (error) => void results.push(`${name} ${error === undefined ? 'taken' : 'failed'}`),
    )
  const stored = async () => {
    const messages = await plain.read({ topic: TOPIC, partition: 0, offset: 0 })
    return messages.map(({ headers }) => headers.name)
  }
  const failFirstAndAdd = async (whenFailing: () => void) => {
    arrive = whenFailing
    await settle()
  }
  return { add, results, stored, failFirstAndAdd }
}

function message(key: string, name: string): NewMessage {
  return { key, headers: { name }, value: new Uint8Array() }
}

describe('A lane whose publication fails', () => {
  test('fails what waits behind it under the same key, and takes the others', async () => {
    const { add, results, stored, failFirstAndAdd } = await lane(millraceError('DISK_FULL', { path: 'log' }))
    add('bench-1', 'first')
    await failFirstAndAdd(() => {
      add('bench-1', 'second')
      add('bench-2', 'other')
    })
    expect(results).toEqual(['first failed', 'second failed', 'other taken'])
    expect(await stored()).toEqual(['other'])
  })

  test('because one message is too large publishes each alone, in order', async () => {
    const tooLarge = millraceError('MESSAGE_TOO_LARGE', { topic: TOPIC, seen: 2, limit: 1 })
    const { add, results, stored, failFirstAndAdd } = await lane(tooLarge)
    add('bench-1', 'first')
    add('bench-1', 'second')
    await failFirstAndAdd(() => add('bench-1', 'third'))
    expect(results).toEqual(['first taken', 'second taken', 'third taken'])
    expect(await stored()).toEqual(['first', 'second', 'third'])
  })
})

test('A lane publishes no more at once than a log takes, however much waits', async () => {
  const runtime = manualRuntime()
  const plain = memoryBus({ runtime })
  await plain.createTopic(TOPIC)
  const batches: number[] = []
  const publish: Bus['publish'] = (topic, messages) => {
    batches.push(messages.length)
    return plain.publish(topic, messages)
  }
  const bus = new Proxy(plain, {
    get: (target, name) => (name === 'publish' ? publish : Reflect.get(target, name, target)),
  })
  const opened = new PublishLane({ bus, runtime, topic: TOPIC })
  const value = new Uint8Array(256 * 1024)
  for (let count = 0; count < 10; count += 1) opened.add({ key: 'bench-1', headers: {}, value }, () => {})
  await opened.idle()
  expect(batches).toEqual([4, 4, 2])
})
