import type { MutationsOf } from '../machinery/bug.ts'
import type { bug } from '../scenarios/a-kill-makes-good-data-look-bad.ts'

const WRITE = 'await this.#writeOut([...frames, ...zeros], position, isDurable)'

export const mutations: MutationsOf<typeof bug.scenarios> = [
  {
    name: 'the checksum of a frame is written later than the frame',
    turnsRed: 'a kill at any moment costs no acknowledged record, and nothing counts as damaged',
    edits: [
      {
        file: 'core/log/src/active-segment.ts',
        find: WRITE,
        replace: `
      const unfinished = frames.map((frame) => frame.slice().fill(0, frame.length - 8, frame.length - 4))
      ${WRITE.replace('...frames', '...unfinished')}
      void (async () => {
        for (let turn = 0; turn < 40; turn += 1) await undefined
        await this.#file.write(frames, position)
      })().catch(() => {})`,
      },
    ],
  },
  {
    name: 'what the durable mark does not know of is taken for torn',
    turnsRed: 'a kill at any moment costs no acknowledged record, and nothing counts as damaged',
    edits: [
      {
        file: 'core/log/src/segment-scan.ts',
        find: 'let frame = await cursor.frameAt(position)',
        replace: 'if (expected >= durableOffset) break\n    let frame = await cursor.frameAt(position)',
      },
    ],
  },
  {
    name: 'what a dead process has not synced is read as it is',
    turnsRed: 'what is found after a kill is durable before anybody reads it',
    edits: [
      {
        file: 'core/log/src/recovery.ts',
        find: 'await makeDurable(files, segment, durableOffset)',
        replace: '',
      },
    ],
  },
]
