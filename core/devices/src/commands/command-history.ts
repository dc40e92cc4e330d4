import type { Bus, Message, Placement } from '@millrace/bus'
import { COMMANDS_TOPIC, type Command } from '../command.ts'
import { TopicFold } from '../topic-fold.ts'
import { type CommandBook, comesAfter } from './command-book.ts'
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

/** Reads the command topic back, and keeps the position below which every command has ended. */
export class CommandHistory {
  readonly #book: CommandBook
  readonly #fold: TopicFold

  private constructor(book: CommandBook, fold: TopicFold) {
    this.#book = book
    this.#fold = fold
  }

  /** Folds everything from the committed position to the end into `book`. */
  static async open(bus: Bus, book: CommandBook): Promise<CommandHistory> {
    const visit = (message: Message) => foldInto(book, message)
    return new CommandHistory(
      book,
      await TopicFold.open({ bus, topic: COMMANDS_TOPIC, group: COMMANDS_GROUP, visit }),
    )
  }

  /** Takes note of where the topic ends. */
  noteEnd(placement: Placement | undefined): void {
    this.#fold.noteEnd(placement)
  }

  /** What became of `command`, whose request is at `offset` (-1: no longer known, so long since final). */
  async recall(command: Command, offset: number): Promise<Command> {
    if (offset < 0) return { ...command, state: 'done' }
    let found = command
    await this.#fold.read(offset, (message) => {
      const record = readCommandRecord(message)
      if (record !== undefined) found = moved(found, record)
    })
    return found
  }

  async commitIfFar(): Promise<void> {
    if (this.#floor() - this.#fold.committed >= COMMIT_RECORDS) await this.#fold.commit(this.#floor())
  }

  async close(): Promise<void> {
    await this.#fold.commit(this.#floor())
    await this.#fold.close()
  }

  #floor(): number {
    return Math.min(this.#book.watermark(this.#fold.end), this.#fold.end - HISTORY_RECORDS)
  }
}

function moved(command: Command, record: CommandRecord): Command {
  if (record.kind === 'request') return record.command.id === command.id ? record.command : command
  if (record.id !== command.id || !comesAfter(record.state, command.state)) return command
  const outcome = record.outcome === undefined ? {} : { outcome: record.outcome }
  return { ...command, state: record.state, changedAtMs: record.atMs, ...outcome }
}

function foldInto(book: CommandBook, message: Message): void {
  const record = readCommandRecord(message)
  if (record?.kind === 'request') {
    if (book.find(record.command.id) === undefined) book.add(record.command, message.offset)
  } else if (record?.kind === 'transition') {
    const entry = book.find(record.id)
    if (entry !== undefined) book.move(entry, record.state, record.atMs, record.outcome)
  }
}
