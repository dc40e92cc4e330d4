import type { ItemPlace } from '@millrace/log'
import type { ClosingReport, FailedReport } from '../process/started-process.ts'

/** An item that was handed out. */
export interface TakenItem extends ItemPlace {
  readonly name: string
  readonly digest: string
  readonly key: string | undefined
  readonly deliveries: number
}

/** What a life of a queue says. */
export type QueueReport =
  | { readonly kind: 'opened'; readonly openMs: number }
  /** A put is durable: the items from `name` on, in one lane. */
  | {
      readonly kind: 'put'
      readonly lane: string
      readonly offsets: readonly number[]
      readonly name: string
    }
  | { readonly kind: 'taken'; readonly consumer: string; readonly items: readonly TakenItem[] }
  /** It is about to acknowledge these: whether that is durable when it dies, nobody knows. */
  | { readonly kind: 'acknowledging'; readonly consumer: string; readonly places: readonly ItemPlace[] }
  /** That is durable: they never come again. */
  | { readonly kind: 'acknowledged'; readonly consumer: string; readonly places: readonly ItemPlace[] }
  /** They were put back, to come again. */
  | { readonly kind: 'returned'; readonly consumer: string; readonly places: readonly ItemPlace[] }
  /** What the queue says of itself at the end, when everything was taken. */
  | { readonly kind: 'emptied'; readonly complaints: readonly string[] }
  | ClosingReport
  | FailedReport
