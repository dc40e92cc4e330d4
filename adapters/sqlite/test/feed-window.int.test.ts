import { readOne, type WriteOperation } from '@millrace/documents'
import { openSqlite } from '@millrace/sqlite'
import { expect, test } from 'vitest'
import { FEED_POSITIONS_MAX } from '../src/event-sql.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const UNIT_EVENTS = 10_000

/** Many events of one type. */
function readings(unit: number): WriteOperation {
  const events = Array.from({ length: UNIT_EVENTS }, (_, index) => {
    const id = `${unit}-${index}`
    return { id, type: 'reading', text: '{}' }
  })
  return { kind: 'append', stream: `s${unit}`, events }
}

test('a feed whose filter finds nothing looks through so many positions only, and says how far it came', async () => {
  await using directory = await temporaryDirectory()
  await using database = await openSqlite({ file: directory.path('store.db') })
  const units = FEED_POSITIONS_MAX / UNIT_EVENTS
  for (let unit = 0; unit < units; unit += 1) await database.commit([readings(unit)])
  const alarm = { id: 'a', type: 'alarm', text: '{}', topic: 'alarms' }
  await database.commit([{ kind: 'append', stream: 'last', events: [alarm] }])
  const feed = (after: number) => readOne(database, { kind: 'feed', after, types: ['alarm'] })
  expect(await feed(0)).toEqual({ events: [], through: FEED_POSITIONS_MAX })
  expect(await feed(1)).toMatchObject({ events: [{ id: 'a' }], through: FEED_POSITIONS_MAX + 1 })
  const published = await readOne(database, { kind: 'feed', after: 0, withTopicOnly: true })
  expect(published, 'what has an index is found at once').toMatchObject({ events: [{ id: 'a' }] })
})
