import type { MutationsOf } from '../machinery/bug.ts'
import type { bug } from '../scenarios/names-are-not-synced.ts'

const WHOLE = 'core/log/src/whole-file.ts'
const RECOVERY = 'core/log/src/recovery.ts'
const NAMES =
  'whatever the disk forgets of its names, everything acknowledged is there, over rolls and removals'

export const mutations: MutationsOf<typeof bug.scenarios> = [
  {
    name: 'the name of a new file is not synced',
    turnsRed: NAMES,
    edits: [{ file: WHOLE, find: 'await files.syncDirectory(directory)', replace: '' }],
  },
  {
    name: 'the name of a segment that was made ready is not synced',
    turnsRed: NAMES,
    edits: [
      {
        file: 'core/log/src/spare-segment.ts',
        find: 'await files.syncDirectory(directory)',
        replace: '',
      },
    ],
  },
  {
    name: 'a new file gets its name before its contents are synced',
    turnsRed: NAMES,
    edits: [
      { file: WHOLE, find: 'await file.writeDurable(contents, 0)', replace: 'await file.write(contents, 0)' },
    ],
  },
  {
    name: 'a segment that was made ready gets its name before its header is synced',
    turnsRed: NAMES,
    edits: [
      {
        file: 'core/log/src/spare-segment.ts',
        find: 'await file.writeDurable(contents, 0)',
        replace: 'await file.write(contents, 0)',
      },
    ],
  },
  {
    name: 'removals are told before their names are synced',
    turnsRed: 'what was removed does not come back when the power fails',
    edits: [
      {
        file: 'core/log/src/retention.ts',
        find: 'await log.files.syncDirectory(log.directory)',
        replace: '',
      },
    ],
  },
  {
    name: 'recovery trusts the names that it finds',
    turnsRed: 'a name that a dead process has made is durable before anything under it is acknowledged',
    edits: [
      {
        file: RECOVERY,
        find: 'await files.syncDirectory(directory)\n  const { found',
        replace: 'const { found',
      },
    ],
  },
  {
    name: 'a torn tail is cut off before the name of its copy is synced',
    turnsRed: 'a torn tail that was cut off is kept, also when the power fails again',
    edits: [
      {
        file: RECOVERY,
        find: 'await files.syncDirectory(directory)\n    await source.truncate(segment.dataBytes)',
        replace: 'await source.truncate(segment.dataBytes)',
      },
    ],
  },
]
