import { filterMatches } from './mqtt/topic-filter.ts'
import { type PlainMessage, plainMessageBytes } from './plain-message.ts'

/** All retained messages together, in bytes. */
const RETAINED_BYTES_MAX = 64 * 1024 * 1024

/** The newest retained message of each topic, by device. Source: MQTT 5, section 3.3.1.3. */
export class RetainedMessages {
  readonly #perDeviceMax: number
  readonly #devices = new Map<string, Map<string, PlainMessage>>()
  #bytes = 0
  #count = 0

  constructor(perDeviceMax: number) {
    this.#perDeviceMax = perDeviceMax
  }

  /** How many there are over all devices. */
  get count(): number {
    return this.#count
  }

  /** Keeps `message` in place of the one before; an empty payload removes it. False if there is no room. */
  set(device: string, message: PlainMessage): boolean {
    if (!this.hasRoom(device, message)) return false
    this.#delete(device, message.topic)
    if (message.payload.length === 0) return true
    const messages = this.#devices.get(device) ?? new Map<string, PlainMessage>()
    this.#devices.set(device, messages.set(message.topic, message))
    this.#bytes += plainMessageBytes(message)
    this.#count += 1
    return true
  }

  /** True if {@link set} would succeed. */
  hasRoom(device: string, message: PlainMessage): boolean {
    const messages = this.#devices.get(device)
    const before = messages?.get(message.topic)
    const freedBytes = before === undefined ? 0 : plainMessageBytes(before)
    const bytes = this.#bytes - freedBytes + plainMessageBytes(message)
    const isPlaceTaken = before === undefined && (messages?.size ?? 0) >= this.#perDeviceMax
    return message.payload.length === 0 || (bytes <= RETAINED_BYTES_MAX && !isPlaceTaken)
  }

  /** Those of a device that match `filter` and have not expired. */
  matching(device: string, filter: string, nowMs: number): PlainMessage[] {
    const found: PlainMessage[] = []
    for (const message of this.#devices.get(device)?.values() ?? []) {
      if (message.expiresAtMs <= nowMs) this.#delete(device, message.topic)
      else if (filterMatches(filter, message.topic)) found.push(message)
    }
    return found
  }

  /** Every retained message with its device. */
  *all(): Iterable<readonly [string, PlainMessage]> {
    for (const [device, messages] of this.#devices)
      for (const message of messages.values()) yield [device, message]
  }

  #delete(device: string, topic: string): void {
    const messages = this.#devices.get(device)
    const message = messages?.get(topic)
    if (messages === undefined || message === undefined) return
    this.#bytes -= plainMessageBytes(message)
    this.#count -= 1
    messages.delete(topic)
    if (messages.size === 0) this.#devices.delete(device)
  }
}
