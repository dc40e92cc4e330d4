import type { MutationsOf } from '../machinery/bug.ts'
import type { bug } from '../scenarios/the-sequence-goes-back.ts'

const RECOVERY = 'core/log/src/recovery.ts'
const MARK = 'core/log/src/durable-mark.ts'
const LOST =
  'whatever is lost at the end, no offset is used again, and a consumer at the end gets what is new'

export const mutations: MutationsOf<typeof bug.scenarios> = [
  {
    name: 'the log goes on behind what it has left',
    turnsRed: LOST,
    edits: [
      {
        file: RECOVERY,
        find: 'const nextOffset = Math.max(segment.endOffset, durableOffset, mark.reserved)',
        replace: 'const nextOffset = segment.endOffset',
      },
    ],
  },
  {
    name: 'a log without segments begins at 0',
    turnsRed: LOST,
    edits: [
      {
        file: RECOVERY,
        find: 'const nextOffset = Math.max(durableOffset, mark.reserved)',
        replace: 'const nextOffset = 0',
      },
    ],
  },
  {
    name: 'a consumer waits for offsets that are lost',
    turnsRed: LOST,
    edits: [
      {
        file: RECOVERY,
        find: 'gaps.add({ from: segment.endOffset, to: durableOffset,',
        replace: 'String({ from: segment.endOffset, to: durableOffset,',
      },
      {
        file: RECOVERY,
        find: 'gaps.add({ from: segment.endOffset, to: nextOffset, reason: SKIPPED, isPast: true })',
        replace: '',
      },
    ],
  },
  {
    name: 'the name of a segment that cannot be read counts for nothing',
    turnsRed: 'a segment in which nothing can be read still tells which offsets were given',
    edits: [
      {
        file: RECOVERY,
        find: 'const durableOffset = Math.max(mark.durableEnd.offset, ...begun, ...compactedEnds)',
        replace: 'const durableOffset = Math.max(mark.durableEnd.offset, ...compactedEnds)',
      },
    ],
  },
  {
    name: 'both slots of the mark are one',
    turnsRed: 'a damaged mark falls back to the one before',
    edits: [
      {
        file: MARK,
        find: 'const position = (generation % 2) * SLOT_DISTANCE_BYTES',
        replace: 'const position = 0',
      },
    ],
  },
  {
    name: 'the mark advances when a group is handed to the disk',
    turnsRed: 'the mark never speaks of what is not durable',
    edits: [
      {
        file: 'core/log/src/log-writer.ts',
        find: 'const write: Write = { group, syncs, isDurable, outcome: undefined }',
        replace: `
    this.#options.mark.advance({ offset: this.#roller.nextOffset + recordCount(group), place: undefined })
    const write: Write = { group, syncs, isDurable, outcome: undefined }`,
      },
    ],
  },
  {
    name: 'offsets are given before they are reserved',
    turnsRed: 'offsets of records that did not wait for the disk are not given to others',
    edits: [
      {
        file: 'core/log/src/log-writer.ts',
        find: 'if (!isDurable) await this.#reserve(recordCount(group))',
        replace: '',
      },
    ],
  },
  {
    name: 'a reservation is not synced',
    turnsRed: 'offsets of records that did not wait for the disk are not given to others',
    edits: [
      {
        file: MARK,
        find: 'await this.#put(reserved, true)',
        replace: 'await this.#put(reserved, false)',
      },
    ],
  },
  {
    name: 'removal takes the segment that tells where the log was',
    turnsRed: 'a log from which everything was removed goes on where it was',
    edits: [
      {
        file: 'core/log/src/retention.ts',
        find: 'log.segments.all.slice(0, -1).filter(',
        replace: 'log.segments.all.filter(',
      },
    ],
  },
  {
    name: 'a group waits at its position until its topic gets there',
    turnsRed: 'a group whose position is ahead of its topic gets what is published then',
    edits: [
      {
        file: 'core/bus/src/embedded-bus.ts',
        find: 'await bus.#groups.fitTo((topic, partition) => bus.#topics.knownEndOffset(topic, partition))',
        replace: '',
      },
    ],
  },
  {
    name: 'a position is brought back in memory only',
    turnsRed: 'a group whose position is ahead of its topic gets what is published then',
    edits: [
      {
        file: 'core/bus/src/embedded-bus.ts',
        find: 'await bus.#groups.fitTo((topic, partition) => bus.#topics.knownEndOffset(topic, partition))',
        replace: `
      const put = stores.positions.put
      stores.positions.put = async () => undefined
      await bus.#groups.fitTo((topic, partition) => bus.#topics.knownEndOffset(topic, partition))
      stores.positions.put = put`,
      },
    ],
  },
]
