import type { MutationsOf } from '../machinery/bug.ts'
import type { bug } from '../scenarios/acknowledged-before-durable.ts'

const ACTIVE = 'core/log/src/active-segment.ts'
const WRITE = 'if (isDurable && isClean) return this.#file.writeDurable(buffers, position)'

export const mutations: MutationsOf<typeof bug.scenarios> = [
  {
    name: 'groups are written and left to the system to sync',
    turnsRed: 'every acknowledged record survives a power cut right behind its acknowledgement',
    edits: [{ file: ACTIVE, find: WRITE, replace: WRITE.replace('writeDurable', 'write') }],
  },
  {
    name: 'the sync of a group is begun, and not waited for',
    turnsRed: 'nothing is acknowledged, and nothing can be read, while its sync is under way',
    edits: [
      {
        file: ACTIVE,
        find: WRITE,
        replace: `
    if (isDurable && isClean) {
      await this.#file.write(buffers, position)
      void this.#file.sync().catch(() => {})
      return
    }`,
      },
    ],
  },
  {
    name: 'an append is acknowledged when it has arrived',
    turnsRed: 'every acknowledged record survives a power cut right behind its acknowledgement',
    edits: [
      {
        file: 'core/log/src/log-writer.ts',
        find: 'const result = this.#queue.add(records, durability, signal)',
        replace: `
    void this.#queue.add(records, durability, signal).catch(() => {})
    const result = { baseOffset: this.#roller.nextOffset, count: records.length }`,
      },
    ],
  },
  {
    name: 'the bus acknowledges a publication when it has handed it to the log',
    turnsRed: 'what the bus has acknowledged survives a power cut: messages, and positions',
    edits: [
      {
        file: 'core/bus/src/partition.ts',
        find: 'const baseOffset = await store.append(messages, timestampMs)',
        replace: 'const baseOffset = store.endOffset; void store.append(messages, timestampMs)',
      },
    ],
  },
  {
    name: 'a table acknowledges a change when it waits for its turn',
    turnsRed: 'what the bus has acknowledged survives a power cut: messages, and positions',
    edits: [
      {
        file: 'core/log/src/table/log-table.ts',
        find: 'this.#pending.push({ entries, durability, done })',
        replace: 'done.resolve(); this.#pending.push({ entries, durability, done })',
      },
    ],
  },
]
