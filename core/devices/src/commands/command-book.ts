import { assert, DueHeap } from '@millrace/kernel'
import type { Command, CommandState } from '../command.ts'
import { EndedCommands } from './ended-commands.ts'

/** How much a {@link CommandBook} remembers. */
export interface CommandBookLimits {
  readonly commandsPerDeviceMax: number
  readonly finishedCommandsPerDeviceMax: number
  /** How long an acknowledged command may be without an outcome, in milliseconds. */
  readonly outcomeMsMax: number
  /** Commands remembered in all; the oldest that have ended are forgotten first. */
  readonly commandsMax: number
  /** Acknowledged commands of all devices that may wait for their outcome; less than `commandsMax`. */
  readonly acknowledgedMax: number
}

/** A command in the book. `command` is replaced by each transition; the rest is bookkeeping. */
export interface BookEntry {
  command: Command
  /** Its request's offset; undefined until that is durable. Only durable commands may be sent. */
  offset: number | undefined
  readonly sequence: number
  /** The connection that it was last written to; 0 before the first. */
  sentEpoch: number
  /** When it is looked at if it has not ended: its deadline, or the end of the time for its outcome. */
  dueMs: number
  /** Why it is to end without an outcome, from the moment on at which that is decided. */
  givenUp: string | undefined
}

/** What belongs to one device, each in order of request. */
interface DeviceCommands {
  /** queued and sent: still to be acknowledged. These count against the quota. */
  readonly waiting: Map<string, BookEntry>
  /** acknowledged, in that order: the device has it and is to say how it went. Bounded by a quota of their own. */
  readonly acknowledged: Map<string, BookEntry>
  /** acknowledged and given up: their end is on its way to the disk, so they count no more. */
  readonly ending: Map<string, BookEntry>
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

/** True if a command in `state` can move on to `next`. */
export function comesAfter(next: CommandState, state: CommandState): boolean {
  return RANK[next] > RANK[state]
}

/** True for a state that is never left. */
export function isFinal(state: CommandState): boolean {
  return GROUP[state] === 'finished'
}

/** Times that mean nothing any more that may lie in the heap before it is rebuilt, beside one for each open command. */
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
 * acknowledgement, so done and failed can follow every state that is not final. A command is open until it ends: it is
 * not forgotten before, and it holds the watermark.
 */
export class CommandBook {
  readonly #limits: CommandBookLimits
  readonly #entries = new Map<string, BookEntry>()
  readonly #byKey = new Map<string, BookEntry>()
  readonly #devices = new Map<string, DeviceCommands>()
  #deadlines = new DueHeap<Deadline>()
  /** Everything that has ended, oldest first: what a full book forgets. */
  readonly #forgettable = new Map<string, BookEntry>()
  /** Everything that has not ended, in the order of the offsets: the first one holds the watermark. */
  #open = new Map<string, BookEntry>()
  /** The acknowledged ones of all devices, oldest first. */
  readonly #acknowledged = new Map<string, BookEntry>()
  /** Those that have ended and are no longer here. */
  readonly #ended = new EndedCommands()
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

  /** True if this command of the device has ended, although the book does not hold it any more. */
  hasEnded(id: string, device: string): boolean {
    return this.#ended.has(id, device)
  }

  findByKey(device: string, idempotencyKey: string): BookEntry | undefined {
    return this.#byKey.get(keyOf(device, idempotencyKey))
  }

  /** True if every place is taken by a command that has not ended. */
  get isFull(): boolean {
    return this.#entries.size >= this.#limits.commandsMax && this.#forgettable.size === 0
  }

  /** Commands of a device that are queued or sent. */
  waitingCount(device: string): number {
    return this.#devices.get(device)?.waiting.size ?? 0
  }

  /** Takes in a command that has not ended. The id must be new. */
  add(command: Command, offset?: number): BookEntry {
    assert(!this.#entries.has(command.id), 'a command is added once')
    this.#sequence += 1
    const entry: BookEntry = {
      command,
      offset,
      sequence: this.#sequence,
      sentEpoch: 0,
      dueMs: this.#dueMsOf(command),
      givenUp: undefined,
    }
    this.#entries.set(command.id, entry)
    if (command.idempotencyKey !== undefined)
      this.#byKey.set(keyOf(command.device, command.idempotencyKey), entry)
    this.#open.set(command.id, entry)
    this.#enter(entry)
    this.watch(entry, entry.dueMs)
    this.#forgetBeyond()
    return entry
  }

  /** Takes in a command whose request lies before those of others that are in the book. */
  addEarlier(command: Command, offset: number): void {
    this.add(command, offset)
    const placeOf = (entry: BookEntry) => entry.offset ?? Number.MAX_SAFE_INTEGER
    this.#open = new Map([...this.#open].sort(([, left], [, right]) => placeOf(left) - placeOf(right)))
  }

  /** Takes a command out again whose request could not be made durable. */
  remove(entry: BookEntry): void {
    const { id, device, idempotencyKey } = entry.command
    this.#entries.delete(id)
    this.#open.delete(id)
    this.#forgettable.delete(id)
    if (idempotencyKey !== undefined && this.findByKey(device, idempotencyKey) === entry) {
      this.#byKey.delete(keyOf(device, idempotencyKey))
    }
    const { waiting, acknowledged, ending, finished } = this.#leave(entry)
    if (waiting.size + acknowledged.size + ending.size + finished.size === 0) this.#devices.delete(device)
  }

  /** Moves a command on; undefined (and no change) if it is already there or further. */
  move(entry: BookEntry, state: CommandState, atMs: number, outcome?: unknown): Command | undefined {
    const { command } = entry
    if (!comesAfter(state, command.state)) return undefined
    if (state === 'expired' && GROUP[command.state] !== 'waiting') return undefined
    this.#leave(entry)
    entry.command = { ...command, state, changedAtMs: atMs, ...(outcome === undefined ? {} : { outcome }) }
    const { finished } = this.#enter(entry)
    if (state === 'acknowledged') this.watch(entry, this.#dueMsOf(entry.command))
    if (GROUP[state] !== 'finished') return entry.command
    this.#open.delete(command.id)
    this.#forgettable.set(command.id, entry)
    this.#forgetOldest(finished, this.#limits.finishedCommandsPerDeviceMax)
    return entry.command
  }

  /** The oldest acknowledged command of a device that has too many of them; undefined if it has not. */
  surplusOf(device: string): BookEntry | undefined {
    const acknowledged = this.#devices.get(device)?.acknowledged
    if (acknowledged === undefined || acknowledged.size <= this.#limits.commandsPerDeviceMax) return undefined
    return acknowledged.values().next().value
  }

  /** The oldest acknowledged commands, as many as there are too many over all devices. */
  surplus(): readonly BookEntry[] {
    const count = this.#acknowledged.size - this.#limits.acknowledgedMax
    return count > 0 ? [...this.#acknowledged.values().take(count)] : []
  }

  /** Decides that an acknowledged command is to end without an outcome: it counts no more, but is open until it has. */
  giveUp(entry: BookEntry, reason: string): void {
    this.#leave(entry)
    entry.givenUp = reason
    this.#deviceOf(entry.command.device).ending.set(entry.command.id, entry)
  }

  /** The devices of all commands that are remembered. */
  get devices(): Iterable<string> {
    return this.#devices.keys()
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
      ...commands.ending.values(),
      ...commands.finished.values(),
    ]
    return entries.sort((left, right) => right.sequence - left.sequence).map(({ command }) => command)
  }

  /** Takes the next open command out of the watch whose time has come at `nowMs`; undefined if there is none. */
  nextOverdue(nowMs: number): BookEntry | undefined {
    for (let first = this.#deadlines.peek(); first !== undefined; first = this.#deadlines.peek()) {
      const { entry, dueMs } = first
      const isMeant = entry.dueMs === dueMs && this.#open.get(entry.command.id) === entry
      if (isMeant && dueMs > nowMs) return undefined
      this.#deadlines.pop()
      if (isMeant) return entry
    }
    return undefined
  }

  /** Has an open command looked at at `dueMs`, and at no other time. The heap is rebuilt before the past outgrows it. */
  watch(entry: BookEntry, dueMs: number): void {
    entry.dueMs = dueMs
    const push = (watched: BookEntry) =>
      this.#deadlines.push({ dueMs: watched.dueMs, sequence: watched.sequence, entry: watched })
    if (this.#deadlines.size < 2 * this.#open.size + DEADLINES_SLACK) {
      push(entry)
      return
    }
    this.#deadlines = new DueHeap()
    for (const open of this.#open.values()) push(open)
  }

  /** Every record below this offset belongs to commands that have ended. */
  watermark(endOffset: number): number {
    for (const { offset } of this.#open.values()) if (offset !== undefined) return offset
    return endOffset
  }

  #dueMsOf({ state, deadlineAtMs, changedAtMs }: Command): number {
    return state === 'acknowledged' ? changedAtMs + this.#limits.outcomeMsMax : deadlineAtMs
  }

  /** Puts a command where its state belongs. */
  #enter(entry: BookEntry): DeviceCommands {
    const { id, device, state } = entry.command
    const commands = this.#deviceOf(device)
    commands[GROUP[state]].set(id, entry)
    if (state === 'acknowledged') this.#acknowledged.set(id, entry)
    return commands
  }

  #leave(entry: BookEntry): DeviceCommands {
    const { id, device, state } = entry.command
    const commands = this.#deviceOf(device)
    commands[GROUP[state]].delete(id)
    commands.ending.delete(id)
    this.#acknowledged.delete(id)
    return commands
  }

  #deviceOf(device: string): DeviceCommands {
    const known = this.#devices.get(device)
    if (known !== undefined) return known
    const made = { waiting: new Map(), acknowledged: new Map(), ending: new Map(), finished: new Map() }
    this.#devices.set(device, made)
    return made
  }

  #forgetOldest(entries: Map<string, BookEntry>, countMax: number): void {
    for (const entry of entries.values()) {
      if (entries.size <= countMax) return
      this.#forget(entry)
    }
  }

  #forgetBeyond(): void {
    // Asked first, since finding the first entry of a large map from which many have gone takes its time.
    if (this.#entries.size <= this.#limits.commandsMax) return
    for (const entry of this.#forgettable.values()) {
      if (this.#entries.size <= this.#limits.commandsMax) return
      this.#forget(entry)
    }
  }

  #forget(entry: BookEntry): void {
    const { id, device, state } = entry.command
    if (state !== 'expired') this.#ended.add(id, device)
    this.remove(entry)
  }
}

function keyOf(device: string, idempotencyKey: string): string {
  return `${device} ${idempotencyKey}`
}
