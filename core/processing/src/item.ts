import type { Message } from '@millrace/bus'

/** A message that the processor holds: fetched, not finished. */
export interface Item {
  readonly message: Message
  /** 'forgotten': its partition went to another member, so it is no longer ours to finish. */
  state: 'held' | 'finished' | 'forgotten'
  /** Tries that count against the retry policy. */
  tries: number
  /** Tries that failed because an engine was down; they count against nothing. */
  outages: number
  /** Tries of a batch with others in it; whose fault it was is not known, so they count against nobody. */
  shared: number
}

/** A message as it was fetched. */
export function heldItem(message: Message): Item {
  return { message, state: 'held', tries: 0, outages: 0, shared: 0 }
}

/** Names a message for people: `greenhouse.reading/0@17`. */
export function describeMessage({ topic, partition, offset }: Message): string {
  return `${topic}/${partition}@${offset}`
}

/** How often the item has been tried in all. */
export function triesOf({ tries, outages, shared }: Item): number {
  return tries + outages + shared
}
