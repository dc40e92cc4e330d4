import { expect, test } from 'vitest'
import { openFile } from '../src/sqlite-file.ts'
import { temporaryDirectory } from './temporary-directory.ts'

test('the writing connection syncs the log at every commit, and the disk itself on macOS', async () => {
  await using directory = await temporaryDirectory()
  const file = directory.path('store.db')
  const database = openFile({
    role: 'writer',
    file,
    busyTimeoutMs: 1,
    statementsMax: 1,
    fileBytesMax: undefined,
  })
  const settingOf = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]
  const settings = ['journal_mode', 'synchronous', 'fullfsync', 'checkpoint_fullfsync'].map(settingOf)
  database.close()
  expect(settings).toEqual(['wal', 2, 1, 1])
})
