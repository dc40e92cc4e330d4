import { type Random, randomInteger } from '@millrace/kernel'

interface NameChange<Entry> {
  readonly directory: string
  readonly path: string
  readonly entry: Entry | undefined
}

/** Which file has which name: as programs see it, and as it is on the disk. */
export class MemoryNames<Entry> {
  readonly #directories = new Set<string>([''])
  readonly #cached = new Map<string, Entry>()
  readonly #durable = new Map<string, Entry>()
  /** Made since the last sync of their directory, in order; those of one call belong together. */
  #changes: (readonly NameChange<Entry>[])[] = []

  get(path: string): Entry | undefined {
    return this.#cached.get(path)
  }

  get entries(): Iterable<Entry> {
    return new Set(this.#cached.values())
  }

  hasDirectory(directory: string): boolean {
    return this.#directories.has(directory)
  }

  /** Names of directories are durable at once. */
  makeDirectory(directory: string): void {
    const parts = directory.split('/')
    for (let count = 1; count <= parts.length; count += 1)
      this.#directories.add(parts.slice(0, count).join('/'))
  }

  list(directory: string): string[] {
    const all = [...this.#cached.keys(), ...this.#directories].filter((path) => path !== '')
    return all
      .filter((path) => directoryOf(path) === directory)
      .map((path) => path.slice(directory.length && directory.length + 1))
  }

  /** Gives names to files, or takes them away, as one step. */
  change(...changes: readonly (readonly [path: string, entry: Entry | undefined])[]): void {
    const step = changes.map(([path, entry]) => ({ directory: directoryOf(path), path, entry }))
    apply(this.#cached, step)
    this.#changes.push(step)
  }

  /** A sync begins: what was changed until now is what the returned function makes durable. */
  beginSync(directory: string): () => void {
    const pending = new Set(
      this.#changes.filter((step) => step.some((change) => change.directory === directory)),
    )
    return () => {
      for (const step of this.#changes) if (pending.has(step)) apply(this.#durable, step)
      this.#changes = this.#changes.filter((step) => !pending.has(step))
    }
  }

  /** The names after a power cut: only synced ones, or, with `random`, with any first few of the rest as well. */
  afterCrash(random: Random | undefined, survive: (entry: Entry) => Entry): MemoryNames<Entry> {
    const survivor = new MemoryNames<Entry>()
    for (const directory of this.#directories) survivor.#directories.add(directory)
    const names = new Map(this.#durable)
    const kept = random === undefined ? 0 : randomInteger(random, 0, this.#changes.length + 1)
    for (const step of this.#changes.slice(0, kept)) apply(names, step)
    const survivors = new Map<Entry, Entry>()
    for (const [path, entry] of names) {
      const copy = survivors.get(entry) ?? survive(entry)
      survivors.set(entry, copy)
      survivor.#cached.set(path, copy)
      survivor.#durable.set(path, copy)
    }
    return survivor
  }
}

function apply<Entry>(names: Map<string, Entry>, step: readonly NameChange<Entry>[]): void {
  for (const { path, entry } of step) {
    if (entry === undefined) names.delete(path)
    else names.set(path, entry)
  }
}

/** The directory part of a path; empty for a name in the root. */
export function directoryOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}
