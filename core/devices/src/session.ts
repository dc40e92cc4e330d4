import { BoundedQueue } from '@millrace/kernel'
import type { BookEntry } from './commands/command-book.ts'
import type { ProtocolVersion } from './mqtt/decode-packet.ts'
import type { Acknowledgement } from './mqtt/encode-packet.ts'
import type { OutgoingPublish } from './mqtt/encode-publish.ts'
import { filterMatches } from './mqtt/topic-filter.ts'
import { type PlainMessage, plainMessageBytes } from './plain-message.ts'
import type { PublicationVerdict } from './publication-intake.ts'
import { NOT_WAITING, type WheelItem } from './timer-wheel.ts'

/** A subscription's options. Source: MQTT 5, section 3.8.3.1. */
export interface Grant {
  readonly qos: 0 | 1 | 2
  /** Not what the client itself published. */
  readonly noLocal: boolean
  /** Keep the retain flag as it was published. */
  readonly retainAsPublished: boolean
}

/** A session's way to its device, as long as there is one. */
export interface SessionLink {
  readonly version: ProtocolVersion
  readonly epoch: number
  /** Most publications with QoS 1 and 2 that may be unacknowledged. */
  readonly receiveMax: number
  /** The largest packet that the device takes, in bytes. */
  readonly packetBytesMax: number
  /** False while so much waits for the device that more would only fill memory. */
  readonly hasRoom: boolean
  publish(publish: OutgoingPublish): void
  acknowledge(kind: Acknowledgement, packetId: number): void
  /** Closes the connection because a newer one has come. */
  takeOver(): void
}

/** What has been sent with QoS 1 or 2 and is not acknowledged. */
export type Outgoing =
  | { readonly kind: 'command'; readonly entry: BookEntry }
  | {
      readonly kind: 'message'
      readonly message: PlainMessage
      readonly qos: 1 | 2
      readonly isReleased: boolean
    }

/** A publication with QoS 2 that has come and is not released. Source: MQTT 5, section 4.3.3. */
export interface Received {
  /** Undefined while it is on its way to the disk. */
  verdict: PublicationVerdict | undefined
  /** Told of the verdict; replaced when the same publication comes again over a new connection. */
  settle: (verdict: PublicationVerdict) => void
}

/** Messages to a device that wait, at most. Commands are not among them: they wait on the bus. */
const QUEUE_ITEMS_MAX = 100
/** Messages that wait or are in flight; one that is larger is taken if there is no other. */
const HELD_BYTES_MAX = 64 * 1024

/** What outlives a connection. Source: MQTT 5, section 4.1. */
export class Session {
  readonly device: string
  readonly subscriptions = new Map<string, Grant>()
  /** By packet identifier, in the order of sending. */
  readonly inFlight = new Map<number, Outgoing>()
  readonly received = new Map<number, Received>()
  readonly queue: BoundedQueue<PlainMessage>
  /** How long it outlives its connection, in seconds; Infinity: for ever. */
  expirySeconds = 0
  link: SessionLink | undefined
  /** Waits for the session's end while the device is away. */
  readonly expiry: WheelItem = { dueMs: 0, slot: NOT_WAITING, fire: () => {} }
  /** Waits for the will's time while the device is away. */
  readonly will: WheelItem = { dueMs: 0, slot: NOT_WAITING, fire: () => {} }
  #heldBytes = 0
  #lastPacketId = 0

  constructor(device: string) {
    this.device = device
    this.queue = new BoundedQueue({
      name: `messages to device ${device}`,
      itemsMax: QUEUE_ITEMS_MAX,
    })
  }

  /** Takes a message that is to be delivered with QoS 1 or 2; false if there is no room for it. */
  hold(message: PlainMessage): boolean {
    const bytes = plainMessageBytes(message)
    if (this.#heldBytes > 0 && this.#heldBytes + bytes > HELD_BYTES_MAX) return false
    if (!this.queue.offer(message)) return false
    this.#heldBytes += bytes
    return true
  }

  /** Gives up the room of a message that is delivered, expired or dropped. */
  release(message: PlainMessage): void {
    this.#heldBytes -= plainMessageBytes(message)
  }

  /** The strongest subscription that `topic` falls under, if any. Overlapping ones deliver once [MQTT-3.3.4-2]. */
  grantFor(topic: string, isOwnPublication: boolean): Grant | undefined {
    let strongest: Grant | undefined
    for (const [filter, grant] of this.subscriptions) {
      if (grant.noLocal && isOwnPublication) continue
      if (strongest !== undefined && grant.qos <= strongest.qos) continue
      if (filterMatches(filter, topic)) strongest = grant
    }
    return strongest
  }

  /** A packet identifier that is not in use [MQTT-2.2.1-3]; there are far more than may be in flight. */
  newPacketId(): number {
    do {
      this.#lastPacketId = (this.#lastPacketId % 0xffff) + 1
    } while (this.inFlight.has(this.#lastPacketId))
    return this.#lastPacketId
  }
}
