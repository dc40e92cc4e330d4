import type { Random } from '@millrace/kernel'
import type { Contents } from './memory-contents.ts'
import { MemoryInode } from './memory-inode.ts'
import type { FileMoment } from './memory-moment.ts'
import { MemoryNames, type NamesMoment } from './memory-names.ts'

/** The names and files of a disk on which everything is durable. */
type Names = MemoryNames<MemoryInode>

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
    let count = 0
    for (const names of this.#names.states()) {
      let product = 1
      for (const inode of new Set(names.values())) product *= this.#momentOf(inode).count
      count += product
    }
    return count
  }

  /** What was synced, and nothing else. */
  least(): Names {
    return this.#assemble(this.#names.least, (moment) => moment.least())
  }

  random(random: Random): Names {
    return this.#assemble(this.#names.random(random), (moment) => moment.random(random))
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
