import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { LatencyHistogram, type LatencySummary } from './latency-histogram.ts'
import type { ReceivedCommand } from './received-commands.ts'
import { type SimulatedDevice, simulateDevice } from './simulate-device.ts'

/** An event that the server has acknowledged. */
export interface AcknowledgedEvent {
  readonly device: string
  readonly id: string
  /** Counts the events of the device, from 0. */
  readonly index: number
}

/** Options of {@link runLoad}. */
export interface LoadOptions {
  readonly url: string
  /** How many; they are named `load-0`, `load-1` and so on, unless `deviceName` says otherwise. */
  readonly devices: number
  readonly deviceName?: (index: number) => string
  /** Events a second over all devices. */
  readonly ratePerSecond: number
  readonly seconds: number
  readonly eventType: string
  /** Default: `{index}`. */
  readonly dataOf?: (device: string, index: number) => unknown
  readonly passwordOf?: (device: string) => string
  readonly protocol?: '3.1.1' | '5'
  /** Called for each acknowledged event at once: the outside record of a torture test. */
  readonly onAcknowledged?: (event: AcknowledgedEvent) => void
  /** The id of the event that a command answers, to measure the way there and back. Default: its `data.cause`. */
  readonly causeOf?: (command: ReceivedCommand) => string | undefined
  readonly onCommand?: (device: string, command: ReceivedCommand) => unknown
  /** How long to wait for acknowledgements and commands at the end, in milliseconds. Default: 10,000. */
  readonly settleMs?: number
  /** Ends the load early; the report covers what was done. */
  readonly signal?: AbortSignal
}

/** What a load came to. */
export interface LoadReport {
  readonly devices: number
  readonly ratePerSecond: number
  readonly seconds: number
  readonly published: number
  readonly acknowledged: number
  /** Refused by the server, or still not acknowledged at the end. */
  readonly unacknowledged: number
  readonly commandsReceived: number
  readonly connections: number
  readonly publishToAcknowledged: LatencySummary
  readonly publishToCommand: LatencySummary
}

/** Devices that connect at the same time. */
const CONNECTING_MAX = 50
const SETTLE_MS_DEFAULT = 10_000

/**
 * An open-loop load: event number n is due at its own time, whatever became of those before it, and its latency
 * counts from when it was due, not from when there was time to send it. So a server that stalls cannot hide the
 * stall by stalling the measurement with it ("coordinated omission", G. Tene).
 */
export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const load = new Load(options)
  try {
    await load.connect()
    await load.publish()
    await load.settle()
  } finally {
    await load.close()
  }
  return load.report()
}

class Load {
  readonly #options: LoadOptions
  readonly #run = randomUUID().slice(0, 8)
  readonly #devices: SimulatedDevice[] = []
  readonly #acknowledgedMs = new LatencyHistogram()
  readonly #commandMs = new LatencyHistogram()
  /** When the events were due that no command has answered yet, by event id; only the newest are kept. */
  readonly #dueMs = new Map<string, number>()
  #published = 0
  #acknowledged = 0
  #commands = 0
  #open = 0

  constructor(options: LoadOptions) {
    this.#options = options
  }

  async connect(): Promise<void> {
    for (let first = 0; first < this.#options.devices; first += CONNECTING_MAX) {
      const count = Math.min(CONNECTING_MAX, this.#options.devices - first)
      const connecting = Array.from({ length: count }, (_, index) => this.#connectOne(first + index))
      const results = await Promise.allSettled(connecting)
      for (const result of results) if (result.status === 'fulfilled') this.#devices.push(result.value)
      const failed = results.find((result) => result.status === 'rejected')
      if (failed !== undefined) throw failed.reason
    }
  }

  async publish(): Promise<void> {
    const { ratePerSecond, seconds, signal } = this.#options
    const total = Math.round(ratePerSecond * seconds)
    const startMs = performance.now()
    while (this.#published < total && signal?.aborted !== true) {
      // The first event is due at once, not after the first interval.
      const due = Math.min(total, 1 + Math.floor(((performance.now() - startMs) * ratePerSecond) / 1000))
      while (this.#published < due) this.#publishOne(startMs + (this.#published * 1000) / ratePerSecond)
      await wait(1)
    }
  }

  /** Waits until everything is acknowledged, and for commands as long as they keep coming. */
  async settle(): Promise<void> {
    const endMs = performance.now() + (this.#options.settleMs ?? SETTLE_MS_DEFAULT)
    const isQuiet = () => this.#open === 0 && (this.#commands === 0 || this.#dueMs.size === 0)
    while (!isQuiet() && performance.now() < endMs && this.#options.signal?.aborted !== true) await wait(5)
  }

  async close(): Promise<void> {
    await Promise.all(this.#devices.map((device) => device.close()))
  }

  report(): LoadReport {
    const { devices, ratePerSecond, seconds } = this.#options
    return {
      devices,
      ratePerSecond,
      seconds,
      published: this.#published,
      acknowledged: this.#acknowledged,
      unacknowledged: this.#published - this.#acknowledged,
      commandsReceived: this.#commands,
      connections: this.#devices.reduce((sum, device) => sum + device.connections, 0),
      publishToAcknowledged: this.#acknowledgedMs.summary(),
      publishToCommand: this.#commandMs.summary(),
    }
  }

  #connectOne(index: number): Promise<SimulatedDevice> {
    const { url, deviceName = (number) => `load-${number}`, passwordOf, protocol, signal } = this.#options
    const device = deviceName(index)
    const password = passwordOf?.(device)
    const onCommand = (command: ReceivedCommand) => this.#received(device, command)
    return simulateDevice({ url, device, password, protocol, signal, onCommand })
  }

  #publishOne(dueMs: number): void {
    const {
      dataOf = (_: string, number: number) => ({ index: number }),
      eventType,
      onAcknowledged,
    } = this.#options
    const device = this.#devices[this.#published % this.#devices.length]
    const index = Math.floor(this.#published / this.#devices.length)
    this.#published += 1
    if (device === undefined) return
    const id = `${this.#run}-${device.device}-${index}`
    this.#expect(id, dueMs)
    this.#open += 1
    device.publish(eventType, dataOf(device.device, index), { id }).then(
      () => {
        this.#open -= 1
        this.#acknowledged += 1
        this.#acknowledgedMs.record(performance.now() - dueMs)
        onAcknowledged?.({ device: device.device, id, index })
      },
      () => {
        this.#open -= 1
      },
    )
  }

  #expect(id: string, dueMs: number): void {
    this.#dueMs.set(id, dueMs)
    const [oldest] = this.#dueMs.keys()
    if (this.#dueMs.size > 100_000 && oldest !== undefined) this.#dueMs.delete(oldest)
  }

  #received(device: string, command: ReceivedCommand): unknown {
    const { causeOf = causeInData, onCommand } = this.#options
    this.#commands += 1
    const cause = causeOf(command)
    const dueMs = cause === undefined ? undefined : this.#dueMs.get(cause)
    if (dueMs !== undefined) this.#commandMs.record(performance.now() - dueMs)
    if (cause !== undefined) this.#dueMs.delete(cause)
    return onCommand?.(device, command)
  }
}

function causeInData({ data }: ReceivedCommand): string | undefined {
  if (typeof data !== 'object' || data === null || !('cause' in data)) return undefined
  return typeof data.cause === 'string' ? data.cause : undefined
}
