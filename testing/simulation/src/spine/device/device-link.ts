import type { Random, Runtime } from '@millrace/kernel'
import type { MemoryConnection } from '@millrace/memory'
import { chance } from '../../seed-streams.ts'

/** What a device is told of its line. */
export interface LinkObserver {
  data(bytes: Uint8Array): void
  closed(): void
}

/** What a line is like. */
export interface LinkTemper {
  readonly runtime: Runtime
  readonly random: Random
  readonly latencyMsMax: number
  readonly cutsFrames: boolean
}

/** A line with a latency, from the device's end. Bytes keep their order; pieces may be cut anywhere. */
export class DeviceLink {
  readonly #connection: MemoryConnection
  readonly #temper: LinkTemper
  readonly #observer: LinkObserver
  #isOver = false
  #upAtMs = 0
  #downAtMs = 0

  constructor(connection: MemoryConnection, temper: LinkTemper, observer: LinkObserver) {
    this.#connection = connection
    this.#temper = temper
    this.#observer = observer
    connection.observe({
      data: (bytes) => this.#down(() => observer.data(bytes)),
      drained: () => {},
      closed: () => this.#down(() => this.#over()),
    })
  }

  /** Sends bytes to the server. */
  write(bytes: Uint8Array): void {
    const { cutsFrames, random } = this.#temper
    const isCut = cutsFrames && bytes.length > 1 && chance(random, 0.5)
    const at = isCut ? 1 + Math.floor(random.next() * (bytes.length - 1)) : bytes.length
    this.#up(() => this.#connection.write(bytes.subarray(0, at)))
    if (at < bytes.length) this.#up(() => this.#connection.write(bytes.subarray(at)))
  }

  /** Hangs up; what was written still arrives. */
  end(): void {
    this.#isOver = true
    this.#up(() => this.#connection.end())
  }

  /** Resets the line: both sides are told. */
  reset(): void {
    if (this.#isOver) return
    this.#connection.destroy()
    this.#over()
  }

  /** Cuts the line: nothing arrives any more, and nobody is told. */
  cut(): void {
    this.#connection.cut()
  }

  /** Cuts the line and tells the device, as the network stack of a dead process does. */
  lose(): void {
    this.#connection.cut()
    this.#down(() => this.#over())
  }

  /** Reads nothing for a while, so that what the server writes piles up there. */
  stall(durationMs: number): void {
    this.#connection.pauseReading()
    this.#temper.runtime.scheduler.after(durationMs, () => this.#connection.resumeReading())
  }

  #over(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#observer.closed()
  }

  #up(task: () => void): void {
    this.#upAtMs = this.#later(this.#upAtMs, task)
  }

  #down(task: () => void): void {
    this.#downAtMs = this.#later(this.#downAtMs, () => {
      if (!this.#isOver) task()
    })
  }

  /** Runs `task` after the latency, but not before what was given earlier; gives the time. */
  #later(earliestMs: number, task: () => void): number {
    const { runtime, random, latencyMsMax } = this.#temper
    const nowMs = runtime.clock.monotonic()
    const atMs = Math.max(earliestMs, nowMs + random.next() * latencyMsMax)
    runtime.scheduler.after(atMs - nowMs, task)
    return atMs
  }
}
