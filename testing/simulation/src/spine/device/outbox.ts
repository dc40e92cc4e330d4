/** Something that a device publishes until it is rid of it. */
export interface OutboxEntry {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: 0 | 1 | 2
  /** The event's own id, for devices that can say it. */
  readonly eventId: string | undefined
  /** Told how it ended. */
  readonly settled: (how: 'acknowledged' | 'refused') => void
  /** waiting: not sent over the present line; sent: not answered; received: PUBREC came, PUBCOMP did not. */
  stage: 'waiting' | 'sent' | 'received'
  packetId: number
}

/** What a device has to say, in order. It outlives connections, as a queue in flash memory would. */
export class Outbox {
  #entries: OutboxEntry[] = []
  #lastPacketId = 0

  get size(): number {
    return this.#entries.length
  }

  get entries(): readonly OutboxEntry[] {
    return this.#entries
  }

  get inFlight(): number {
    return this.#entries.filter(({ stage }) => stage !== 'waiting').length
  }

  add(entry: Omit<OutboxEntry, 'stage' | 'packetId'>): void {
    this.#entries.push({ ...entry, stage: 'waiting', packetId: 0 })
  }

  /** The oldest that waits; given a packet identifier and taken as sent. */
  sendNext(): OutboxEntry | undefined {
    const entry = this.#entries.find(({ stage }) => stage === 'waiting')
    if (entry === undefined) return undefined
    if (entry.packetId === 0 && entry.qos > 0) entry.packetId = this.#newPacketId()
    entry.stage = 'sent'
    return entry
  }

  find(packetId: number): OutboxEntry | undefined {
    return this.#entries.find((entry) => entry.packetId === packetId && entry.stage !== 'waiting')
  }

  remove(entry: OutboxEntry): void {
    this.#entries = this.#entries.filter((other) => other !== entry)
  }

  /**
   * A new connection: what was sent is to be sent again, in order and under its identifier. Without the server's half
   * of the session, what it had already answered with PUBREC is done. Source: MQTT 5, section 4.4.
   */
  startOver(isSessionPresent: boolean): readonly OutboxEntry[] {
    if (!isSessionPresent) this.#entries = this.#entries.filter(({ stage }) => stage !== 'received')
    for (const entry of this.#entries) {
      if (entry.stage === 'received') continue
      entry.stage = 'waiting'
      if (!isSessionPresent) entry.packetId = 0
    }
    return this.#entries.filter(({ stage }) => stage === 'received')
  }

  #newPacketId(): number {
    do {
      this.#lastPacketId = (this.#lastPacketId % 0xffff) + 1
    } while (this.#entries.some(({ packetId }) => packetId === this.#lastPacketId))
    return this.#lastPacketId
  }
}
