import assert from 'node:assert/strict'
import { openLogBus } from '@millrace/bus'
import { manualRuntime, settle } from '@millrace/kernel'
import { memoryFiles } from '@millrace/memory'
import { appended, contents, does, large, opened, record } from '../machinery/small-log.ts'

/** Every append is acknowledged; then the power fails at once, and the disk drops all that was not synced. */
async function everyAcknowledgementSurvives(): Promise<void> {
  const files = memoryFiles()
  const log = await opened(files)
  const acknowledged: string[] = []
  for (let round = 0; round < 24; round += 1) {
    const group = Array.from({ length: 1 + (round % 4) }, (_, index) => `r${round}-${index}`)
    await Promise.all(
      group.map(async (name) => {
        const { baseOffset } = await appended(log, large(name, 40 + 300 * (round % 5)))
        acknowledged.push(`${baseOffset}:${name}`)
        const promised = [...acknowledged]
        const left = await opened(files.afterCrash())
        const found = await contents(left)
        for (const one of promised) assert.ok(found.includes(one), `${one} is there after the power cut`)
        assert.deepEqual(left.gaps, [])
      }),
    )
  }
}

async function nothingShowsBeforeTheSync(): Promise<void> {
  const runtime = manualRuntime()
  const latencyMs = (operation: string) => (operation === 'sync' ? 50 : 0)
  const files = memoryFiles({ scheduler: runtime.scheduler, latencyMs })
  const opening = opened(files)
  await runtime.advance(1000)
  const log = await opening
  const first = appended(log, record('first'))
  await runtime.advance(1000)
  await first
  let isAcknowledged = false
  const second = appended(log, record('second')).then(() => {
    isAcknowledged = true
  })
  await runtime.advance(40)
  assert.equal(isAcknowledged, false, 'not acknowledged while the sync is under way')
  assert.equal(log.endOffset, 1, 'not readable while the sync is under way')
  assert.deepEqual(await log.read(1), [])
  await runtime.advance(20)
  await second
  assert.deepEqual(await contents(log), ['0:first', '1:second'])
}

async function theBusKeepsItsWord(): Promise<void> {
  const files = memoryFiles()
  const bus = await does('the bus opens', openLogBus({ files, runtime: manualRuntime() }))
  await does('the topic is made', bus.createTopic('t', {}))
  const message = { headers: {}, value: new TextEncoder().encode('m') }
  await does('the publication is acknowledged', bus.publish('t', [message, message]))
  const published = files.afterCrash()
  const subscription = await does('the group is joined', bus.subscribe({ group: 'g', topics: ['t'] }))
  await does('the position is committed', subscription.commit([{ topic: 't', partition: 0, offset: 2 }]))
  const committed = files.afterCrash()
  await settle()

  const first = await does('the bus opens', openLogBus({ files: published, runtime: manualRuntime() }))
  const read = await does('it is read', first.read({ topic: 't', partition: 0, offset: 0 }))
  assert.equal(read.length, 2, 'both messages are there')
  const second = await does('the bus opens', openLogBus({ files: committed, runtime: manualRuntime() }))
  const [group] = await second.listGroups()
  assert.deepEqual(group?.positions, [{ topic: 't', partition: 0, offset: 2, lag: 0 }])
}

export const bug = {
  number: 1,
  title: 'Acknowledged before it is durable',
  seenIn: ['NATS #7564', 'etcd #14370', "Vector's disk buffer"],
  scenarios: {
    'every acknowledged record survives a power cut right behind its acknowledgement':
      everyAcknowledgementSurvives,
    'nothing is acknowledged, and nothing can be read, while its sync is under way':
      nothingShowsBeforeTheSync,
    'what the bus has acknowledged survives a power cut: messages, and positions': theBusKeepsItsWord,
  },
}
