import type { MutationsOf } from '../machinery/bug.ts'
import type { bug } from '../scenarios/a-failed-sync-is-not-final.ts'

const ACTIVE = 'core/log/src/active-segment.ts'
const SYNC = 'whichever sync fails, and forgets its pages, nothing acknowledged is lost'
const FULL = 'a full disk refuses appends, wherever it shows, and goes on by itself when there is space'
const WRITE = 'if (isDurable && isClean) return this.#file.writeDurable(buffers, position)'

export const mutations: MutationsOf<typeof bug.scenarios> = [
  {
    name: 'a failed sync is ignored',
    turnsRed: SYNC,
    edits: [{ file: ACTIVE, find: WRITE, replace: `${WRITE}.catch(() => {})` }],
  },
  {
    name: 'a failed sync is repeated, and then succeeds',
    turnsRed: SYNC,
    edits: [{ file: ACTIVE, find: WRITE, replace: `${WRITE}.catch(() => this.#file.sync())` }],
  },
  {
    name: 'a failed sync of names is ignored',
    turnsRed: SYNC,
    edits: [
      {
        file: 'core/log/src/whole-file.ts',
        find: 'await files.syncDirectory(directory)',
        replace: 'await files.syncDirectory(directory).catch(() => {})',
      },
    ],
  },
  {
    name: 'a failed sync refuses, and is not made good with another file',
    turnsRed: SYNC,
    edits: [
      {
        file: 'core/log/src/log-writer.ts',
        find: 'if (!isRefused) this.#roller.abandon()',
        replace: 'if (!isRefused) throw this.#fail(error)',
      },
    ],
  },
  {
    name: 'what a dead process could not sync is read as it is',
    turnsRed: 'what a dead process could not sync is made durable, or is not there',
    edits: [
      {
        file: 'core/log/src/recovery.ts',
        find: 'await makeDurable(files, segment, durableOffset)',
        replace: '',
      },
    ],
  },
  {
    name: 'what a dead process could not sync is synced, and not written again',
    turnsRed: 'what a dead process could not sync is made durable, or is not there',
    edits: [
      {
        file: 'core/log/src/recovery.ts',
        find: 'await copyRange(file, position, segment.dataBytes, file, position)',
        replace: 'void position',
      },
    ],
  },
  {
    name: 'a full disk is a failure for good',
    turnsRed: FULL,
    edits: [
      {
        file: 'core/log/src/log-writer.ts',
        find: `!this.#roller.makeRoom())) throw error`,
        replace: `!this.#roller.makeRoom())) throw this.#fail(error)`,
      },
    ],
  },
  {
    name: 'what a full disk has refused stays where it was written',
    turnsRed: 'a disk that fills up in the middle of a frame leaves nothing of what it has refused',
    edits: [
      {
        file: ACTIVE,
        find: 'await this.#file.truncate(segment.dataBytes).catch((error: unknown) => this.#fail(error))',
        replace: '',
      },
    ],
  },
  {
    name: 'a table that a full disk has refused once takes nothing more',
    turnsRed: 'a position that a full disk refuses can be committed when there is space',
    edits: [
      {
        file: 'core/log/src/table/log-table.ts',
        find: 'for (const { done } of puts) done.reject(error)',
        replace: 'for (const { done } of puts) done.reject(error)\n        return',
      },
    ],
  },
]
