import { type Bus, eventToMessage, type Message, messageToEvent, type Placement } from '@millrace/bus'
import { formatTime, newId, type Runtime } from '@millrace/kernel'
import { DEVICE_CONNECTED, DEVICE_DISCONNECTED, PRESENCE_TOPIC } from './command.ts'
import type { CounterTable } from './device-counters.ts'
import { PublishLane } from './publish-lane.ts'
import { TopicFold } from './topic-fold.ts'

/** The consumer group whose committed offset says where the next start begins to fold. */
const PRESENCE_GROUP = 'millrace.presence.book'
const LINGER_MS = 10
/** Connections and disconnections that wait for the bus; beyond it they are counted and left out. */
const PENDING_MAX = 100_000
const RETENTION_MS = 30 * 24 * 3_600_000
/** The position is committed when it can move this far. */
const COMMIT_RECORDS = 5_000

/** A connection that has not ended: its epoch, and the offset of its record as soon as it has one. */
interface OpenConnection {
  readonly epoch: number
  offset: number
}

/**
 * Writes connections and disconnections down, in batches and without making anybody wait. What a server that died
 * has left open is closed by the next one. An epoch is larger than every one before it.
 */
export class PresenceLog {
  readonly #runtime: Runtime
  readonly #counters: CounterTable
  readonly #lane: PublishLane
  readonly #open: Map<string, OpenConnection>
  readonly #fold: TopicFold
  #pending = 0
  #lastEpoch: number

  private constructor(
    options: { readonly bus: Bus; readonly runtime: Runtime; readonly counters: CounterTable },
    fold: TopicFold,
    left: Map<string, OpenConnection>,
  ) {
    const { bus, runtime, counters } = options
    this.#runtime = runtime
    this.#counters = counters
    this.#lane = new PublishLane({ bus, runtime, topic: PRESENCE_TOPIC, lingerMs: LINGER_MS })
    this.#open = left
    this.#fold = fold
    this.#lastEpoch = Math.max(0, ...[...left.values()].map(({ epoch }) => epoch))
    for (const [device, { epoch }] of [...left]) {
      this.disconnected(device, { reason: 'the server ended without a goodbye', epoch })
    }
  }

  /** Creates the topic if need be, and closes what an earlier server has left open. */
  static async open(bus: Bus, runtime: Runtime, counters: CounterTable): Promise<PresenceLog> {
    await bus.createTopic(PRESENCE_TOPIC, { partitions: 1, retention: { ageMsMax: RETENTION_MS } })
    const left = new Map<string, OpenConnection>()
    const visit = (message: Message) => foldInto(left, message)
    const fold = await TopicFold.open({ bus, topic: PRESENCE_TOPIC, group: PRESENCE_GROUP, visit })
    return new PresenceLog({ bus, runtime, counters }, fold, left)
  }

  /** Notes a connection; gives its epoch. */
  connected(device: string, about: { readonly protocol: string; readonly remoteAddress: string }): number {
    this.#lastEpoch = Math.max(this.#lastEpoch + 1, this.#runtime.clock.now())
    const open: OpenConnection = { epoch: this.#lastEpoch, offset: this.#fold.end }
    this.#open.set(device, open)
    this.#write(device, DEVICE_CONNECTED, { ...about, epoch: this.#lastEpoch }, (placement) => {
      open.offset = placement.offset
    })
    return this.#lastEpoch
  }

  /** Notes the end of the connection with this epoch. */
  disconnected(device: string, about: { readonly reason: string; readonly epoch: number }): void {
    if (this.#open.get(device)?.epoch === about.epoch) this.#open.delete(device)
    this.#write(device, DEVICE_DISCONNECTED, about)
  }

  /** Moves the group's position up to the oldest connection that is open, if that has become far. */
  async commitIfFar(): Promise<void> {
    if (this.#fold.end - this.#fold.committed >= COMMIT_RECORDS) await this.#fold.commit(this.#oldestOpen())
  }

  async close(): Promise<void> {
    await this.#lane.idle()
    await this.#fold.commit(this.#oldestOpen())
    await this.#fold.close()
  }

  #oldestOpen(): number {
    let oldest = this.#fold.end
    for (const { offset } of this.#open.values()) oldest = Math.min(oldest, offset)
    return oldest
  }

  #write(
    device: string,
    type: string,
    data: unknown,
    written: (placement: Placement) => void = () => {},
  ): void {
    if (this.#pending >= PENDING_MAX) {
      this.#counters.messagesDropped += 1
      return
    }
    this.#pending += 1
    const time = formatTime(this.#runtime.clock.now())
    const event = { id: newId(this.#runtime), type, source: '/devices', subject: device, time, data }
    this.#lane.add(eventToMessage(event), (error, placement) => {
      this.#pending -= 1
      this.#fold.noteEnd(placement)
      if (error !== undefined || placement === undefined) this.#counters.messagesDropped += 1
      else written(placement)
    })
  }
}

function foldInto(open: Map<string, OpenConnection>, message: Message): void {
  try {
    const { type, subject: device, data } = messageToEvent(message)
    const { epoch } = data as { readonly epoch: number }
    if (device === undefined || typeof epoch !== 'number') return
    if (type === DEVICE_CONNECTED) open.set(device, { epoch, offset: message.offset })
    else if (open.get(device)?.epoch === epoch) open.delete(device)
  } catch {
    // A record that is none of ours.
  }
}
