import type { Bus, Message, Placement, Subscription } from '@millrace/bus'
import { COMMANDS_TOPIC, type Command } from '../command.ts'
import type { CommandBook } from './command-book.ts'
import { type CommandRecord, readCommandRecord } from './command-events.ts'

/** The consumer group whose committed offset says where the next start begins to fold. */
export const COMMANDS_GROUP = 'millrace.commands.book'

/**
 * Records that are folded again at the next start although all their commands are final, so that operators see the
 * recent past and repeated requests are recognised.
 */
const HISTORY_RECORDS = 20_000
/** The position is committed when it can move this far: a few times an hour, not once a command. */
const COMMIT_RECORDS = 5_000
const READ_COUNT = 5_000
const READ_BYTES = 4 * 1024 * 1024

/** Reads the command topic back, and keeps the position below which nothing needs attention any more. */
export class CommandHistory {
  readonly #bus: Bus
  readonly #book: CommandBook
  readonly #subscription: Subscription
  #committed: number
  #end: number
  #isCommitting = false

  private constructor(
    bus: Bus,
    book: CommandBook,
    subscription: Subscription,
    committed: number,
    end: number,
  ) {
    this.#bus = bus
    this.#book = book
    this.#subscription = subscription
    this.#committed = committed
    this.#end = end
  }

  /** Folds everything from the committed position to the end into `book`. */
  static async open(bus: Bus, book: CommandBook): Promise<CommandHistory> {
    const subscription = await bus.subscribe({ group: COMMANDS_GROUP, topics: [COMMANDS_TOPIC] })
    subscription.pause([{ topic: COMMANDS_TOPIC, partition: 0 }])
    const { startOffset, committed } = await commandPositions(bus)
    const from = Math.max(startOffset, committed)
    const end = await readOn(bus, from, (message, record) => foldInto(book, message, record))
    return new CommandHistory(bus, book, subscription, from, end)
  }

  /** Takes note of where the topic ends. */
  noteEnd(placement: Placement | undefined): void {
    if (placement !== undefined) this.#end = Math.max(this.#end, placement.offset + 1)
  }

  /** What became of `command`, whose request is at `offset` (-1: no longer known). */
  async recall(command: Command, offset: number): Promise<Command> {
    if (offset < 0) return { ...command, state: 'done' }
    let found: Command = command
    await readOn(this.#bus, offset, (_, record) => {
      if (record.kind === 'request' && record.command.id === command.id) found = record.command
      if (record.kind !== 'transition' || record.id !== command.id) return
      const outcome = record.outcome === undefined ? {} : { outcome: record.outcome }
      found = { ...found, state: record.state, changedAtMs: record.atMs, ...outcome }
    })
    return found
  }

  async commitIfFar(): Promise<void> {
    if (this.#floor() - this.#committed >= COMMIT_RECORDS) await this.#commit()
  }

  async close(): Promise<void> {
    if (this.#floor() > this.#committed) await this.#commit()
    await this.#subscription.close()
  }

  #floor(): number {
    return Math.min(this.#book.watermark(this.#end), this.#end - HISTORY_RECORDS)
  }

  async #commit(): Promise<void> {
    if (this.#isCommitting) return
    this.#isCommitting = true
    const offset = this.#floor()
    try {
      await this.#subscription.commit([{ topic: COMMANDS_TOPIC, partition: 0, offset }])
      this.#committed = offset
    } catch {
      // The position only saves time at the next start; it is tried again later.
    } finally {
      this.#isCommitting = false
    }
  }
}

async function commandPositions(
  bus: Bus,
): Promise<{ readonly startOffset: number; readonly committed: number }> {
  const topic = (await bus.listTopics()).find(({ name }) => name === COMMANDS_TOPIC)
  const group = (await bus.listGroups()).find(({ group: name }) => name === COMMANDS_GROUP)
  const position = group?.positions.find(({ topic: name }) => name === COMMANDS_TOPIC)
  return { startOffset: topic?.partitions[0]?.startOffset ?? 0, committed: position?.offset ?? 0 }
}

/** Visits the records from `from` on; gives the end of the topic. */
async function readOn(
  bus: Bus,
  from: number,
  visit: (message: Message, record: CommandRecord) => void,
): Promise<number> {
  let offset = from
  for (;;) {
    const position = { topic: COMMANDS_TOPIC, partition: 0, offset }
    const messages = await bus.read(position, { countMax: READ_COUNT, bytesMax: READ_BYTES })
    const last = messages.at(-1)
    if (last === undefined) return offset
    offset = last.offset + 1
    for (const message of messages) {
      const record = readCommandRecord(message)
      if (record !== undefined) visit(message, record)
    }
  }
}

function foldInto(book: CommandBook, message: Message, record: CommandRecord): void {
  if (record.kind === 'request') {
    if (book.find(record.command.id) === undefined) book.add(record.command, message.offset)
    return
  }
  const entry = book.find(record.id)
  if (entry !== undefined) book.move(entry, record.state, record.atMs, record.outcome)
}
