import { type Bus, openLogBus } from '@millrace/bus'
import { manualRuntime } from '@millrace/kernel'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import { expect, test } from 'vitest'

const message = (text: string) => ({ headers: {}, value: new TextEncoder().encode(text) })
const open = (files: MemoryFiles) => openLogBus({ files, runtime: manualRuntime() })

async function positionOf(bus: Bus): Promise<unknown> {
  const [group] = await bus.listGroups()
  return group?.positions[0]
}

test('A group that is ahead of its partition, whose messages the disk has lost, gets what is published next', async () => {
  const files = memoryFiles()
  const first = await open(files)
  await first.createTopic('t')
  await first.publish('t', ['1', '2', '3'].map(message))
  const member = await first.subscribe({ group: 'g', topics: ['t'] })
  await member.commit([{ topic: 't', partition: 0, offset: 3 }])
  await first.close()
  for (const name of await files.list('bus/topics/t/0')) await files.remove(`bus/topics/t/0/${name}`)

  const second = await open(files)
  expect(await positionOf(second)).toEqual({ topic: 't', partition: 0, offset: 0, lag: 0 })
  await second.publish('t', [message('new')])
  await second.close()

  const third = await open(files)
  expect(await positionOf(third)).toEqual({ topic: 't', partition: 0, offset: 0, lag: 1 })
  const again = await third.subscribe({ group: 'g', topics: ['t'] })
  const [next] = await again.next()
  expect(new TextDecoder().decode(next?.value)).toBe('new')
  await third.close()
})

test('A partition that cannot be read when the bus opens keeps the positions of its groups', async () => {
  const files = memoryFiles()
  const first = await open(files)
  await first.createTopic('t')
  await first.publish('t', [message('1')])
  const member = await first.subscribe({ group: 'g', topics: ['t'] })
  await member.commit([{ topic: 't', partition: 0, offset: 1 }])
  await first.close()
  files.failNext('list', 'EIO', { path: 'topics/t/0' })
  const second = await open(files)
  expect(await positionOf(second)).toMatchObject({ offset: 1 })
  await second.close()
})
