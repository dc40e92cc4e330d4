import type { Random } from '@millrace/kernel'
import type { Contents } from './memory-contents.ts'
import { MemoryInode } from './memory-inode.ts'
import type { FileMoment } from './memory-moment.ts'
import { MemoryNames, type NamesMoment } from './memory-names.ts'

/** The names and files of a disk on which everything is durable. */
type Names = MemoryNames<MemoryInode>

/** An outcome, and what was chosen for it: the same text for the same outcome. */
interface Drawn {
  readonly names: Names
  readonly choice: string
}

/** Draws of which all turned out to be known, after which a sample is as large as it gets. */
const VAIN_DRAWS_MAX = 8

/**
 * Everything that a power cut at one moment can leave. Of each file any size and any 512-byte sectors of what was not
 * synced survive, also an older content of a sector instead of the newest; of each directory the first few changes of
 * names. The moment is kept: the disk that it was taken from goes on.
 */
export class Outcomes {
  readonly #names: NamesMoment<MemoryInode>
  readonly #files = new Map<MemoryInode, FileMoment>()

  constructor(names: NamesMoment<MemoryInode>) {
    this.#names = names
    for (const inode of names.files) this.#files.set(inode, inode.moment)
  }

  /** How many there are. Two are the same if every name is that of the same file with the same contents. */
  get count(): number {
    return this.#countUpTo(Number.POSITIVE_INFINITY)
  }

  /** What was synced, and nothing else. */
  least(): Names {
    return this.#assemble(this.#names.least, (moment) => moment.least())
  }

  random(random: Random): Drawn {
    const names = this.#names.random(random)
    const choices = [this.#names.describe(names)]
    const made = this.#assemble(names, (moment) => {
      const drawn = moment.random(random)
      choices.push(drawn.choice)
      return drawn.contents
    })
    return { names: made, choice: choices.join(';') }
  }

  /** See `CrashStates.sample`. */
  sample(countMax: number, random: Random): readonly Names[] {
    if (this.#countUpTo(countMax) <= countMax) return [...this.all()]
    const least =
      this.#names.describe(this.#names.least) + ';'.repeat(new Set(this.#names.least.values()).size)
    const drawn = new Map([[least, this.least()]])
    for (let vain = 0; drawn.size < countMax && vain < VAIN_DRAWS_MAX; ) {
      const { names, choice } = this.random(random)
      if (drawn.has(choice)) vain += 1
      else drawn.set(choice, names)
    }
    return [...drawn.values()]
  }

  /** How many there are; or more than `limit`. */
  #countUpTo(limit: number): number {
    let count = 0
    for (const names of this.#names.states()) {
      let product = 1
      for (const inode of new Set(names.values())) product *= this.#momentOf(inode).count
      count += product
      if (count > limit) return count
    }
    return count
  }

  /** Every one, once, made when it is asked for. */
  *all(): Generator<Names> {
    for (const names of this.#names.states()) {
      const inodes = [...new Set(names.values())]
      for (const contents of this.#combinations(inodes, 0))
        yield this.#assemble(names, (_, inode) => contents.get(inode)?.copy() ?? inode.moment.least())
    }
  }

  *#combinations(
    inodes: readonly MemoryInode[],
    index: number,
  ): Generator<ReadonlyMap<MemoryInode, Contents>> {
    const inode = inodes[index]
    if (inode === undefined) {
      yield new Map()
      return
    }
    for (const contents of this.#momentOf(inode).states())
      for (const rest of this.#combinations(inodes, index + 1)) yield new Map([...rest, [inode, contents]])
  }

  #momentOf(inode: MemoryInode): FileMoment {
    return this.#files.get(inode) ?? inode.moment
  }

  #assemble(
    names: ReadonlyMap<string, MemoryInode>,
    contentsOf: (moment: FileMoment, inode: MemoryInode) => Contents,
  ): Names {
    const survivors = new Map<MemoryInode, MemoryInode>()
    const left = new Map<string, MemoryInode>()
    for (const [path, inode] of names) {
      const survivor = survivors.get(inode) ?? new MemoryInode(contentsOf(this.#momentOf(inode), inode))
      survivors.set(inode, survivor)
      left.set(path, survivor)
    }
    return MemoryNames.of(this.#names.directories, left)
  }
}
