import type { Message, TopicPartition } from '@millrace/bus'
import { heldItem, type Item } from './item.ts'
import type { PrefetchGate } from './prefetch-gate.ts'
import { Wakeup } from './wakeup.ts'
import { Watermarks } from './watermark.ts'

/** What the processor holds: every message between its fetch and its end, and how far each partition is done. */
export class Ledger {
  readonly watermarks = new Watermarks()
  /** Wakes whenever less is held. */
  readonly less = new Wakeup()
  readonly #gate: PrefetchGate
  readonly #onFinish: () => void
  #held = 0
  #heldBytes = 0

  /** `onFinish` is called for every item that is finished. */
  constructor(gate: PrefetchGate, onFinish: () => void) {
    this.#gate = gate
    this.#onFinish = onFinish
  }

  get held(): number {
    return this.#held
  }

  /** How many messages may be fetched now; 0 while the prefetch is full. */
  get room(): number {
    return this.#gate.update(this.#held, this.#heldBytes) ? this.#gate.room(this.#held) : 0
  }

  /** See {@link PrefetchGate.isPressed}. */
  get isPressed(): boolean {
    return this.#gate.isPressed(this.#held)
  }

  /** Takes fetched messages on, in order. A partition that came back from another member starts afresh. */
  accept(messages: readonly Message[]): Item[] {
    return messages.map((message) => {
      if (message.offset <= (this.watermarks.lastOffset(message) ?? -1)) this.forget(message)
      const item = heldItem(message)
      this.watermarks.accept(item)
      this.#held += 1
      this.#heldBytes += message.value.length
      return item
    })
  }

  /** The item has had its effect, or is a dead letter, or was not for this group. */
  finish(item: Item): void {
    if (item.state !== 'held') return
    item.state = 'finished'
    this.#release(item)
    this.watermarks.advance(item)
    this.#onFinish()
    this.less.wake()
  }

  /** Gives up what is held of a partition without finishing it. */
  forget(partition: TopicPartition): void {
    for (const item of this.watermarks.forget(partition)) {
      item.state = 'forgotten'
      this.#release(item)
    }
    this.less.wake()
  }

  #release({ message }: Item): void {
    this.#held -= 1
    this.#heldBytes -= message.value.length
  }
}
