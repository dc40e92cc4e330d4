/** The place of one publication in the order of acknowledgements. */
export interface AcknowledgementSlot {
  /** What is to be sent when everything before it has been; undefined for nothing. Once. */
  settle(bytes: Uint8Array | undefined): void
}

interface Slot {
  isSettled: boolean
  bytes: Uint8Array | undefined
}

/**
 * Publications become durable in any order (they go to different topics), but are acknowledged in the order in which
 * they came [MQTT-4.6.0-2], [MQTT-4.6.0-3].
 */
export class AcknowledgementQueue {
  readonly #send: (bytes: Uint8Array) => void
  readonly #settled: () => void
  readonly #slots: Slot[] = []
  #head = 0

  /** `settled` is called after every settlement. */
  constructor(send: (bytes: Uint8Array) => void, settled: () => void) {
    this.#send = send
    this.#settled = settled
  }

  /** Publications that wait for their acknowledgement. */
  get size(): number {
    return this.#slots.length - this.#head
  }

  open(): AcknowledgementSlot {
    const slot: Slot = { isSettled: false, bytes: undefined }
    this.#slots.push(slot)
    return {
      settle: (bytes) => {
        if (slot.isSettled) return
        slot.isSettled = true
        slot.bytes = bytes
        this.#sendSettled()
        this.#settled()
      },
    }
  }

  #sendSettled(): void {
    for (let slot = this.#slots[this.#head]; slot?.isSettled === true; slot = this.#slots[this.#head]) {
      this.#head += 1
      if (slot.bytes !== undefined) this.#send(slot.bytes)
    }
    if (this.#head < 64 && this.#head < this.#slots.length) return
    this.#slots.splice(0, this.#head)
    this.#head = 0
  }
}
