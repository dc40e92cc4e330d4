import { assert, DueHeap } from '@millrace/kernel'
import type { Command, CommandState } from '../command.ts'

/** How much a {@link CommandBook} remembers. */
export interface CommandBookLimits {
  readonly commandsPerDeviceMax: number
  readonly finishedCommandsPerDeviceMax: number
  /** Commands remembered in all; the oldest that need no more attention are forgotten first. */
  readonly commandsMax: number
}

/** A command in the book. `command` is replaced by each transition; the rest is bookkeeping. */
export interface BookEntry {
  command: Command
  /** Its request's offset; undefined until that is durable. Only durable commands may be sent. */
  offset: number | undefined
  readonly sequence: number
  /** The connection that it was last written to; 0 before the first. */
  sentEpoch: number
}

/** What belongs to one device, each in order of request. */
interface DeviceCommands {
  /** queued and sent: still to be acknowledged. These count against the quota. */
  readonly waiting: Map<string, BookEntry>
  /** acknowledged: the device has it and may still say how it went. */
  readonly acknowledged: Map<string, BookEntry>
  readonly finished: Map<string, BookEntry>
}

type Group = keyof DeviceCommands

const GROUP: Readonly<Record<CommandState, Group>> = {
  queued: 'waiting',
  sent: 'waiting',
  acknowledged: 'acknowledged',
  done: 'finished',
  failed: 'finished',
  expired: 'finished',
}

/** A command only ever moves to a state of higher rank, so records may be folded twice and a late one does no harm. */
const RANK: Readonly<Record<CommandState, number>> = {
  queued: 0,
  sent: 1,
  acknowledged: 2,
  done: 3,
  failed: 3,
  expired: 3,
}

/** Deadlines of finished commands that may lie in the heap before it is rebuilt, beside one for each that waits. */
const DEADLINES_SLACK = 1_000

interface Deadline {
  readonly dueMs: number
  readonly sequence: number
  readonly entry: BookEntry
}

/**
 * All commands that are remembered and where each stands: the fold over the command topic. Pure: no clock, no bus.
 *
 * queued → sent → acknowledged → done | failed; queued | sent → expired. An outcome may come before the
 * acknowledgement, so done and failed can follow every state that is not final.
 */
export class CommandBook {
  readonly #limits: CommandBookLimits
  readonly #entries = new Map<string, BookEntry>()
  readonly #byKey = new Map<string, BookEntry>()
  readonly #devices = new Map<string, DeviceCommands>()
  #deadlines = new DueHeap<Deadline>()
  /** Everything that needs no more attention, oldest first: what a full book forgets. */
  readonly #forgettable = new Map<string, BookEntry>()
  /** queued and sent in the order of their offsets: the first one holds the watermark. */
  readonly #open = new Map<string, BookEntry>()
  #sequence = 0

  constructor(limits: CommandBookLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#entries.size
  }

  find(id: string): BookEntry | undefined {
    return this.#entries.get(id)
  }

  findByKey(device: string, idempotencyKey: string): BookEntry | undefined {
    return this.#byKey.get(keyOf(device, idempotencyKey))
  }

  /** True if every place is taken by a command that still waits. */
  get isFull(): boolean {
    return this.#entries.size >= this.#limits.commandsMax && this.#forgettable.size === 0
  }

  /** Commands of a device that are queued or sent. */
  waitingCount(device: string): number {
    return this.#devices.get(device)?.waiting.size ?? 0
  }

  /** Takes a command in, in state queued. The id must be new. */
  add(command: Command, offset?: number): BookEntry {
    assert(!this.#entries.has(command.id), 'a command is added once')
    this.#sequence += 1
    const entry: BookEntry = { command, offset, sequence: this.#sequence, sentEpoch: 0 }
    this.#entries.set(command.id, entry)
    if (command.idempotencyKey !== undefined)
      this.#byKey.set(keyOf(command.device, command.idempotencyKey), entry)
    this.#deviceOf(command.device)[GROUP[command.state]].set(command.id, entry)
    this.#open.set(command.id, entry)
    this.#watchDeadline(entry)
    this.#forgetBeyond()
    return entry
  }

  /** Takes a command out again whose request could not be made durable. */
  remove(entry: BookEntry): void {
    const { id, device, state, idempotencyKey } = entry.command
    this.#entries.delete(id)
    this.#open.delete(id)
    this.#forgettable.delete(id)
    if (idempotencyKey !== undefined && this.findByKey(device, idempotencyKey) === entry) {
      this.#byKey.delete(keyOf(device, idempotencyKey))
    }
    const commands = this.#deviceOf(device)
    commands[GROUP[state]].delete(id)
    if (commands.waiting.size + commands.acknowledged.size + commands.finished.size === 0)
      this.#devices.delete(device)
  }

  /** Moves a command on; undefined (and no change) if it is already there or further. */
  move(entry: BookEntry, state: CommandState, atMs: number, outcome?: unknown): Command | undefined {
    const { command } = entry
    if (RANK[state] <= RANK[command.state]) return undefined
    if (state === 'expired' && GROUP[command.state] !== 'waiting') return undefined
    const commands = this.#deviceOf(command.device)
    commands[GROUP[command.state]].delete(command.id)
    entry.command = { ...command, state, changedAtMs: atMs, ...(outcome === undefined ? {} : { outcome }) }
    commands[GROUP[state]].set(command.id, entry)
    if (GROUP[state] === 'waiting') return entry.command
    this.#open.delete(command.id)
    this.#forgettable.set(command.id, entry)
    this.#forgetOldest(commands.finished, this.#limits.finishedCommandsPerDeviceMax)
    this.#forgetOldest(commands.acknowledged, this.#limits.commandsPerDeviceMax)
    return entry.command
  }

  /** Commands of a device that are queued or sent, in order. */
  waiting(device: string): Iterable<BookEntry> {
    return this.#devices.get(device)?.waiting.values() ?? []
  }

  /** All commands of a device that are remembered, newest first. */
  commandsOf(device: string): Command[] {
    const commands = this.#devices.get(device)
    if (commands === undefined) return []
    const entries = [
      ...commands.waiting.values(),
      ...commands.acknowledged.values(),
      ...commands.finished.values(),
    ]
    return entries.sort((left, right) => right.sequence - left.sequence).map(({ command }) => command)
  }

  /** Takes out the next command whose deadline has passed at `nowMs` while it waited; undefined if there is none. */
  nextOverdue(nowMs: number): BookEntry | undefined {
    for (let first = this.#deadlines.peek(); first !== undefined; first = this.#deadlines.peek()) {
      const isWaiting =
        GROUP[first.entry.command.state] === 'waiting' && this.find(first.entry.command.id) === first.entry
      if (isWaiting && first.dueMs > nowMs) return undefined
      this.#deadlines.pop()
      if (isWaiting) return first.entry
    }
    return undefined
  }

  /** Every record below this offset belongs to commands that wait for nothing any more. */
  watermark(endOffset: number): number {
    for (const { offset } of this.#open.values()) if (offset !== undefined) return offset
    return endOffset
  }

  /** Finished commands stay in the heap until their deadline; it is rebuilt before they outnumber those that wait. */
  #watchDeadline(entry: BookEntry): void {
    const push = (added: BookEntry) =>
      this.#deadlines.push({ dueMs: added.command.deadlineAtMs, sequence: added.sequence, entry: added })
    if (this.#deadlines.size < 2 * this.#open.size + DEADLINES_SLACK) {
      push(entry)
      return
    }
    this.#deadlines = new DueHeap()
    for (const open of this.#open.values()) push(open)
  }

  #deviceOf(device: string): DeviceCommands {
    const known = this.#devices.get(device)
    if (known !== undefined) return known
    const made = { waiting: new Map(), acknowledged: new Map(), finished: new Map() }
    this.#devices.set(device, made)
    return made
  }

  #forgetOldest(entries: Map<string, BookEntry>, countMax: number): void {
    for (const entry of entries.values()) {
      if (entries.size <= countMax) return
      this.remove(entry)
    }
  }

  #forgetBeyond(): void {
    for (const entry of this.#forgettable.values()) {
      if (this.#entries.size <= this.#limits.commandsMax) return
      this.remove(entry)
    }
  }
}

function keyOf(device: string, idempotencyKey: string): string {
  return `${device} ${idempotencyKey}`
}
