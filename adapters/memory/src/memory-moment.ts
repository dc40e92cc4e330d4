import { type Random, randomInteger } from '@millrace/kernel'
import type { Contents } from './memory-contents.ts'

/** What a disk writes as a whole or not at all. */
export const SECTOR_BYTES = 512

/** One change of a file that is not known to be on the disk. */
export interface Change {
  readonly sequence: number
  readonly firstSector: number
  /** Whole sectors, as they were after the change; empty if only the size was changed. */
  readonly bytes: Uint8Array
  /** Size of the file after the change. */
  readonly size: number
  /** False if a later sync has said which other size the file has. */
  readonly isSizePossible: boolean
  /** The file was cut, from within the first sector on: what was behind comes back in no way. */
  readonly isShrink: boolean
  /** A sync of it has failed, and no later one writes it. */
  readonly isDropped: boolean
  /** Sectors that were made durable later, with other contents. */
  readonly gone: ReadonlySet<number>
}

/** Contents that chance has chosen, and what was chosen: the empty text if that is what was synced. */
export interface DrawnContents {
  readonly contents: Contents
  readonly choice: string
}

/** What may stand in one sector: all different, what is durable first. */
interface SectorChoice {
  readonly position: number
  readonly versions: readonly Uint8Array[]
}

/** A size that the file may have, and with it any of these. */
interface SizeChoice {
  readonly base: Contents
  readonly sectors: readonly SectorChoice[]
}

/**
 * What a power cut can leave of one file: any size that it had since the last sync, and for each 512-byte sector that
 * was written any of the contents that it had since. Where the file was cut, and the cut survives, nothing from before
 * comes back.
 */
export class FileMoment {
  readonly #durable: Contents
  readonly #changes: readonly Change[]
  #sizes: readonly SizeChoice[] | undefined

  /** Neither argument is changed any more. */
  constructor(durable: Contents, changes: readonly Change[]) {
    this.#durable = durable
    this.#changes = changes
  }

  /** True if there is only one outcome. */
  get isCertain(): boolean {
    return this.#changes.length === 0
  }

  /** Only what was synced. */
  least(): Contents {
    return this.#durable.copy()
  }

  /** How many different contents there can be. */
  get count(): number {
    if (this.isCertain) return 1
    if (this.#hasTwins()) return [...this.states()].length
    return this.#choices().reduce((sum, { sectors }) => sum + countOf(sectors), 0)
  }

  /** Every contents that there can be, each once. */
  *states(): Generator<Contents> {
    if (this.isCertain) {
      yield this.least()
      return
    }
    const seen = this.#hasTwins() ? new Set<string>() : undefined
    for (const { base, sectors } of this.#choices()) {
      for (const chosen of combinations(sectors)) {
        const state = assemble(base, sectors, chosen)
        if (seen === undefined || isNew(seen, state)) yield state
      }
    }
  }

  /** One of them: everything lost, everything written, or any mixture. */
  random(random: Random): DrawnContents {
    if (this.isCertain) return { contents: this.least(), choice: '' }
    const choices = this.#choices()
    const index = randomInteger(random, 0, choices.length)
    const { base, sectors } = choices[index] ?? { base: this.#durable, sectors: [] }
    const keptShare = [0, 0.1, 0.5, 0.9, 1][randomInteger(random, 0, 5)] ?? 0
    const chosen = sectors.map(({ versions }) => {
      if (random.next() >= keptShare) return 0
      return random.next() < 0.7 ? versions.length - 1 : randomInteger(random, 0, versions.length)
    })
    const isLeast = index === 0 && chosen.every((version) => version === 0)
    return { contents: assemble(base, sectors, chosen), choice: isLeast ? '' : `${index}:${chosen.join()}` }
  }

  #choices(): readonly SizeChoice[] {
    this.#sizes ??= sizeChoices(this.#durable, this.#changes)
    return this.#sizes
  }

  /** True if two choices have the same size, so that they may lead to the same contents. */
  #hasTwins(): boolean {
    const choices = this.#choices()
    return new Set(choices.map(({ base }) => base.size)).size < choices.length
  }
}

function sizeChoices(durable: Contents, changes: readonly Change[]): readonly SizeChoice[] {
  const sizes = [durable.size, ...changes.map(({ size, isSizePossible }) => (isSizePossible ? size : -1))]
  const eras = erasOf(changes)
  const seen = new Set<string>()
  const choices: SizeChoice[] = []
  sizes.forEach((size, index) => {
    // Without a cut in between, the same size again means the same choice again.
    const era = `${size} ${eras[index]}`
    if (size < 0 || seen.has(era)) return
    seen.add(era)
    choices.push(choiceFor(durable, changes, index, size))
  })
  return choices
}

/** How often the file had been cut: before the first change, and after each. */
function erasOf(changes: readonly Change[]): readonly number[] {
  let cuts = 0
  return [0, ...changes.map(({ isShrink }) => (isShrink ? ++cuts : cuts))]
}

/** What there can be if, of all changes of the size, the first `count` have survived. */
function choiceFor(durable: Contents, changes: readonly Change[], count: number, size: number): SizeChoice {
  const base = durable.copy()
  for (const { isShrink, size: cutTo } of changes.slice(0, count))
    if (isShrink && cutTo < base.size) base.resize(cutTo)
  base.resize(size)
  const versions = new Map<number, Uint8Array[]>()
  let limit = Number.POSITIVE_INFINITY
  changes.forEach((change, index) => {
    const { isShrink, firstSector } = change
    // What was there before a cut that survived is gone, and what came behind one that did not is not there yet.
    if (isShrink && index >= count) limit = Math.min(limit, firstSector)
    else if (isShrink)
      for (const sector of versions.keys()) if (sector >= firstSector) versions.delete(sector)
    collectVersions(versions, change, limit)
  })
  return { base, sectors: [...versions].flatMap(([sector, all]) => choiceOf(base, sector, all)) }
}

function collectVersions(versions: Map<number, Uint8Array[]>, change: Change, limit: number): void {
  const count = change.bytes.length / SECTOR_BYTES
  for (let index = 0; index < count; index += 1) {
    const sector = change.firstSector + index
    if (sector >= limit || change.gone.has(sector)) continue
    const bytes = change.bytes.subarray(index * SECTOR_BYTES, (index + 1) * SECTOR_BYTES)
    const known = versions.get(sector)
    if (known === undefined) versions.set(sector, [bytes])
    else known.push(bytes)
  }
}

/** The choice of one sector; none if it is behind the end, or always the same. */
function choiceOf(base: Contents, sector: number, all: readonly Uint8Array[]): readonly SectorChoice[] {
  const position = sector * SECTOR_BYTES
  const length = Math.min(SECTOR_BYTES, base.size - position)
  if (length <= 0) return []
  const versions = [base.slice(position, length)]
  for (const bytes of all) {
    const version = bytes.subarray(0, length)
    if (!versions.some((other) => isEqual(other, version))) versions.push(version)
  }
  return versions.length === 1 ? [] : [{ position, versions }]
}

function countOf(sectors: readonly SectorChoice[]): number {
  return sectors.reduce((product, { versions }) => product * versions.length, 1)
}

/** Every way to choose one version of each sector, as indexes; the array is the same each time. */
function* combinations(sectors: readonly SectorChoice[]): Generator<readonly number[]> {
  const chosen = sectors.map(() => 0)
  for (;;) {
    yield chosen
    let index = 0
    for (; index < chosen.length; index += 1) {
      const next = (chosen[index] ?? 0) + 1
      chosen[index] = next < (sectors[index]?.versions.length ?? 0) ? next : 0
      if (chosen[index] !== 0) break
    }
    if (index === chosen.length) return
  }
}

function assemble(base: Contents, sectors: readonly SectorChoice[], chosen: readonly number[]): Contents {
  const contents = base.copy()
  sectors.forEach(({ position, versions }, index) => {
    const version = versions[chosen[index] ?? 0]
    if (version !== undefined && chosen[index] !== 0) contents.write(position, version)
  })
  return contents
}

function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  for (let index = 0; index < left.length; index += 1) if (left[index] !== right[index]) return false
  return true
}

function isNew(seen: Set<string>, contents: Contents): boolean {
  const text = contents.slice(0, contents.size).join()
  if (seen.has(text)) return false
  seen.add(text)
  return true
}
