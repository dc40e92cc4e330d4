import type { MutationsOf } from '../machinery/bug.ts'
import type { bug } from '../scenarios/roll-and-reclaim-in-steps.ts'

const RETENTION = 'core/log/src/retention.ts'
const STEPS =
  'stopped between any two steps of rolling and reclaiming, the log opens, is drained, goes on and closes'
const END = 'whoever waits for more is told when the log closes, and when to stop'

export const mutations: MutationsOf<typeof bug.scenarios> = [
  {
    name: 'the newest of several segments is given up first',
    turnsRed: STEPS,
    edits: [
      {
        file: RETENTION,
        find: 'for (const { path } of expired) {\n    await log.files.rename(path, path + DELETED)',
        replace:
          'for (const { path } of expired.toReversed()) {\n    await log.files.rename(path, path + DELETED)',
      },
    ],
  },
  {
    name: 'a segment is cut before its name is given up',
    turnsRed: STEPS,
    edits: [
      {
        file: RETENTION,
        find: 'await log.files.rename(path, path + DELETED)',
        replace: `
    {
      await using file = await log.files.open(path, 'write')
      await file.truncate(0)
    }
    await log.files.rename(path, path + DELETED)`,
      },
    ],
  },
  {
    name: 'what was given up before a crash stays on the disk',
    turnsRed: STEPS,
    edits: [
      {
        file: 'core/log/src/recovery.ts',
        find: 'UNFINISHED.some((ending) => name.endsWith(ending))',
        replace: `UNFINISHED.some((ending) => ending !== '.deleted' && name.endsWith(ending))`,
      },
    ],
  },
  {
    name: 'the header of a new segment is written after its name',
    turnsRed: STEPS,
    edits: [
      {
        file: 'core/log/src/whole-file.ts',
        find: 'await file.writeDurable(contents, 0)\n    await files.rename(path + TEMPORARY, path)',
        replace: 'await files.rename(path + TEMPORARY, path)\n    await file.write(contents, 0)',
      },
      {
        file: 'core/log/src/recovery.ts',
        find: 'await files.rename(path, path + CORRUPT)',
        replace: `throw new Error('no header')`,
      },
    ],
  },
  {
    name: 'a segment goes on after its successor was begun half-way',
    turnsRed: 'a roll that fails half-way hides nothing that is appended later',
    edits: [
      {
        file: 'core/log/src/segment-roller.ts',
        find: 'this.#isSound = false\n    const active',
        replace: 'const active',
      },
    ],
  },
  {
    name: 'what is not synced when a segment is rolled is left behind',
    turnsRed: STEPS,
    edits: [
      {
        file: 'core/log/src/active-segment.ts',
        find: 'if (isDurable && isClean) return this.#file.writeDurable(buffers, position)',
        replace: 'if (isDurable && isClean) return this.#file.write(buffers, position)',
      },
    ],
  },
  {
    name: 'the writer stops for ever after its first group',
    turnsRed: 'a reader follows the writer over every roll',
    edits: [{ file: 'core/log/src/log-writer.ts', find: 'this.#running = undefined', replace: '' }],
  },
  {
    name: 'a follower is not woken by what is appended',
    turnsRed: 'a reader follows the writer over every roll',
    edits: [
      {
        file: 'core/log/src/end-waiters.ts',
        find: 'for (const waiter of [...this.#waiters]) if (this.#hasRecordAt(waiter.offset)) waiter.resolve()',
        replace: '',
      },
    ],
  },
  {
    name: 'nobody who waits is told that the log closes',
    turnsRed: END,
    edits: [
      {
        file: 'core/log/src/end-waiters.ts',
        find: 'for (const waiter of [...this.#waiters]) waiter.reject(error)',
        replace: '',
      },
    ],
  },
  {
    name: 'whoever waits does not hear that it should stop',
    turnsRed: END,
    edits: [
      {
        file: 'core/log/src/end-waiters.ts',
        find: `signal?.addEventListener('abort', onAbort, { once: true })`,
        replace: '',
      },
    ],
  },
]
