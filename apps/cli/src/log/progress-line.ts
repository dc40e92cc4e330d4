import type { Progress } from '@millrace/log/inspection'
import { ProgressBar } from '../progress-bar.ts'
import { bytesText } from './words.ts'

/** Shows how far a work over the bytes of a log is, how fast it is, and how long it will take. */
export class ProgressLine {
  readonly #bar: ProgressBar
  readonly #startedMs = performance.now()

  constructor(verb: string, isQuiet: boolean) {
    this.#bar = new ProgressBar(verb, isQuiet)
  }

  /** Shows where the work is, unless that was shown a moment ago. */
  show(name: string, { doneBytes, totalBytes }: Progress): void {
    this.#bar.show(name, totalBytes === 0 ? 1 : doneBytes / totalBytes, () => {
      const rate = doneBytes / ((performance.now() - this.#startedMs) / 1000)
      const left = rate > 0 ? `  ${Math.ceil((totalBytes - doneBytes) / rate)} s left` : ''
      return `${bytesText(doneBytes)} of ${bytesText(totalBytes)}  ${bytesText(rate)}/s${left}`
    })
  }

  /** Takes the bar away. */
  clear(): void {
    this.#bar.clear()
  }
}
