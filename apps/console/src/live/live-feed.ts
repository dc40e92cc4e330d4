import type { CommandBody, DeviceBody, LiveReading, StatusBody } from '@millrace/server/api-shapes'
import { type FollowedStream, followEventStream, type StreamState } from '../stream/event-stream.ts'
import type { StreamEvent } from '../stream/event-stream-parser.ts'
import { rememberStep, type StepTimes } from './command-trail.ts'
import { FleetStore } from './fleet-store.ts'
import { createRateMeter } from './rate-meter.ts'

/** Commands whose steps are remembered. */
export const COMMANDS_MAX = 500
/** Names of commands that are remembered for suggestions. */
const COMMAND_NAMES_MAX = 200
/** Samples of events per second: ten minutes at one every two seconds. */
export const RATE_SAMPLES_MAX = 300
const RATE_WINDOW_MS = 2_000

/** What all pages share: one connection for the whole console. Immutable; a new object with every change. */
export interface LiveState {
  readonly stream: StreamState
  /** True once the first connection stood: what follows is a reconnect. */
  readonly stoodOnce: boolean
  readonly status: StatusBody | undefined
  /** Events per second over the last window; undefined until it can be told. */
  readonly rate: number | undefined
  /** Live updates that the server left out because this browser is too slow. */
  readonly lost: number
}

/** Options of {@link LiveFeed}. */
export interface LiveFeedOptions {
  readonly headers: () => Readonly<Record<string, string>>
  /** The token was refused. */
  readonly onRefused: (state: StreamState & { kind: 'refused' }) => void
  /** The connection is back: what was loaded before may be old. */
  readonly onBack: () => void
}

/** The live feed of the fleet, `GET /api/live`: distributes what it says. */
export class LiveFeed {
  readonly fleet = new FleetStore((run, ms) => void setTimeout(run, ms))
  readonly rates = createRateMeter(RATE_SAMPLES_MAX)
  readonly #options: LiveFeedOptions
  readonly #watchers = new Set<() => void>()
  readonly #readings = new Set<(reading: LiveReading) => void>()
  readonly #commands = new Set<(command: CommandBody) => void>()
  readonly #trails = new Map<string, StepTimes>()
  readonly #names = new Set<string>()
  #state: LiveState = {
    stream: { kind: 'connecting', attempt: 0 },
    stoodOnce: false,
    status: undefined,
    rate: undefined,
    lost: 0,
  }
  #stream: FollowedStream | undefined
  #meter: ReturnType<typeof setInterval> | undefined

  constructor(options: LiveFeedOptions) {
    this.#options = options
  }

  state = (): LiveState => this.#state

  start(): void {
    this.close()
    this.#stream = followEventStream({
      url: '/api/live',
      // The server tells its status every two seconds: silence means that the connection is dead.
      idleMsMax: 15_000,
      headers: this.#options.headers,
      onEvent: (event) => this.#event(event),
      onState: (state) => this.#streamState(state),
    })
  }

  retryNow = (): void => this.#stream?.retryNow()

  close(): void {
    this.#stream?.close()
    clearInterval(this.#meter)
  }

  watch = (listener: () => void): (() => void) => add(this.#watchers, listener)
  onReading = (listener: (reading: LiveReading) => void): (() => void) => add(this.#readings, listener)
  onCommand = (listener: (command: CommandBody) => void): (() => void) => add(this.#commands, listener)

  /** When the steps of a command were seen. */
  trail(id: string): StepTimes {
    return this.#trails.get(id) ?? {}
  }

  /** Names of commands seen so far, for suggestions. */
  commandNames(): readonly string[] {
    return [...this.#names].sort()
  }

  /** Remembers a command's steps and name; the oldest commands are forgotten. */
  noteCommand(command: CommandBody): void {
    if (this.#names.size < COMMAND_NAMES_MAX) this.#names.add(command.name)
    this.noteTimes(command.id, rememberStep({}, command))
  }

  /** Remembers when a command entered states. */
  noteTimes(id: string, times: StepTimes): void {
    const known = this.trail(id)
    this.#trails.delete(id)
    this.#trails.set(id, { ...known, ...times })
    const oldest = this.#trails.keys().next().value
    if (this.#trails.size > COMMANDS_MAX && oldest !== undefined) this.#trails.delete(oldest)
  }

  #event({ name, data }: StreamEvent): void {
    const body = parsed(data)
    if (body === undefined) return
    if (name === 'reading') this.#reading(body as LiveReading)
    else if (name === 'device') this.fleet.applyDevice(body as DeviceBody)
    else if (name === 'command') this.#command(body as CommandBody)
    else if (name === 'status') this.#set({ status: body as StatusBody })
    else if (name === 'lost') this.#lost((body as { count: number }).count)
  }

  #reading(reading: LiveReading): void {
    this.rates.count(1)
    this.fleet.applyReading(reading)
    for (const listener of this.#readings) listener(reading)
  }

  #lost(count: number): void {
    this.rates.count(count)
    this.#set({ lost: this.#state.lost + count })
  }

  #command(command: CommandBody): void {
    this.noteCommand(command)
    for (const listener of this.#commands) listener(command)
  }

  /** The first window after a gap begins with the connection. */
  #measureAnew(): void {
    clearInterval(this.#meter)
    this.rates.restart()
    this.rates.sample(Date.now())
    this.#meter = setInterval(() => this.#measure(), RATE_WINDOW_MS)
  }

  #measure(): void {
    const rate = this.rates.sample(Date.now())
    if (this.#state.stream.kind === 'open') this.#set({ rate })
  }

  #streamState(stream: StreamState): void {
    const back = stream.kind === 'open' && this.#state.stoodOnce
    if (stream.kind === 'open') this.#measureAnew()
    this.#set({ stream, ...(stream.kind === 'open' ? { stoodOnce: true } : { rate: undefined }) })
    if (back) this.#options.onBack()
    if (stream.kind === 'refused') this.#options.onRefused(stream)
  }

  #set(change: Partial<LiveState>): void {
    this.#state = { ...this.#state, ...change }
    for (const listener of this.#watchers) listener()
  }
}

function add<Listener>(set: Set<Listener>, listener: Listener): () => void {
  set.add(listener)
  return () => set.delete(listener)
}

function parsed(data: string): unknown {
  try {
    const body: unknown = JSON.parse(data)
    return typeof body === 'object' && body !== null ? body : undefined
  } catch {
    // One garbled event is no reason to lose the feed.
    return undefined
  }
}
