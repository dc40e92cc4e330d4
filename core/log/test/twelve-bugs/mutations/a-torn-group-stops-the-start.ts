import type { MutationsOf } from '../machinery/bug.ts'
import type { bug } from '../scenarios/a-torn-group-stops-the-start.ts'

const CURSOR = 'core/log/src/frame-cursor.ts'
const RECOVERY = 'core/log/src/recovery.ts'
const SUBSETS = 'whichever sectors of the last group reach the disk, the log opens with what was acknowledged'
const HALF_MADE = 'half-made and left-over files keep nothing from starting'
const INTACT = 'if (bytes === undefined || !isBodyIntact(bytes, header)) return undefined'

export const mutations: MutationsOf<typeof bug.scenarios> = [
  {
    name: 'a frame that is longer than its file is an error',
    turnsRed: SUBSETS,
    edits: [
      {
        file: CURSOR,
        find: INTACT,
        replace: `if (bytes === undefined) throw new Error('max entry size limit exceeded')\n    ${INTACT}`,
      },
    ],
  },
  {
    name: 'a frame whose checksum is wrong is an error',
    turnsRed: SUBSETS,
    edits: [
      {
        file: CURSOR,
        find: INTACT,
        replace: `if (bytes === undefined) return undefined\n    if (!isBodyIntact(bytes, header)) throw new Error('crc mismatch')`,
      },
    ],
  },
  {
    name: 'an intact frame behind a missing one of its own group counts as a witness',
    turnsRed: 'frames of one group that reach the disk in another order are no damage',
    edits: [
      {
        file: 'core/log/src/active-segment.ts',
        find: 'unsyncedBefore: baseOffset - this.#synced.offset',
        replace: 'unsyncedBefore: 0',
      },
    ],
  },
  {
    name: 'a torn tail is left behind the end of the log',
    turnsRed: 'a torn tail never comes back behind what is written in its place',
    edits: [{ file: RECOVERY, find: 'await source.truncate(segment.dataBytes)', replace: '' }],
  },
  {
    name: 'a segment that is shorter than its header is an error',
    turnsRed: HALF_MADE,
    edits: [
      {
        file: 'core/log/src/segment-header.ts',
        find: 'if (bytes.length < SEGMENT_HEADER_BYTES) return undefined',
        replace: `if (bytes.length < SEGMENT_HEADER_BYTES) throw new Error('header expected')`,
      },
    ],
  },
  {
    name: 'a segment in which nothing can be read is an error',
    turnsRed: HALF_MADE,
    edits: [
      {
        file: RECOVERY,
        find: 'await files.rename(path, path + CORRUPT)',
        replace: `throw new Error('not a segment')`,
      },
    ],
  },
  {
    name: 'a left-over file is in the way of the next one of its name',
    turnsRed: HALF_MADE,
    edits: [
      {
        file: 'core/log/src/whole-file.ts',
        find: 'await files.remove(path + TEMPORARY)\n  const',
        replace: 'const',
      },
      {
        file: RECOVERY,
        find: 'UNFINISHED.some((ending) => name.endsWith(ending))',
        replace: `UNFINISHED.some((ending) => ending !== '.tmp' && name.endsWith(ending))`,
      },
    ],
  },
]
