/**
 * Statements that one connection has prepared, by their text; the least recently used one is dropped first. A statement
 * is new until a batch that prepares it has ended well.
 */
export class PreparedNames {
  readonly #statementsMax: number
  readonly #names = new Map<string, string>()
  readonly #new = new Set<string>()
  #last = 0
  #dropped: string[] = []

  /** @param statementsMax 0: statements have no names, and are prepared each time */
  constructor(statementsMax: number) {
    this.#statementsMax = statementsMax
  }

  /** The name to use; `isNew`: it must be prepared. `dropped` is the name of a statement to close before that. */
  nameOf(sql: string): {
    readonly name: string
    readonly isNew: boolean
    readonly dropped: string | undefined
  } {
    if (this.#statementsMax === 0) return { name: '', isNew: true, dropped: undefined }
    const known = this.#names.get(sql)
    if (known !== undefined) {
      this.#names.delete(sql)
      this.#names.set(sql, known)
      return { name: known, isNew: false, dropped: undefined }
    }
    const name = `millrace_${++this.#last}`
    this.#names.set(sql, name)
    this.#new.add(sql)
    if (this.#names.size > this.#statementsMax) this.#dropOldest()
    return { name, isNew: true, dropped: this.#dropped.shift() }
  }

  /** What was prepared lately is there. */
  settle(): void {
    this.#new.clear()
  }

  /** Prepares it anew next time, under another name. */
  forget(sql: string): void {
    const name = this.#names.get(sql)
    if (name === undefined) return
    this.#names.delete(sql)
    this.#new.delete(sql)
    // Closing one that is not there is no error.
    this.#dropped.push(name)
  }

  /** Forgets what a failure may have kept from being prepared. */
  forgetIfNew(sql: string): void {
    if (this.#new.has(sql)) this.forget(sql)
  }

  #dropOldest(): void {
    const [oldest] = this.#names.keys()
    if (oldest !== undefined) this.forget(oldest)
  }
}
