import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventToMessage } from '@millrace/bus'
import { readOne } from '@millrace/documents'
import { formatTime, manualRuntime } from '@millrace/kernel'
import { memoryBus } from '@millrace/memory'
import { runProjection } from '@millrace/projections'
import { openSqlite } from '@millrace/sqlite'
import { describe, expect, test } from 'vitest'
import { benches, Reading, stored } from './spine.ts'

const READINGS = 1_500

describe('a projection on SQLite', () => {
  test('that dies after a commit and before the next batch counts every event once', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-projection-'))
    const file = join(directory, 'store.db')
    const runtime = manualRuntime()
    const bus = memoryBus({ runtime })
    await bus.createTopic(Reading.type)
    const time = formatTime(runtime.clock.now())
    const events = Array.from({ length: READINGS }, (_, index) => {
      const subject = `b${index % 7}`
      return { id: `e${index}`, source: '/test', type: Reading.type, subject, time, data: { celsius: 20 } }
    })
    await bus.publish(Reading.type, events.map(eventToMessage))

    for (let life = 1; life <= 4; life += 1) {
      const database = await openSqlite({ file })
      const commit = database.commit.bind(database)
      let isCommitted = () => {}
      const committed = new Promise<void>((resolve) => {
        isCommitted = resolve
      })
      // The commit becomes durable, and the projection never hears of it: the moment before the process is gone.
      database.commit = async (operations) => {
        await commit(operations)
        isCommitted()
        return new Promise(() => {})
      }
      const processor = await runProjection(benches, { bus, runtime, database })
      const positions = await readOne(database, { kind: 'positions', processor: 'benches' })
      const hasWork = positions.every(({ offset }) => offset < READINGS)
      if (hasWork) await committed
      await processor.stop()
      await database.close()
    }

    await using database = await openSqlite({ file })
    await database.prepare({ collections: [{ name: 'benches' }] })
    expect(await readOne(database, { kind: 'positions', processor: 'benches' })).toEqual([
      { topic: Reading.type, partition: 0, offset: READINGS },
    ])
    const counted = Object.values(await stored(database)).map(({ readings }) => readings)
    expect(counted.reduce((sum, each) => sum + each, 0)).toBe(READINGS)
    await rm(directory, { recursive: true, force: true })
  })
})
