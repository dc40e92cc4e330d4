import { type Random, randomInteger } from '@millrace/kernel'

/** What gets a name, or loses it. */
type NameChange<Entry> = readonly [path: string, entry: Entry | undefined]

/** The changes of one call: all of them survive, or none. */
interface Step<Entry> {
  readonly directories: readonly string[]
  readonly changes: readonly NameChange<Entry>[]
}

/** Which file has which name: as programs see it, and as it is on the disk. */
export class MemoryNames<Entry> {
  readonly #directories = new Set<string>([''])
  #cached = new Map<string, Entry>()
  #durable = new Map<string, Entry>()
  /** Made since the last sync of their directory, in order. */
  #steps: Step<Entry>[] = []
  #moment: NamesMoment<Entry> | undefined

  /** Names that are all durable. */
  static of<Entry>(directories: Iterable<string>, names: ReadonlyMap<string, Entry>): MemoryNames<Entry> {
    const made = new MemoryNames<Entry>()
    for (const directory of directories) made.#directories.add(directory)
    made.#cached = new Map(names)
    made.#durable = new Map(names)
    return made
  }

  /** What a crash can leave of the names now. */
  get moment(): NamesMoment<Entry> {
    this.#moment ??= new NamesMoment([...this.#directories], new Map(this.#durable), [...this.#steps])
    return this.#moment
  }

  /** The same names, with what is not synced, on another disk; `copyEntry` is called once for each file. */
  copy(copyEntry: (entry: Entry) => Entry): MemoryNames<Entry> {
    const copies = new Map<Entry, Entry>()
    const copyOf = (entry: Entry): Entry => {
      const copy = copies.get(entry) ?? copyEntry(entry)
      copies.set(entry, copy)
      return copy
    }
    const copyAll = (names: ReadonlyMap<string, Entry>) =>
      new Map([...names].map(([path, entry]) => [path, copyOf(entry)]))
    const made = new MemoryNames<Entry>()
    for (const directory of this.#directories) made.#directories.add(directory)
    made.#cached = copyAll(this.#cached)
    made.#durable = copyAll(this.#durable)
    made.#steps = this.#steps.map(({ directories, changes }) => ({
      directories,
      changes: changes.map(([path, entry]) => [path, entry && copyOf(entry)] as const),
    }))
    return made
  }

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
    this.#moment = undefined
  }

  list(directory: string): string[] {
    const all = [...this.#cached.keys(), ...this.#directories].filter((path) => path !== '')
    return all
      .filter((path) => directoryOf(path) === directory)
      .map((path) => path.slice(directory.length && directory.length + 1))
  }

  /** Gives names to files, or takes them away, as one step. */
  change(...changes: readonly NameChange<Entry>[]): void {
    const step = { directories: [...new Set(changes.map(([path]) => directoryOf(path)))], changes }
    apply(this.#cached, step)
    this.#steps.push(step)
    this.#moment = undefined
  }

  /** A sync begins: what was changed until now is what the returned function makes durable. */
  beginSync(directory: string): () => void {
    const pending = this.#stepsOf(directory)
    return () => {
      for (const step of this.#steps) if (pending.has(step)) apply(this.#durable, step)
      this.#steps = this.#steps.filter((step) => !pending.has(step))
      this.#moment = undefined
    }
  }

  /** The steps in `directory`, and those before them in the directories that they touch, too. */
  #stepsOf(directory: string): ReadonlySet<Step<Entry>> {
    const directories = new Set([directory])
    const pending = new Set<Step<Entry>>()
    for (const step of this.#steps.toReversed()) {
      if (!step.directories.some((name) => directories.has(name))) continue
      pending.add(step)
      for (const name of step.directories) directories.add(name)
    }
    return pending
  }
}

/** What a power cut can leave of the names: of each directory the first few changes, in their order. */
export class NamesMoment<Entry> {
  readonly directories: readonly string[]
  /** What is durable. */
  readonly least: ReadonlyMap<string, Entry>
  readonly #steps: readonly Step<Entry>[]
  readonly #numbers = new Map<Entry, number>()

  /** Nothing of it is changed any more. */
  constructor(
    directories: readonly string[],
    durable: ReadonlyMap<string, Entry>,
    steps: readonly Step<Entry>[],
  ) {
    this.directories = directories
    this.least = durable
    this.#steps = steps
  }

  /** Every file that can have a name afterwards. */
  get files(): ReadonlySet<Entry> {
    const steps = this.#steps.flatMap(({ changes }) => changes.map(([, entry]) => entry))
    return new Set([...this.least.values(), ...steps.filter((entry) => entry !== undefined)])
  }

  /** Every set of names that there can be, each once. */
  *states(): Generator<ReadonlyMap<string, Entry>> {
    if (this.#steps.length === 0) {
      yield this.least
      return
    }
    const seen = new Set<string>()
    for (const kept of this.#survivals(0, new Set())) {
      const names = this.#after(kept)
      const text = this.describe(names)
      if (!seen.has(text)) yield names
      seen.add(text)
    }
  }

  /** Names as a text: the same one for the same names of the same files. */
  describe(names: ReadonlyMap<string, Entry>): string {
    return describe(names, this.#numbers)
  }

  /** One of them. */
  random(random: Random): ReadonlyMap<string, Entry> {
    if (this.#steps.length === 0) return this.least
    const left = new Map<string, number>()
    for (const name of this.#steps.flatMap(({ directories }) => directories))
      left.set(name, (left.get(name) ?? 0) + 1)
    for (const [name, count] of left) left.set(name, randomInteger(random, 0, count + 1))
    return this.#after(
      this.#steps.filter(({ directories }) => {
        const isKept = directories.every((name) => (left.get(name) ?? 0) > 0)
        for (const name of directories) left.set(name, isKept ? (left.get(name) ?? 0) - 1 : 0)
        return isKept
      }),
    )
  }

  /** Every legal choice of steps from the one at `index` on; nothing more survives in `ended` directories. */
  *#survivals(index: number, ended: ReadonlySet<string>): Generator<readonly Step<Entry>[]> {
    const step = this.#steps[index]
    if (step === undefined) {
      yield []
      return
    }
    const isPossible = step.directories.every((name) => !ended.has(name))
    if (isPossible) for (const rest of this.#survivals(index + 1, ended)) yield [step, ...rest]
    yield* this.#survivals(index + 1, new Set([...ended, ...step.directories]))
  }

  #after(steps: readonly Step<Entry>[]): ReadonlyMap<string, Entry> {
    const names = new Map(this.least)
    for (const step of steps) apply(names, step)
    return names
  }
}

function describe<Entry>(names: ReadonlyMap<string, Entry>, numbers: Map<Entry, number>): string {
  const parts = [...names].map(([path, entry]) => {
    const number = numbers.get(entry) ?? numbers.size
    numbers.set(entry, number)
    return `${path}:${number}`
  })
  return parts.sort().join('\n')
}

function apply<Entry>(names: Map<string, Entry>, step: Step<Entry>): void {
  for (const [path, entry] of step.changes) {
    if (entry === undefined) names.delete(path)
    else names.set(path, entry)
  }
}

/** The directory part of a path; empty for a name in the root. */
export function directoryOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}
