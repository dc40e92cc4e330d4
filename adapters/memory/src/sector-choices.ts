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

/** What may stand in one sector: all different, what is durable first. */
export interface SectorChoice {
  readonly position: number
  readonly versions: readonly Uint8Array[]
}

/** A size that the file may have, and with it any of these. */
export interface SizeChoice {
  readonly base: Contents
  readonly sectors: readonly SectorChoice[]
}

/** Every choice of the size, and with it of the sectors, for changes that are not known to be on the disk. */
export function sizeChoices(durable: Contents, changes: readonly Change[]): readonly SizeChoice[] {
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

/**
 * How many different contents choices of the same size lead to: by inclusion and exclusion, since any number of them
 * may have contents in common. There are few, one more for each time the file was cut.
 */
export function countOf(choices: readonly SizeChoice[]): number {
  const [first, ...others] = choices
  if (first === undefined) return 0
  if (others.length === 0)
    return first.sectors.reduce((product, { versions }) => product * versions.length, 1)
  let count = 0
  for (let subset = 1; subset < 2 ** choices.length; subset += 1) {
    const chosen = choices.filter((_, index) => (subset >> index) & 1)
    count += (chosen.length % 2 === 1 ? 1 : -1) * countCommon(chosen)
  }
  return count
}

/** How many contents all of these have in common. */
function countCommon([first, ...others]: readonly SizeChoice[]): number {
  if (first === undefined) return 0
  let count = 1
  for (let position = 0; position < first.base.size; position += SECTOR_BYTES) {
    const common = versionsAt(first, position).filter((version) =>
      others.every((other) => versionsAt(other, position).some((candidate) => isEqual(candidate, version))),
    )
    count *= common.length
  }
  return count
}

/** True if `choice`, which has the same size, can lead to these contents. */
export function isAmong(choice: SizeChoice, contents: Contents): boolean {
  for (let position = 0; position < contents.size; position += SECTOR_BYTES) {
    const versions = versionsAt(choice, position)
    const sector = contents.slice(position, versions[0]?.length ?? 0)
    if (!versions.some((version) => isEqual(version, sector))) return false
  }
  return true
}

function versionsAt({ base, sectors }: SizeChoice, position: number): readonly Uint8Array[] {
  const known = sectors.find((sector) => sector.position === position)
  return known?.versions ?? [base.slice(position, Math.min(SECTOR_BYTES, base.size - position))]
}

/** Every way to choose one version of each sector, as indexes; the array is the same each time. */
export function* combinations(sectors: readonly SectorChoice[]): Generator<readonly number[]> {
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

/** The contents of one choice of versions. */
export function assemble({ base, sectors }: SizeChoice, chosen: readonly number[]): Contents {
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
