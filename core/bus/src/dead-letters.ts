import type { Bus, Message, ReadLimits } from './bus.ts'

/** Why a message went to the dead letters. */
export interface DeadLetterCause {
  /** The group or intake that gave up: `too-hot`, `devices`. A replay reaches this group only. */
  readonly group: string
  /** Code of the catalogue error. */
  readonly code: string
  readonly reason: string
  /** How often it was tried. */
  readonly attempts: number
}

/** A dead letter as operators see it. */
export interface DeadLetter {
  /** The topic it was meant for. */
  readonly topic: string
  /** Its place in the dead-letter topic. */
  readonly offset: number
  readonly cause: DeadLetterCause
  readonly diedAtMs: number
  /** The place where it was read, absent if it was refused before it had one. */
  readonly origin?: { readonly partition: number; readonly offset: number }
  readonly message: Pick<Message, 'key' | 'headers' | 'value'>
  /** True once it has been replayed. */
  readonly replayed: boolean
}

/** The topic that holds the dead letters of `topic`. */
export function deadLetterTopic(topic: string): string {
  return `${topic}.dead-letters`
}

export type { Bus, ReadLimits }
