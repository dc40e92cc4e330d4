import type { MutationsOf } from '../machinery/bug.ts'
import type { bug } from '../scenarios/a-silent-disk-is-taken-for-torn.ts'

const SURVEY = 'core/log/src/segment-survey.ts'
const OPENING = 'while a disk does not answer nothing is opened, and nothing is changed'
const HOLE =
  'a segment that is missing, or was cut at the exact end of a record, is a gap as soon as the log is open'

export const mutations: MutationsOf<typeof bug.scenarios> = [
  {
    name: 'an error of reading counts as the end of the file',
    turnsRed: OPENING,
    edits: [
      {
        file: 'core/log/src/frame-cursor.ts',
        find: 'const filled = await this.#file.read(bytes, position)',
        replace: 'const filled = await this.#file.read(bytes, position).catch(() => 0)',
      },
    ],
  },
  {
    name: 'a directory that cannot be listed counts as empty',
    turnsRed: OPENING,
    edits: [
      {
        file: 'core/log/src/open-log.ts',
        find: 'const names = await files.list(directory)',
        replace: 'const names = await files.list(directory).catch(() => [])',
      },
    ],
  },
  {
    name: 'a segment whose header cannot be read is moved aside',
    turnsRed: OPENING,
    edits: [
      {
        file: SURVEY,
        find: 'const segment = await inspectSegment(files, path, baseOffset)',
        replace: 'const segment = await inspectSegment(files, path, baseOffset).catch(() => undefined)',
      },
    ],
  },
  {
    name: 'a format file that cannot be read is written anew',
    turnsRed: OPENING,
    edits: [
      {
        file: 'core/log/src/format-version.ts',
        find: 'const length = await file.read(bytes, 0)',
        replace: 'const length = await file.read(bytes, 0).catch(() => 0)',
      },
    ],
  },
  {
    name: 'what cannot be read now is a gap from then on',
    turnsRed: 'while a disk does not answer reading fails, and no gap is named',
    edits: [
      {
        file: 'core/log/src/frame-cursor.ts',
        find: 'const filled = await this.#file.read(bytes, position)',
        replace: 'const filled = await this.#file.read(bytes, position).catch(() => 0)',
      },
    ],
  },
  {
    name: 'a segment ends where its file ends, whatever its successor says',
    turnsRed: HOLE,
    edits: [
      {
        file: SURVEY,
        find: 'chain?.salt === found.salt && chain.dataBytes <= found.fileBytes',
        replace: 'chain?.salt === found.salt',
      },
    ],
  },
  {
    name: 'segments are joined over what is missing between them',
    turnsRed: HOLE,
    edits: [
      {
        file: SURVEY,
        find: 'gaps.add({\n    from: endOffset,\n    to: successor.baseOffset,',
        replace: 'String({\n    from: endOffset,\n    to: successor.baseOffset,',
      },
    ],
  },
]
