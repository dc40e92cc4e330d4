const BAR_WIDTH = 24
/** How often a bar is drawn, and how often a line is printed where nobody watches. */
const DRAW_MS = 100
const LINE_MS = 10_000
const CLEAR = '\r\u001b[K'

/** Shows on standard error how far a long work is: a bar where a person looks, else a line now and then. */
export class ProgressBar {
  readonly #verb: string
  readonly #isQuiet: boolean
  readonly #isWatched = process.stderr.isTTY === true
  #shownMs = performance.now()
  #isDrawn = false

  constructor(verb: string, isQuiet: boolean) {
    this.#verb = verb
    this.#isQuiet = isQuiet
  }

  /** Shows a share from 0 to 1 and what `numbers` says, unless that was shown a moment ago. */
  show(name: string, share: number, numbers: () => string): void {
    if (this.#isQuiet) return
    const nowMs = performance.now()
    if (nowMs - this.#shownMs < (this.#isWatched ? DRAW_MS : LINE_MS)) return
    this.#shownMs = nowMs
    const percent = `${String(Math.floor(share * 100)).padStart(3)} %`
    if (!this.#isWatched)
      return void process.stderr.write(`${this.#verb} ${name}: ${percent}  ${numbers()}\n`)
    const filled = Math.round(share * BAR_WIDTH)
    const bar = `[${'█'.repeat(filled)}${'·'.repeat(BAR_WIDTH - filled)}]`
    this.#isDrawn = true
    process.stderr.write(`${CLEAR}${this.#verb} ${name} ${bar} ${percent}  ${numbers()}`)
  }

  /** Takes the bar away. */
  clear(): void {
    if (this.#isDrawn) process.stderr.write(CLEAR)
    this.#isDrawn = false
  }
}
