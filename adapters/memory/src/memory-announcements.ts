import type { AnnouncementListener, Announcer, Listening } from '@millrace/log'

/** Who announces for which directory, and who listens. What is said arrives in the turn in which it was said. */
export class MemoryAnnouncements {
  readonly #announcers = new Map<string, MemoryAnnouncer>()

  announce(directory: string): Announcer {
    const announcer = new MemoryAnnouncer()
    void this.#announcers.get(directory)?.close()
    this.#announcers.set(directory, announcer)
    return announcer
  }

  listen(directory: string, listener: AnnouncementListener): Listening | undefined {
    return this.#announcers.get(directory)?.add(listener)
  }
}

class MemoryAnnouncer implements Announcer {
  readonly #listeners = new Set<AnnouncementListener>()
  #state: Uint8Array | undefined
  #isOpen = true

  add(listener: AnnouncementListener): Listening | undefined {
    if (!this.#isOpen) return undefined
    this.#listeners.add(listener)
    const state = this.#state
    if (state !== undefined) queueMicrotask(() => this.#listeners.has(listener) && listener.said(state))
    return { close: () => void this.#listeners.delete(listener) }
  }

  say(state: Uint8Array): void {
    if (!this.#isOpen) return
    this.#state = state.slice()
    for (const listener of [...this.#listeners]) listener.said(this.#state)
  }

  async close(): Promise<void> {
    this.#isOpen = false
    for (const listener of [...this.#listeners]) listener.ended()
    this.#listeners.clear()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
