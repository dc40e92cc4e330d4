/** Keys and what they do. `keys` is one key ("/"), or several in a row with spaces between ("g f"). */
export interface Shortcut {
  readonly keys: string
  readonly does: string
  readonly run: () => void
}

/** What of a keyboard event matters here. */
export interface KeyPress {
  readonly key: string
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly altKey: boolean
  /** The focus is where text is written, or where keys mean something else. */
  readonly busy: boolean
  readonly timeMs: number
}

/** The keys of a sequence must follow each other within this time, in milliseconds. */
export const SEQUENCE_MS_MAX = 1_200

/** The shortcuts that are valid now. */
export class ShortcutBook {
  readonly #shortcuts: Shortcut[] = []
  #typed = ''
  #typedAtMs = 0

  /** Adds a shortcut; among those with the same keys the newest wins. Gives what removes it again. */
  add(shortcut: Shortcut): () => void {
    this.#shortcuts.push(shortcut)
    return () => {
      this.#shortcuts.splice(this.#shortcuts.indexOf(shortcut), 1)
    }
  }

  /** What can be done now; each key once. */
  list(): readonly Shortcut[] {
    return [...new Map(this.#shortcuts.map((shortcut) => [shortcut.keys, shortcut])).values()]
  }

  /** True if the key was taken. */
  press(press: KeyPress): boolean {
    if (press.busy || press.ctrlKey || press.metaKey || press.altKey) {
      this.#typed = ''
      return false
    }
    const goesOn = this.#typed !== '' && press.timeMs - this.#typedAtMs <= SEQUENCE_MS_MAX
    const typed = goesOn ? `${this.#typed} ${press.key}` : press.key
    const found = this.#shortcuts.findLast((shortcut) => shortcut.keys === typed)
    this.#typed = found || !this.#begins(typed) ? '' : typed
    this.#typedAtMs = press.timeMs
    found?.run()
    return found !== undefined || this.#typed !== ''
  }

  #begins(typed: string): boolean {
    return this.#shortcuts.some((shortcut) => shortcut.keys.startsWith(`${typed} `))
  }
}

/** Sends the page's key presses to the book. Gives what stops it. */
export function listenToKeys(book: ShortcutBook, document: Document): () => void {
  const listener = (event: KeyboardEvent) => {
    const target = event.target instanceof Element ? event.target : null
    const writes = target?.closest('input, textarea, select, [contenteditable], [role="dialog"]') ?? null
    const busy = event.defaultPrevented || writes !== null
    const { key, ctrlKey, metaKey, altKey, timeStamp } = event
    if (book.press({ key, ctrlKey, metaKey, altKey, busy, timeMs: timeStamp })) event.preventDefault()
  }
  document.addEventListener('keydown', listener)
  return () => document.removeEventListener('keydown', listener)
}
