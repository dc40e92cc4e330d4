import type { MutationsOf } from '../machinery/bug.ts'
import type { bug } from '../scenarios/a-flipped-bit-loses-the-rest.ts'

const FRAME = 'core/log/src/frame.ts'
const CLOSED = 'a flipped bit anywhere in a closed log costs one append, and the gap names exactly that one'
const LAST = 'a flipped bit before the last append costs one append, although no mark was written'

export const mutations: MutationsOf<typeof bug.scenarios> = [
  {
    name: 'reading stops at a damaged frame, up to the end of its segment',
    turnsRed: CLOSED,
    edits: [
      {
        file: 'core/log/src/log-reader.ts',
        find: 'frame = await cursor.nextFrame(position, expected + 1)',
        replace: 'frame = undefined',
      },
    ],
  },
  {
    name: 'recovery looks for nothing behind a damaged frame',
    turnsRed: LAST,
    edits: [
      {
        file: 'core/log/src/segment-scan.ts',
        find: 'const first = await cursor.nextFrame(position, expected + 1)',
        replace: 'const first = undefined',
      },
    ],
  },
  {
    name: 'recovery takes what is damaged for torn, and cuts the rest off',
    turnsRed: LAST,
    edits: [
      {
        file: 'core/log/src/segment-scan.ts',
        find: 'if (frame.header.baseOffset - frame.header.unsyncedBefore > expected) return first',
        replace: '',
      },
    ],
  },
  {
    name: 'recovery removes the segments behind a damaged one',
    turnsRed: CLOSED,
    edits: [
      {
        file: 'core/log/src/segment-survey.ts',
        find: 'if (chain?.salt === found.salt && chain.dataBytes <= found.fileBytes) {',
        replace: 'if (chain === null) {',
      },
      {
        file: 'core/log/src/recovery.ts',
        find: 'segments.push(await adoptSealed(files, current, successor, gaps))',
        replace: `
    segments.push(await adoptSealed(files, current, successor, gaps))
    if (gaps.all.length > 0)
      for (const later of found.splice(index + 1)) await files.remove(later.path)`,
      },
    ],
  },
  {
    name: 'a segment whose header is damaged is given up',
    turnsRed: CLOSED,
    edits: [
      {
        file: 'core/log/src/segment-survey.ts',
        find: 'return frame && { path, baseOffset, fileBytes, header: undefined, salt: frame.header.salt }',
        replace: 'return undefined',
      },
    ],
  },
  {
    name: 'the body of a frame is not checked',
    turnsRed: CLOSED,
    edits: [
      {
        file: FRAME,
        find: 'view.getUint32(trailer, true) === bodyCrc(frame, trailer, view.getUint32(44, true))',
        replace: 'true',
      },
    ],
  },
  {
    name: 'the header of a frame, and so its length, is not checked',
    turnsRed: CLOSED,
    edits: [
      {
        file: FRAME,
        find: 'if (view.getUint32(44, true) !== crc32c(bytes.subarray(position, position + 44))) return undefined',
        replace: '',
      },
    ],
  },
  {
    name: 'a gap is named up to the end of its segment',
    turnsRed: CLOSED,
    edits: [
      {
        file: 'core/log/src/log-reader.ts',
        find: 'const to = frame?.header.baseOffset ?? endOffset',
        replace: 'const to = endOffset',
      },
    ],
  },
  {
    name: 'what is damaged is skipped, and never named',
    turnsRed: CLOSED,
    edits: [
      {
        file: 'core/log/src/gap-list.ts',
        find: 'if (from < gap.to) fresh.push({ ...gap, from })',
        replace: '',
      },
    ],
  },
]
