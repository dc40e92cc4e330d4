import type { MutationsOf } from '../machinery/bug.ts'
import type { bug } from '../scenarios/deleted-before-the-peer-has-it.ts'

const BACKLOG = 'a backlog is passed on by itself, before anything new comes'
const REPLAY = 'what is published during a replay comes once, in the order of its key'
const ANSWER = 'what the peer has not answered is handled again, and let go when it has'
const LINK =
  'what a device has not acknowledged comes again on its next connection, although the link died in silence'
const QUEUE = 'a queue lets an item go when its acknowledgement is durable, and not before'
const DELIVERY = 'core/devices/src/session-delivery.ts'
const MEMBER = 'core/bus/src/group-member.ts'

export const mutations: MutationsOf<typeof bug.scenarios> = [
  {
    name: 'a follower waits for something new first',
    turnsRed: BACKLOG,
    edits: [
      {
        file: 'core/log/src/end-waiters.ts',
        find: 'if (this.#hasRecordAt(offset)) return resolve()',
        replace: '',
      },
      {
        file: 'core/log/src/log.ts',
        find: 'const records = await log.read(next, limits)',
        replace: `
    if (next === offset)
      try {
        await log.waitBeyond(next, signal)
      } catch {
        return
      }
    const records = await log.read(next, limits)`,
      },
    ],
  },
  {
    name: 'a member of a group is told of what comes only',
    turnsRed: BACKLOG,
    edits: [
      {
        file: MEMBER,
        find: 'for (;;) {\n      throwIfAborted(options.signal)',
        replace:
          'await this.#waitForChange(options.signal)\n    for (;;) {\n      throwIfAborted(options.signal)',
      },
    ],
  },
  {
    name: 'a new group begins at the end',
    turnsRed: BACKLOG,
    edits: [
      {
        file: MEMBER,
        find: `this.#from === 'end' ? partition.endOffset : partition.startOffset`,
        replace: 'partition.endOffset',
      },
    ],
  },
  {
    name: 'a member goes on at the end of its partition when a replay is read',
    turnsRed: REPLAY,
    edits: [{ file: MEMBER, find: 'last.offset + 1,', replace: 'Math.max(endOffset, last.offset + 1),' }],
  },
  {
    name: 'a wake-up while a member looks away is lost',
    turnsRed: 'what comes just when its reader looks away is not missed',
    edits: [
      {
        file: MEMBER,
        find: 'if (portions.length === 0 && changes === this.#changes) await',
        replace: 'void changes\n      if (portions.length === 0) await',
      },
    ],
  },
  {
    name: 'messages of two keys are sent on in one order, and those of one key in another',
    turnsRed: REPLAY,
    edits: [
      {
        file: MEMBER,
        find: 'accepted.push(messages)',
        replace: 'accepted.push(messages.toReversed())',
      },
    ],
  },
  {
    name: 'a message is let go when it is handed over',
    turnsRed: ANSWER,
    edits: [
      {
        file: 'core/processing/src/fetcher.ts',
        find: 'if (isForGroup(item.message, settings.name)) mine.push(item)',
        replace:
          'if (isForGroup(item.message, settings.name)) mine.push({ ...item })\n      ledger.finish(item)\n      if (item.state === "held") mine.push(item)',
      },
    ],
  },
  {
    name: 'a position passes what is not finished',
    turnsRed: ANSWER,
    edits: [
      {
        file: 'core/processing/src/watermark.ts',
        find: `while (mark.items[finished]?.state === 'finished') finished += 1`,
        replace: 'finished = mark.items.indexOf(item) + 1',
      },
    ],
  },
  {
    name: 'an acknowledgement is told before its cursor is written',
    turnsRed: QUEUE,
    edits: [
      {
        file: 'core/log/src/queue/cursor-writer.ts',
        find: 'if (entries.length > 0) await this.#reserve.write(() => this.#table.put(entries, { durability }))',
        replace:
          'if (entries.length > 0) void this.#reserve.write(() => this.#table.put(entries, { durability })).catch(() => {})',
      },
    ],
  },
  {
    name: 'a cursor is written and not synced',
    turnsRed: QUEUE,
    edits: [
      {
        file: 'core/log/src/queue/cursor-writer.ts',
        find: `? 'disk' : 'os'`,
        replace: `? 'os' : 'os'`,
      },
    ],
  },
  {
    name: 'an item is done when it is handed out',
    turnsRed: QUEUE,
    edits: [
      {
        file: 'core/log/src/queue/take-loop.ts',
        find: 'if (isFirst) change.taken(progress.cursor, { from: offset, to })',
        replace: 'if (isFirst) change.done(progress.cursor, { from: offset, to })',
      },
    ],
  },
  {
    name: 'a lane is trimmed up to its end',
    turnsRed: QUEUE,
    edits: [
      {
        file: 'core/log/src/queue/lane.ts',
        find: 'await this.log.trimBefore(Math.min(head.offset, this.log.endOffset))',
        replace: 'await this.log.trimBefore(this.log.endOffset)',
      },
    ],
  },
  {
    name: 'a message is forgotten when it is sent',
    turnsRed: LINK,
    edits: [
      {
        file: DELIVERY,
        find: `if (qos !== 0) session.inFlight.set(packetId, { kind: 'message', message, qos, isReleased: false })`,
        replace: '',
      },
    ],
  },
  {
    name: 'what was not acknowledged waits for something new',
    turnsRed: LINK,
    edits: [
      { file: 'core/devices/src/mqtt-connection.ts', find: 'resend(session, this.tier)\n', replace: '\n' },
    ],
  },
  {
    name: 'an acknowledged message is sent again',
    turnsRed: LINK,
    edits: [
      {
        file: DELIVERY,
        find: `session.inFlight.delete(packetId)\n  if (outgoing.kind === 'message') session.release`,
        replace: `if (outgoing.kind === 'message') session.release`,
      },
    ],
  },
  {
    name: 'the bus acknowledges before the log does',
    turnsRed: 'a device is answered when its publication is durable',
    edits: [
      {
        file: 'core/bus/src/partition.ts',
        find: 'const baseOffset = await store.append(messages, timestampMs)',
        replace: 'const baseOffset = store.endOffset; void store.append(messages, timestampMs)',
      },
    ],
  },
]
