import type { Clock } from '@millrace/kernel'
import type { QueueAlarm } from './queue.ts'

const ALARMS_MAX = 100

/** What operators should know, the newest last; the same thing twice in a row is kept once, with its newest time. */
export class AlarmList {
  readonly #clock: Clock
  readonly #alarms: QueueAlarm[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get all(): readonly QueueAlarm[] {
    return [...this.#alarms]
  }

  add(kind: QueueAlarm['kind'], text: string): void {
    const last = this.#alarms.at(-1)
    if (last?.kind === kind && last.text === text) this.#alarms.pop()
    this.#alarms.push({ kind, atMs: this.#clock.now(), text })
    if (this.#alarms.length > ALARMS_MAX) this.#alarms.shift()
  }
}
