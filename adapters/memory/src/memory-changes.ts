/** What a unit has changed so far, to be taken back if it is refused. */
export class MemoryChanges {
  readonly #undone: (() => void)[] = []

  /** Notes how to take back a change that is about to be made or has just been made. */
  note(undo: () => void): void {
    this.#undone.push(undo)
  }

  /** Puts a value into a map; undefined takes it away. */
  put<Key, Value>(map: Map<Key, Value>, key: Key, value: Value | undefined): void {
    const before = map.get(key)
    this.note(() => place(map, key, before))
    place(map, key, value)
  }

  /** Takes everything back, the latest change first. */
  undo(): void {
    for (const undo of this.#undone.reverse()) undo()
  }
}

function place<Key, Value>(map: Map<Key, Value>, key: Key, value: Value | undefined): void {
  if (value === undefined) map.delete(key)
  else map.set(key, value)
}
