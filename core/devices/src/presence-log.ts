import { type Bus, eventToMessage } from '@millrace/bus'
import { formatTime, newId, type Runtime } from '@millrace/kernel'
import { DEVICE_CONNECTED, DEVICE_DISCONNECTED, PRESENCE_TOPIC } from './command.ts'
import type { CounterTable } from './device-counters.ts'
import { PublishLane } from './publish-lane.ts'

const LINGER_MS = 10
/** Connections and disconnections that wait for the bus; beyond it they are counted and left out. */
const PENDING_MAX = 100_000
const RETENTION_MS = 30 * 24 * 3_600_000

/**
 * Writes connections and disconnections down, in batches and without making anybody wait.
 * An epoch is larger than every one before it, also over a restart as long as the wall clock does not go back.
 */
export class PresenceLog {
  readonly #runtime: Runtime
  readonly #counters: CounterTable
  readonly #lane: PublishLane
  #pending = 0
  #lastEpoch = 0

  private constructor(bus: Bus, runtime: Runtime, counters: CounterTable) {
    this.#runtime = runtime
    this.#counters = counters
    this.#lane = new PublishLane({ bus, runtime, topic: PRESENCE_TOPIC, lingerMs: LINGER_MS })
  }

  static async open(bus: Bus, runtime: Runtime, counters: CounterTable): Promise<PresenceLog> {
    await bus.createTopic(PRESENCE_TOPIC, { retention: { ageMsMax: RETENTION_MS } })
    return new PresenceLog(bus, runtime, counters)
  }

  /** Notes a connection; gives its epoch. */
  connected(device: string, about: { readonly protocol: string; readonly remoteAddress: string }): number {
    this.#lastEpoch = Math.max(this.#lastEpoch + 1, this.#runtime.clock.now())
    this.#write(device, DEVICE_CONNECTED, { ...about, epoch: this.#lastEpoch })
    return this.#lastEpoch
  }

  /** Notes the end of the connection with this epoch. */
  disconnected(device: string, about: { readonly reason: string; readonly epoch: number }): void {
    this.#write(device, DEVICE_DISCONNECTED, about)
  }

  async close(): Promise<void> {
    await this.#lane.idle()
  }

  #write(device: string, type: string, data: unknown): void {
    if (this.#pending >= PENDING_MAX) {
      this.#counters.messagesDropped += 1
      return
    }
    this.#pending += 1
    const time = formatTime(this.#runtime.clock.now())
    const event = { id: newId(this.#runtime), type, source: '/devices', subject: device, time, data }
    this.#lane.add(eventToMessage(event), (error) => {
      this.#pending -= 1
      if (error !== undefined) this.#counters.messagesDropped += 1
    })
  }
}
