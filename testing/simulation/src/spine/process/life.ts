/** How long a simulated process lives. What it was waiting for when it died never comes. */
export class Life {
  #isOver = false
  readonly #ends: (() => void)[] = []

  get isOver(): boolean {
    return this.#isOver
  }

  /** Ends it: nothing that is bound to it happens any more. */
  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    for (const run of this.#ends.splice(0)) run()
  }

  /** Calls `run` when it ends. */
  atEnd(run: () => void): void {
    this.#ends.push(run)
  }

  /** The outcome of `start`, unless the process has died by then. */
  bind<Result>(start: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#isOver) return
      start().then(
        (result) => {
          if (!this.#isOver) resolve(result)
        },
        (error: unknown) => {
          if (!this.#isOver) reject(error)
        },
      )
    })
  }
}
