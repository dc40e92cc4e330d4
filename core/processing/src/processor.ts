import type { Bus, Message, Position } from '@millrace/bus'
import type { Runtime } from '@millrace/kernel'

/** How a failed message is tried again. */
export interface RetryPolicy {
  /** Tries in all, the first included. Default: 5. */
  readonly attemptsMax?: number
  /** Wait before the second try, in milliseconds; doubles each time. Default: 100. */
  readonly delayMsMin?: number
  /** Longest wait, in milliseconds. Default: 30,000. */
  readonly delayMsMax?: number
  /** Share of the wait that chance may add, from 0 to 1. Default: 0.5. Jitter only lengthens. */
  readonly jitter?: number
}

/** What a step may use. */
export interface StepContext {
  /** Aborts when the time limit is reached or the processor stops hard. */
  readonly signal: AbortSignal
  /** 1 on the first try. */
  readonly attempt: number
}

/** Handles one message at a time; messages of different keys in parallel, those of one key in order. */
export interface MessageStep {
  readonly kind: 'message'
  /** Keys at work at the same time. Default: 128, since most of a try is waiting for the disk. */
  readonly concurrency?: number
  handle(message: Message, context: StepContext): Promise<void>
}

/** Handles messages by the batch, one batch at a time, in order; all or none takes effect. */
export interface BatchStep {
  readonly kind: 'batch'
  /** Default: 500. */
  readonly batchMax?: number
  /**
   * Least time from one fetch to the next while less than a whole batch comes, in milliseconds: under load it makes
   * fewer and larger batches, after a pause it delays nothing. Default: 0.
   */
  readonly lingerMs?: number
  handle(messages: readonly Message[], context: StepContext): Promise<void>
}

/** What a processor is: where it reads, what it does, and what happens when that fails. */
export interface ProcessorDescription {
  /** Unique in the application; also the name of its consumer group. */
  readonly name: string
  readonly topics: readonly string[]
  readonly step: MessageStep | BatchStep
  /** Where topics without a checkpoint start. Default: 'start'. */
  readonly from?: 'start' | 'end'
  /**
   * Where the checkpoint lives. 'group': positions are committed to the bus after the step has succeeded.
   * Otherwise the step itself makes the positions durable together with its effect (promise
   * EffectAndCheckpointTogether), and this loads them at the start.
   */
  readonly checkpoint?: 'group' | CheckpointSource
  readonly retry?: RetryPolicy
  /** Longest time for one try, in milliseconds. Default: 30,000. */
  readonly timeoutMs?: number
  /** Messages held but not finished: fetching pauses at `pauseAt` and goes on at `resumeAt`. Default: 1,000 and 500. */
  readonly prefetch?: { readonly pauseAt: number; readonly resumeAt: number }
}

/** Loads the positions that a processor's step has made durable; owned by the processor that needs it. */
export interface CheckpointSource {
  load(processor: string): Promise<readonly Position[]>
}

/** What the loop needs from outside. */
export interface ProcessorEnvironment {
  readonly bus: Bus
  readonly runtime: Runtime
  /** Aborting stops the processor as `stop` does. */
  readonly signal?: AbortSignal
}

/** A processor at work. Disposing of it drains it. */
export interface Processor extends AsyncDisposable {
  readonly name: string
  readonly stats: ProcessorStats
  /** Stops fetching, finishes what it holds within `limitMs` (default 10,000), commits, and leaves the group. */
  drain(options?: { readonly limitMs?: number }): Promise<void>
  /** Stops at once; what was not committed will be delivered again. */
  stop(): Promise<void>
}

/** Counters since the start. */
export interface ProcessorStats {
  /**
   * 'retrying': something waits for another try: a message, or an engine that is down (a full disk). It goes on by
   * itself. 'failed': the bus was closed under it; nothing is lost, but nothing more will happen.
   */
  readonly state: 'running' | 'retrying' | 'draining' | 'stopped' | 'failed'
  readonly handled: number
  /** Further tries of messages. */
  readonly retried: number
  readonly deadLettered: number
  /** Tries given up at their time limit whose handlers have not ended since. */
  readonly abandoned: number
  /** Messages held: fetched, not finished. */
  readonly inFlight: number
  /** The last failure, for people. */
  readonly lastError?: { readonly code: string; readonly message: string; readonly atMs: number }
}
