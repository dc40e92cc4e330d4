import type { MutationsOf } from '../machinery/bug.ts'
import type { bug } from '../scenarios/settings-destroy-the-store.ts'

const RECOVERY = 'core/log/src/recovery.ts'
const RETENTION = 'core/log/src/retention.ts'
const FORMAT = 'core/log/src/format-version.ts'
const METADATA = 'a damaged mark or format costs no record'
const RULE = 'retention removes what is older than its milliseconds, and nothing else'
const SPACE = 'space is counted from the files, and given back'
const AGE = 'log.clock.now() - ageMsMax'
const FIRST = 'await checkFormat(files, directory, names)'

export const mutations: MutationsOf<typeof bug.scenarios> = [
  {
    name: 'a log is made anew when it is opened',
    turnsRed: 'a log that is opened a thousand times with the same and other settings keeps everything',
    edits: [
      {
        file: 'core/log/src/open-log.ts',
        find: 'const names = await files.list(directory)',
        replace: `
    for (const name of await files.list(directory)) await files.remove(directory + '/' + name)
    const names = await files.list(directory)`,
      },
    ],
  },
  {
    name: 'other settings make a log anew',
    turnsRed: 'a log that is opened a thousand times with the same and other settings keeps everything',
    edits: [
      {
        file: 'core/log/src/open-log.ts',
        find: FIRST,
        replace: `
    if (options.segmentBytesMax === 64_000)
      for (const name of names) await files.remove(directory + '/' + name)
    ${FIRST}`,
      },
    ],
  },
  {
    name: 'a changed retention is applied to everything that is there',
    turnsRed: 'a topic whose settings are pushed a thousand times under load keeps everything',
    edits: [
      {
        file: 'core/bus/src/log-partition.ts',
        find: 'bytesMax === undefined ? {} : { bytesMax },',
        replace: 'bytesMax === undefined ? {} : { bytesMax: 0 },',
      },
      {
        file: 'core/bus/src/log-partition.ts',
        find: 'async setRetention({ ageMsMax, bytesMax }: Retention): Promise<void> {',
        replace: `async setRetention({ ageMsMax, bytesMax }: Retention): Promise<void> {
    await this.#log.trimBefore(this.#log.endOffset)
    await this.#log.append([{ value: new Uint8Array(1) }])`,
      },
    ],
  },
  {
    name: 'a format file that does not parse is an error',
    turnsRed: METADATA,
    edits: [
      {
        file: FORMAT,
        find: '} catch {\n    return undefined',
        replace: '} catch (error) {\n    throw error',
      },
    ],
  },
  {
    name: 'a log whose format cannot be read is begun anew',
    turnsRed: METADATA,
    edits: [
      {
        file: FORMAT,
        find: 'if (seen === undefined) return writeVersion(files, directory)',
        replace: `if (seen === undefined) {
    for (const name of names) await files.remove(directory + '/' + name)
    return writeVersion(files, directory)
  }`,
      },
    ],
  },
  {
    name: 'a mark that is shorter than it was is an error',
    turnsRed: METADATA,
    edits: [
      {
        file: 'core/log/src/durable-mark.ts',
        find: 'await file.read(bytes, 0)',
        replace: `if ((await file.read(bytes, 0)) < FILE_BYTES) throw new Error('the mark is short')`,
      },
    ],
  },
  {
    name: 'the checksum of the mark is not looked at',
    turnsRed: METADATA,
    edits: [
      {
        file: 'core/log/src/durable-mark.ts',
        find: 'if (view.getUint32(CHECKED_BYTES, true) !== crc32c(bytes.subarray(0, CHECKED_BYTES))) return undefined',
        replace: '',
      },
    ],
  },
  {
    name: 'files that are not known are cleaned up',
    turnsRed: 'files that nobody knows are left alone',
    edits: [
      {
        file: RECOVERY,
        find: 'name === SPARE_FILE || UNFINISHED',
        replace: `(parseSegmentName(name) === undefined && !/^(mark|format|.*torn)/.test(name)) || UNFINISHED`,
      },
    ],
  },
  {
    name: 'an age in milliseconds is taken for seconds',
    turnsRed: RULE,
    edits: [{ file: RETENTION, find: AGE, replace: `${AGE} * 1000` }],
  },
  {
    name: 'a time in milliseconds is compared with an age in seconds',
    turnsRed: RULE,
    edits: [{ file: RETENTION, find: AGE, replace: `${AGE} / 1000` }],
  },
  {
    name: 'the age of a segment is that of its oldest record',
    turnsRed: RULE,
    edits: [
      {
        file: 'core/log/src/active-segment.ts',
        find: 'segment.noteTimestamp(builder.maxTimestampMs)',
        replace: 'if (segment.maxTimestampMs === 0) segment.noteTimestamp(builder.maxTimestampMs)',
      },
    ],
  },
  {
    name: 'retention takes the segment that is written to',
    turnsRed: RULE,
    edits: [
      {
        file: RETENTION,
        find: 'for (const segment of log.segments.all.slice(0, -1)) {',
        replace: 'for (const segment of log.segments.all.slice()) {',
      },
    ],
  },
  {
    name: 'retention believes every clock',
    turnsRed: 'a clock that jumps ten years, and back, costs no record',
    edits: [
      {
        file: 'core/log/src/steady-clock.ts',
        find: 'if (startMs <= this.#startMs + SMALL_JUMP_MS_MAX) return true',
        replace: 'if (startMs > 0) return true',
      },
    ],
  },
  {
    name: 'what the log has is counted in memory, and begins with the records',
    turnsRed: SPACE,
    edits: [
      {
        file: 'core/log/src/segment-list.ts',
        find: 'sum + segment.fileBytes',
        replace: 'sum + segment.fileBytes + 4096',
      },
    ],
  },
  {
    name: 'retention forgets to remove what it gives up',
    turnsRed: SPACE,
    edits: [
      {
        file: RETENTION,
        find: 'if (!(await log.recycle(path + DELETED))) await log.files.remove(path + DELETED)',
        replace: 'await log.recycle(path + DELETED)',
      },
      {
        file: RECOVERY,
        find: 'UNFINISHED.some((ending) => name.endsWith(ending))',
        replace: `UNFINISHED.some((ending) => ending !== '.deleted' && name.endsWith(ending))`,
      },
    ],
  },
]
