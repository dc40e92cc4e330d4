import type { MutationsOf } from '../machinery/bug.ts'
import type { bug } from '../scenarios/takeovers-and-slow-peers.ts'

const SESSIONS = 'core/devices/src/session-table.ts'
const CONNECTION = 'core/devices/src/mqtt-connection.ts'
const WRITER = 'the older of two writers is refused, whenever the newer one comes'
const TAKEOVER =
  'what was under way at a takeover is delivered, and the late end of the older connection ends nothing'
const FROZEN = 'a device that reads nothing, or that nobody judges, stops no other'

export const mutations: MutationsOf<typeof bug.scenarios> = [
  {
    name: 'the older writer is asked to stop, and not refused',
    turnsRed: WRITER,
    edits: [
      {
        file: 'core/bus/src/embedded-writer.ts',
        find: 'if (!this.#closed && this.epoch === current) return',
        replace: 'if (!this.#closed) return',
      },
    ],
  },
  {
    name: 'a takeover does not wait for what is under way',
    turnsRed: WRITER,
    edits: [
      {
        file: 'core/bus/src/embedded-bus.ts',
        find: 'const epoch = await partition.inWriterTurn(() => {',
        replace: 'const epoch = await Promise.resolve().then(() => {',
      },
    ],
  },
  {
    name: 'a writer is judged when it asks, and not when its turn has come',
    turnsRed: WRITER,
    edits: [
      {
        file: 'core/bus/src/embedded-writer.ts',
        find: 'return this.#partition.inWriterTurn(async () => {\n      this.#assertNewest()',
        replace:
          'this.#assertNewest()\n    return this.#partition.inWriterTurn(async () => {\n      for (let turn = 0; turn < 30; turn += 1) await undefined',
      },
      {
        file: 'core/bus/src/embedded-bus.ts',
        find: 'const epoch = await partition.inWriterTurn(() => {',
        replace: 'const epoch = await Promise.resolve().then(() => {',
      },
    ],
  },
  {
    name: 'the epoch is raised in memory',
    turnsRed: 'the epoch of a writer outlives a power cut',
    edits: [
      {
        file: 'core/bus/src/topic-catalogue.ts',
        find: 'await this.#keep({ name, exclusive, retention, epochs })\n      partition.epoch = epoch',
        replace: 'void [name, exclusive, retention, epochs]\n      partition.epoch = epoch',
      },
    ],
  },
  {
    name: 'a publication waits until everybody who was told has asked',
    turnsRed: 'a member that never asks stops no other',
    edits: [
      {
        file: 'core/bus/src/group-member.ts',
        find: 'this.#held.set(partition, { partition, offset, paused: false, blockedUntilMs: 0 })',
        replace: `this.#held.set(partition, { partition, offset, paused: false, blockedUntilMs: 0 })
    if (this.group === 'frozen') void partition.inWriterTurn(() => new Promise(() => {}))`,
      },
      {
        file: 'core/bus/src/partition.ts',
        find: 'this.assertSound()\n    const { store } = this',
        replace: 'this.assertSound()\n    await this.#writerTurn\n    const { store } = this',
      },
    ],
  },
  {
    name: 'closing waits for members that wait',
    turnsRed: 'a member that never asks stops no other',
    edits: [
      {
        file: 'core/bus/src/consumer-groups.ts',
        find: 'await Promise.all(members.map((member) => member.close()))',
        replace: 'await Promise.all(members.map((member) => member.next()))',
      },
    ],
  },
  {
    name: 'the end of any connection ends the session that it had',
    turnsRed: TAKEOVER,
    edits: [
      { file: SESSIONS, find: 'if (session.link !== link) return', replace: '' },
      {
        file: SESSIONS,
        find: 'this.#sessions.get(device)?.link?.takeOver()',
        replace: '',
      },
    ],
  },
  {
    name: 'a newer connection begins a new session',
    turnsRed: TAKEOVER,
    edits: [
      {
        file: SESSIONS,
        find: 'if (known !== undefined && !isClean) {',
        replace: 'if (known !== undefined && isClean) {',
      },
    ],
  },
  {
    name: 'what was under way at a takeover is not sent again',
    turnsRed: TAKEOVER,
    edits: [{ file: CONNECTION, find: 'resend(session, this.tier)\n', replace: '\n' }],
  },
  {
    name: 'the will of a device that is back is sent',
    turnsRed: 'last words are said once, and not while the device is there',
    edits: [{ file: SESSIONS, find: 'this.#options.wheel.delete(known.will)', replace: '' }],
  },
  {
    name: 'the will is sent when the connection ends, and when the session is parked',
    turnsRed: 'last words are said once, and not while the device is there',
    edits: [
      {
        file: SESSIONS,
        find: 'if (will !== undefined) this.#arm(session, will, nowMs)',
        replace:
          'if (will !== undefined) this.#arm(session, will, nowMs)\n    if (will !== undefined) this.#arm(session, will, nowMs)',
      },
    ],
  },
  {
    name: 'who reads nothing is waited for',
    turnsRed: FROZEN,
    edits: [
      {
        file: CONNECTION,
        find: 'if (this.#output.waitingBytes > this.tier.limits.outboundBytesMax) {',
        replace: 'if (this.#output.waitingBytes < 0) {',
      },
      {
        file: CONNECTION,
        find: 'if (!this.hasRoom && this.#stall.slot === NOT_WAITING) {',
        replace: 'if (this.#output.waitingBytes < 0) {',
      },
    ],
  },
  {
    name: 'who is not judged in time is waited for',
    turnsRed: FROZEN,
    edits: [
      {
        file: CONNECTION,
        find: `if (this.#mode === 'connecting' || this.#mode === 'authenticating') {\n      this.tier`,
        replace: `if (this.#mode === 'connecting') {\n      this.tier`,
      },
    ],
  },
]
