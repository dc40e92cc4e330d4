/** Commands in one generation; two are kept. About 2 MB in all. */
const GENERATION_MAX = 10_000

/**
 * The newest commands that came to their end and were forgotten: an outcome may be repeated long after, by a device
 * that has lost the acknowledgement. In two generations, so that forgetting costs nothing.
 */
export class EndedCommands {
  #newer = new Map<string, string>()
  #older = new Map<string, string>()

  add(id: string, device: string): void {
    this.#newer.set(id, device)
    if (this.#newer.size < GENERATION_MAX) return
    this.#older = this.#newer
    this.#newer = new Map()
  }

  /** True if the command `id` of this device is remembered to have ended. */
  has(id: string, device: string): boolean {
    return (this.#newer.get(id) ?? this.#older.get(id)) === device
  }
}
