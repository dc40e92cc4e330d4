/** Events of a page while the reader is near the end: the port's own default. */
const PAGE_EVENTS_MIN = 500
/** Texts of one page, in UTF-16 units, that a page is cut down to if its events are large. */
const PAGE_CHARACTERS_MAX = 8 * 1024 * 1024

/**
 * How many events to ask for. A reader that is behind finds its pages full, and asks for twice as many each time, up to
 * a bound; at the end it returns to the beginning. Large events make the pages shorter.
 */
export class PageSize {
  readonly #eventsMax: number
  #events: number
  /** Average length of an event's text. */
  #characters = 0

  constructor(eventsMax: number) {
    this.#eventsMax = eventsMax
    this.#events = Math.min(PAGE_EVENTS_MIN, eventsMax)
  }

  /** Events to ask for at most. */
  get limit(): number {
    const fitting = this.#characters === 0 ? this.#events : Math.floor(PAGE_CHARACTERS_MAX / this.#characters)
    return Math.max(1, Math.min(this.#events, fitting))
  }

  /** A page came. `isFull`: it has as many events as were asked for. */
  note(events: readonly { readonly text: string }[], isFull: boolean): void {
    this.#events = Math.min(isFull ? this.#events * 2 : PAGE_EVENTS_MIN, this.#eventsMax)
    if (events.length === 0) return
    let characters = 0
    for (const { text } of events) characters += text.length
    this.#characters = Math.max(1, characters / events.length)
  }

  /** The answer would have been too large: ask for half. False if there is nothing left to halve. */
  halve(): boolean {
    const { limit } = this
    if (limit === 1) return false
    this.#events = limit >> 1
    return true
  }
}
