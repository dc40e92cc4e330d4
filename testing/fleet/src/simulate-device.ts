import { randomUUID } from 'node:crypto'
import { abortable, throwIfAborted } from '@millrace/kernel'
import type { MqttClient } from 'mqtt'
import { type DeviceAddress, openDeviceConnection } from './device-connection.ts'
import { type CommandAnswer, ReceivedCommands, readCommand } from './received-commands.ts'

/** Options of {@link simulateDevice}. */
export interface SimulatedDeviceOptions extends DeviceAddress {
  /** Executes commands. Default: does nothing and succeeds. */
  readonly onCommand?: CommandAnswer | undefined
  /** Disconnects and gives up everything. */
  readonly signal?: AbortSignal | undefined
  /** Publications that may wait for their acknowledgement. Default: 10,000. */
  readonly outboxMax?: number | undefined
}

/** A device that works. */
export interface SimulatedDevice extends AsyncDisposable {
  readonly device: string
  readonly isConnected: boolean
  /** How often it has connected. */
  readonly connections: number
  /**
   * Publishes an event with QoS 1 and resolves when the server has acknowledged it, over as many connections as that
   * takes; in order with everything else that the device publishes. With MQTT 5 the id makes a repeated publication
   * recognisable; 3.1.1 has no place for it. Rejects if the server refuses the event, or the device is closed.
   */
  publish(type: string, data: unknown, options?: { readonly id?: string }): Promise<{ readonly id: string }>
  /** Breaks the connection without goodbye; the device connects again. */
  drop(): void
  /** Says goodbye. Idempotent. */
  close(): Promise<void>
}

interface Pending {
  readonly id: string
  readonly topic: string
  readonly payload: string
  readonly isEvent: boolean
  resolve(): void
  reject(error: Error): void
}

const OUTBOX_MAX_DEFAULT = 10_000
const RECONNECT_MS_MIN = 50
const RECONNECT_MS_MAX = 2_000

/** Connects a device; resolves when it is connected for the first time. Rejects if the server refuses it. */
export async function simulateDevice(options: SimulatedDeviceOptions): Promise<SimulatedDevice> {
  throwIfAborted(options.signal)
  const device = new Device(options)
  try {
    await abortable(device.ready, options.signal)
  } catch (error) {
    await device.close()
    throw error
  }
  return device
}

class Device implements SimulatedDevice {
  readonly #options: SimulatedDeviceOptions
  readonly #commands: ReceivedCommands
  /** What is not acknowledged, in order; sent again as a whole over each new connection. */
  readonly #outbox = new Map<string, Pending>()
  readonly ready: Promise<void>
  #client: MqttClient | undefined
  #isConnected = false
  #isClosed = false
  #failures = 0
  #reconnect: NodeJS.Timeout | undefined
  #becomeReady = () => {}
  #refuse: (error: Error) => void = () => {}
  connections = 0

  constructor(options: SimulatedDeviceOptions) {
    this.#options = options
    this.#commands = new ReceivedCommands(options.onCommand ?? (() => undefined))
    this.ready = new Promise((resolve, reject) => {
      this.#becomeReady = resolve
      this.#refuse = reject
    })
    options.signal?.addEventListener('abort', this.#abort, { once: true })
    this.#open()
  }

  get device(): string {
    return this.#options.device
  }

  get isConnected(): boolean {
    return this.#isConnected
  }

  publish(type: string, data: unknown, { id = randomUUID() }: { readonly id?: string } = {}) {
    return this.#send({
      id,
      topic: `devices/${this.device}/events/${type}`,
      payload: JSON.stringify(data),
      isEvent: true,
    })
  }

  drop(): void {
    this.#client?.stream?.destroy()
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#options.signal?.removeEventListener('abort', this.#abort)
    clearTimeout(this.#reconnect)
    const wasConnected = this.#isConnected
    this.#isConnected = false
    for (const pending of this.#outbox.values())
      pending.reject(new Error(`the device ${this.device} was closed`))
    this.#outbox.clear()
    const client = this.#client
    // A line that is broken carries no goodbye, and nothing would tell that it had ended; so does one that breaks now.
    if (!wasConnected) client?.end(true)
    else if (client !== undefined) {
      await Promise.race([
        client.endAsync().catch(() => undefined),
        new Promise<void>((resolve) => client.once('close', () => resolve())),
      ])
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  readonly #abort = () => void this.close()

  #open(): void {
    this.#client = openDeviceConnection(this.#options, {
      connected: (client) => this.#connected(client),
      message: (_, payload) => void this.#answer(payload),
      closed: (error) => this.#closed(error),
    })
  }

  #connected(client: MqttClient): void {
    this.connections += 1
    this.#failures = 0
    this.#isConnected = true
    client.subscribe(`devices/${this.device}/commands/+`, { qos: 1 }, (error) => {
      if (error !== null) client.stream?.destroy()
      else this.#becomeReady()
    })
    for (const pending of this.#outbox.values()) this.#write(client, pending)
  }

  #closed(error: Error | undefined): void {
    this.#isConnected = false
    if (this.#isClosed) return
    if (error !== undefined && isRefusal(error)) this.#refuse(error)
    this.#failures += 1
    const longestMs = Math.min(RECONNECT_MS_MAX, RECONNECT_MS_MIN * 2 ** Math.min(this.#failures, 10))
    // Jitter keeps a fleet that was cut off together from coming back together.
    this.#reconnect = setTimeout(() => this.#open(), longestMs * (0.5 + Math.random() / 2))
  }

  async #answer(payload: Uint8Array): Promise<void> {
    const command = readCommand(payload)
    if (command === undefined) return
    const outcome = await this.#commands.outcome(command)
    const topic = `devices/${this.device}/outcomes/${command.id}`
    await this.#send({ id: `outcome ${command.id}`, topic, payload: outcome, isEvent: false }).catch(
      () => undefined,
    )
  }

  #send(draft: Omit<Pending, 'resolve' | 'reject'>): Promise<{ readonly id: string }> {
    if (this.#isClosed) return Promise.reject(new Error(`the device ${this.device} is closed`))
    if (this.#outbox.size >= (this.#options.outboxMax ?? OUTBOX_MAX_DEFAULT)) {
      return Promise.reject(
        new Error(`the device ${this.device} has ${this.#outbox.size} publications waiting`),
      )
    }
    return new Promise((resolve, reject) => {
      const pending: Pending = { ...draft, resolve: () => resolve({ id: draft.id }), reject }
      this.#outbox.set(draft.id, pending)
      if (this.#isConnected && this.#client !== undefined) this.#write(this.#client, pending)
    })
  }

  #write(client: MqttClient, pending: Pending): void {
    const properties =
      pending.isEvent && this.#options.protocol !== '3.1.1' ? { userProperties: { id: pending.id } } : {}
    client.publish(pending.topic, pending.payload, { qos: 1, properties }, (error) => {
      if (client !== this.#client || this.#outbox.get(pending.id) !== pending) return
      const code = error instanceof Error && 'code' in error ? Number(error.code) : 0
      if (error === undefined || error === null) this.#outbox.delete(pending.id)
      if (error === undefined || error === null) pending.resolve()
      else if (code >= 0x80) this.#giveUp(pending, error)
    })
  }

  #giveUp(pending: Pending, error: Error): void {
    this.#outbox.delete(pending.id)
    pending.reject(error)
  }
}

/** Return codes 1, 2, 4 and 5 of 3.1.1, and reason codes of MQTT 5 that another try will not change. */
function isRefusal(error: Error): boolean {
  const code = 'code' in error ? Number(error.code) : Number.NaN
  return [1, 2, 4, 5, 0x84, 0x85, 0x86, 0x87, 0x8c].includes(code)
}
