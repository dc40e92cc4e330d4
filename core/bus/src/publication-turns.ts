import type { NewMessage, Placement } from './bus.ts'
import { storedBytesMax } from './message-checks.ts'

/** Hands messages to the storage before its first wait; resolves when they are durable. */
export type Place = (messages: readonly NewMessage[]) => Promise<readonly Placement[]>

/**
 * Publications to a topic in the order of their calls, when one of them is too large for one append: it is placed part
 * by part, the next one when the one before is durable, because a part that is there without the one before it would
 * turn the order per key around when the call is repeated. Who comes meanwhile waits for the last part to be handed over.
 */
export class PublicationTurns {
  readonly #bytesMax: number
  /** Resolves when the newest publication that had to wait, or that has parts, is handed over. */
  #turn: Promise<void> | undefined

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  place(messages: readonly NewMessage[], storedBytes: number, place: Place): Promise<readonly Placement[]> {
    if (this.#turn === undefined && storedBytes <= this.#bytesMax) return place(messages)
    return this.#placeInTurn(partsOf(messages, this.#bytesMax), place)
  }

  /** Resolves when no publication waits for its turn. */
  async idle(): Promise<void> {
    while (this.#turn !== undefined) await this.#turn
  }

  async #placeInTurn(parts: readonly (readonly NewMessage[])[], place: Place): Promise<readonly Placement[]> {
    const earlier = this.#turn
    const handedOver = Promise.withResolvers<void>()
    this.#turn = handedOver.promise
    await earlier
    const placements: (readonly Placement[])[] = []
    let last: Promise<readonly Placement[]> | undefined
    try {
      for (const part of parts) {
        if (last !== undefined) placements.push(await last)
        last = place(part)
      }
    } finally {
      if (this.#turn === handedOver.promise) this.#turn = undefined
      handedOver.resolve()
    }
    if (last !== undefined) placements.push(await last)
    return placements.flat()
  }
}

/** The messages in as few parts, in order, as `bytesMax` allows; a message by itself is a part, whatever its size. */
export function partsOf(
  messages: readonly NewMessage[],
  bytesMax: number,
): readonly (readonly NewMessage[])[] {
  const parts: NewMessage[][] = []
  let part: NewMessage[] = []
  let partBytes = 0
  for (const message of messages) {
    const bytes = storedBytesMax(message)
    if (part.length === 0 || partBytes + bytes > bytesMax) {
      part = []
      parts.push(part)
      partBytes = 0
    }
    part.push(message)
    partBytes += bytes
  }
  return parts
}
