import type { Bus, Placement } from '@millrace/bus'
import { type CommandDraft, isMillraceError, millraceError, newId, type Runtime } from '@millrace/kernel'
import { COMMANDS_TOPIC, type Command, type CommandState } from '../command.ts'
import type { CounterTable } from '../device-counters.ts'
import type { DeviceLimits } from '../devices.ts'
import { PublishLane, type Settle } from '../publish-lane.ts'
import { type BookEntry, CommandBook, isFinal } from './command-book.ts'
import { COMMAND_DEADLINE_MS_MAX, checkCommandDraft } from './command-draft-check.ts'
import { requestMessage, transitionMessage } from './command-events.ts'
import { CommandHistory } from './command-history.ts'

/** Options of {@link CommandDesk.open}. */
export interface CommandDeskOptions {
  readonly bus: Bus
  readonly runtime: Runtime
  readonly limits: DeviceLimits
  readonly counters: CounterTable
}

/** What is told to whoever waits for an end to be durable. */
type EndSettle = (error: unknown) => void

/** Commands remembered over all devices. */
const COMMANDS_MAX = 200_000
/** Half of them may be without an outcome, so that a fleet that reports none does not take the place of the others. */
const ACKNOWLEDGED_MAX = COMMANDS_MAX / 2
const CROWD = `the device reported no outcome, and more than ${ACKNOWLEDGED_MAX} commands of all devices wait for one`
/** How long transitions gather; off the critical path, since a lost one only means that a command is sent again. */
const TRANSITION_LINGER_MS = 20
const TRANSITION_RETRY_MS = 1_000
/** Transitions that may wait for the bus to recover. */
const TRANSITIONS_RETRYING_MAX = 10_000
/** How much longer than a command can be open the topic keeps it. */
const RETENTION_SLACK_MS = 24 * 3_600_000

/**
 * Takes commands in, keeps them durable, and notes what becomes of them. The command topic is the only truth; the
 * book is a fold over it. Sessions fetch from here what they may send.
 */
export class CommandDesk {
  readonly #options: CommandDeskOptions
  readonly #book: CommandBook
  readonly #history: CommandHistory
  readonly #requests: PublishLane
  readonly #transitions: PublishLane
  /** Requests on their way to the disk, by command id. */
  readonly #pending = new Map<string, Promise<Command>>()
  /**
   * Commands whose end is on its way to the disk, with those who want to know: a command ends once, so meanwhile it
   * does not expire, and a further outcome changes nothing.
   */
  readonly #finishing = new Map<BookEntry, EndSettle[]>()
  #retrying = 0
  /** Told that a device has something to fetch. */
  onReady: (device: string) => void = () => {}

  private constructor(options: CommandDeskOptions, book: CommandBook, history: CommandHistory) {
    const { bus, runtime } = options
    this.#options = options
    this.#book = book
    this.#history = history
    this.#requests = new PublishLane({ bus, runtime, topic: COMMANDS_TOPIC })
    this.#transitions = new PublishLane({
      bus,
      runtime,
      topic: COMMANDS_TOPIC,
      lingerMs: TRANSITION_LINGER_MS,
    })
  }

  /** Creates the topic if need be and folds what it holds. */
  static async open(options: CommandDeskOptions): Promise<CommandDesk> {
    const { bus, limits } = options
    const book = new CommandBook({ ...limits, commandsMax: COMMANDS_MAX, acknowledgedMax: ACKNOWLEDGED_MAX })
    const ageMsMax = COMMAND_DEADLINE_MS_MAX + limits.outcomeMsMax + RETENTION_SLACK_MS
    await bus.createTopic(COMMANDS_TOPIC, { partitions: 1, retention: { ageMsMax } })
    const history = await CommandHistory.open(bus, book)
    const desk = new CommandDesk(options, book, history)
    for (const device of book.devices) desk.#giveUpSurplus(device)
    return desk
  }

  /** See `Devices.send`. */
  async send(draft: CommandDraft, id?: string): Promise<Command> {
    const deadlineMs = checkCommandDraft(draft, id, this.#options.limits.packetBytesMax)
    const known = this.#known(draft, id)
    if (known !== undefined) return (await this.#pending.get(known.command.id)) ?? known.command
    this.#assertRoom(draft.device)
    const command = this.#commandOf(draft, id, deadlineMs)
    const entry = this.#book.add(command)
    const durable = new Promise<Command>((resolve, reject) => {
      const settle: Settle = (error, placement) => {
        if (error !== undefined || placement === undefined) reject(this.#forget(entry, error))
        else resolve(this.#settled(entry, placement))
      }
      this.#requests.add(requestMessage(command), settle)
    }).finally(() => this.#pending.delete(command.id))
    this.#pending.set(command.id, durable)
    return durable
  }

  find(id: string): Command | undefined {
    return this.#book.find(id)?.command
  }

  /** True if this command of the device has ended, although nothing else is remembered of it. */
  hasEnded(id: string, device: string): boolean {
    return this.#book.hasEnded(id, device)
  }

  commandsOf(device: string): readonly Command[] {
    return this.#book.commandsOf(device)
  }

  /** Durable commands of a device that are queued or sent, in order. */
  *waiting(device: string): Iterable<BookEntry> {
    for (const entry of this.#book.waiting(device)) if (entry.offset !== undefined) yield entry
  }

  /** Notes that a command was written to the connection with this epoch. */
  markSent(entry: BookEntry, epoch: number): void {
    entry.sentEpoch = epoch
    this.#options.counters.commandsSent += 1
    this.#move(entry, 'sent')
  }

  /** Notes that the device has it. */
  markAcknowledged(entry: BookEntry): void {
    this.#move(entry, 'acknowledged')
    this.#giveUpSurplus(entry.command.device)
  }

  /** Notes that the device cannot or will not take it. */
  markRefused(entry: BookEntry, reason: string): void {
    if (!this.#finishing.has(entry)) this.#move(entry, 'failed', reason)
  }

  /** Makes the outcome that a device reported durable. The state changes when it is. */
  finish(id: string, state: 'done' | 'failed', outcome: unknown, settle: EndSettle): void {
    const entry = this.#book.find(id)
    if (entry === undefined) {
      settle(undefined)
      return
    }
    const onItsWay = this.#finishing.get(entry)
    if (onItsWay !== undefined) {
      onItsWay.push(settle)
      return
    }
    this.#writeEnd(entry, state, outcome, settle)
    this.#transitions.flush()
  }

  /**
   * Ends what has waited too long for its acknowledgement or its outcome, and the oldest acknowledged commands if they
   * are too many over all devices; to be called often.
   */
  endOverdue(): void {
    const nowMs = this.#options.runtime.clock.now()
    for (const entry of this.#book.surplus()) this.#giveUp(entry, CROWD)
    for (
      let entry = this.#book.nextOverdue(nowMs);
      entry !== undefined;
      entry = this.#book.nextOverdue(nowMs)
    ) {
      if (!this.#finishing.has(entry)) this.#endAsOverdue(entry)
    }
  }

  /** Moves the group's position up to what is still needed, if that has become much. */
  async keepHistory(): Promise<void> {
    await this.#history.commitIfFar()
  }

  /** Waits until everything noted so far is durable. */
  async close(): Promise<void> {
    await this.#requests.idle()
    await this.#transitions.idle()
    await this.#history.close()
  }

  #endAsOverdue(entry: BookEntry): void {
    if (entry.command.state === 'acknowledged') {
      const { outcomeMsMax } = this.#options.limits
      const silence = `the device reported no outcome within ${outcomeMsMax} ms of its acknowledgement`
      this.#giveUp(entry, entry.givenUp ?? silence)
      return
    }
    this.#options.counters.commandsExpired += 1
    this.#move(entry, 'expired')
  }

  /** Ends the oldest acknowledged commands of a device that has too many. */
  #giveUpSurplus(device: string): void {
    const { commandsPerDeviceMax } = this.#options.limits
    const next = () => this.#book.surplusOf(device)
    for (let entry = next(); entry !== undefined; entry = next()) {
      const crowd = `more than ${commandsPerDeviceMax} of its commands wait for one`
      this.#giveUp(entry, `the device reported no outcome, and ${crowd}`)
    }
  }

  /** Ends an acknowledged command without an outcome, unless one is on its way to the disk. */
  #giveUp(entry: BookEntry, reason: string): void {
    this.#book.giveUp(entry, reason)
    if (this.#finishing.has(entry)) return
    this.#writeEnd(entry, 'failed', reason, (error) => {
      if (error === undefined) this.#options.counters.commandsWithoutOutcome += 1
    })
  }

  /** Makes an end durable. Until it is, the command is open, so the first end stands. */
  #writeEnd(entry: BookEntry, state: 'done' | 'failed', outcome: unknown, settle: EndSettle): void {
    const changedAtMs = this.#options.runtime.clock.now()
    const told = [settle]
    this.#finishing.set(entry, told)
    const command: Command = {
      ...entry.command,
      state,
      changedAtMs,
      ...(outcome === undefined ? {} : { outcome }),
    }
    this.#transitions.add(transitionMessage(command), (error, placement) => {
      this.#finishing.delete(entry)
      if (error === undefined) this.#book.move(entry, state, changedAtMs, outcome)
      else this.#lookAgain(entry)
      this.#history.noteEnd(placement)
      for (const tell of told) tell(error)
    })
  }

  /** An end that could not be kept: what has become due meanwhile, or was given up, is to end all the same. */
  #lookAgain(entry: BookEntry): void {
    const laterMs = this.#options.runtime.clock.now() + TRANSITION_RETRY_MS
    this.#book.watch(entry, entry.givenUp === undefined ? Math.max(entry.dueMs, laterMs) : laterMs)
  }

  #known(draft: CommandDraft, id: string | undefined): BookEntry | undefined {
    const byId = id === undefined ? undefined : this.#book.find(id)
    if (byId !== undefined || draft.idempotencyKey === undefined) return byId
    return this.#book.findByKey(draft.device, draft.idempotencyKey)
  }

  #assertRoom(device: string): void {
    const limit = this.#options.limits.commandsPerDeviceMax
    const seen = this.#book.waitingCount(device)
    if (seen >= limit) throw millraceError('COMMAND_QUEUE_FULL', { device, seen, limit })
    if (!this.#book.isFull) return
    const limits = { seen: `${this.#book.size} unfinished commands`, limit: `${COMMANDS_MAX} commands` }
    throw millraceError('QUEUE_FULL', { queue: 'commands of all devices', ...limits })
  }

  #commandOf(draft: CommandDraft, id: string | undefined, deadlineMs: number): Command {
    const { device, name, data, idempotencyKey, causationId } = draft
    const createdAtMs = this.#options.runtime.clock.now()
    return {
      id: id ?? newId(this.#options.runtime),
      device,
      name,
      data,
      state: 'queued',
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      createdAtMs,
      deadlineAtMs: createdAtMs + deadlineMs,
      changedAtMs: createdAtMs,
      ...(causationId === undefined ? {} : { causationId }),
    }
  }

  #settled(entry: BookEntry, placement: Placement): Command | Promise<Command> {
    if (placement.duplicate) return this.#recall(entry, placement)
    entry.offset = placement.offset
    this.#history.noteEnd(placement)
    const { command } = entry
    this.onReady(command.device)
    return command
  }

  /**
   * The bus knows the id although the book does not: the command was taken before the book's memory begins, or a
   * publication that seemed to fail had not. What the topic says decides; a command that has not ended is taken up.
   */
  async #recall(entry: BookEntry, placement: Placement): Promise<Command> {
    const { command } = entry
    this.#book.remove(entry)
    const found = await this.#history.recall(command, placement.offset)
    if (isFinal(found.state)) return found
    this.#book.addEarlier(found, placement.offset)
    this.onReady(found.device)
    return found
  }

  #forget(entry: BookEntry, error: unknown): unknown {
    this.#book.remove(entry)
    return error
  }

  #move(entry: BookEntry, state: CommandState, outcome?: unknown): void {
    const moved = this.#book.move(entry, state, this.#options.runtime.clock.now(), outcome)
    if (moved !== undefined) this.#note(moved)
  }

  /** Writes a transition down; one that the bus cannot take now is tried again for as long as there is room. */
  #note(command: Command): void {
    this.#transitions.add(transitionMessage(command), (error, placement) => {
      this.#history.noteEnd(placement)
      if (error === undefined) return
      const retry = isMillraceError(error) && error.retryable && this.#retrying < TRANSITIONS_RETRYING_MAX
      if (!retry) {
        this.#options.counters.messagesDropped += 1
        return
      }
      this.#retrying += 1
      this.#options.runtime.scheduler.after(TRANSITION_RETRY_MS, () => {
        this.#retrying -= 1
        this.#note(command)
      })
    })
  }
}
