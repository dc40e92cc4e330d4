import type { FindingBook } from '../finding.ts'
import { chainsOf } from './fold-chain.ts'
import type { FoundEvent, FoundFold, FoundStream, StoreReport, UnitName } from './store-report.ts'

/** What is known outside of a unit: it is there, it is not, or nobody knows until somebody has looked. */
type Standing = 'there' | 'absent' | 'in doubt'

interface KnownUnit extends UnitName {
  standing: Standing
}

/** Kept outside of the processes that are killed: which units were saved, and what of them was found. */
export class StoreRecord {
  readonly #findings: FindingBook
  readonly #units = new Map<string, KnownUnit>()
  #life = 0
  #saved = 0
  #decided = 0

  constructor(findings: FindingBook) {
    this.#findings = findings
  }

  get counts() {
    return { units: this.#units.size, saved: this.#saved, decided: this.#decided }
  }

  /** Takes the reports of a life, in their order. */
  learn(life: number, reports: readonly StoreReport[]): void {
    this.#life = life
    const isComplete = reports.some(({ kind }) => kind === 'complete')
    for (const report of reports) this.#follow(report, isComplete)
  }

  #follow(report: StoreReport, isComplete: boolean): void {
    switch (report.kind) {
      case 'saving':
        this.#units.set(report.unit, { ...report, standing: 'in doubt' })
        break
      case 'saved':
        this.#saved += 1
        this.#set(report.unit, 'there')
        break
      case 'refused':
        this.#set(report.unit, 'absent')
        break
      case 'found':
        this.#compare(report, isComplete)
        break
      case 'failed':
        this.#say('nothing is refused or thrown', report.what)
        break
      default:
    }
  }

  #set(unit: string, standing: Standing): void {
    const known = this.#units.get(unit)
    if (known !== undefined) known.standing = standing
  }

  #compare(found: FoundStream, isComplete: boolean): void {
    const { stream, events } = found
    const inStream = this.#unitsIn(stream, events)
    for (const unit of this.#units.values()) {
      if (unit.stream === stream) this.#compareUnit(unit, found, inStream.has(unit.unit))
    }
    for (const unit of [...inStream, ...Object.keys(found.documents), ...Object.keys(found.rows)]) {
      if (!this.#units.has(unit)) this.#say('nothing is there that nobody wrote', `${unit} in ${stream}`)
    }
    if (found.counter !== events.length) {
      this.#say('a patch counts once', `${stream}: ${found.counter} by patches, ${events.length} events`)
    }
    this.#compareFold('an inline projection', stream, events, found.inline, true)
    this.#compareFold('a background projection', stream, events, found.background, isComplete)
    this.#comparePublished(stream, events, found.published, isComplete)
  }

  /** The units whose events are in the stream, each whole and in one piece. */
  #unitsIn(stream: string, events: readonly FoundEvent[]): Set<string> {
    const units = new Set<string>()
    for (let at = 0; at < events.length; ) {
      const [unit = ''] = events[at] ?? []
      const count = this.#units.get(unit)?.events ?? 1
      const isWhole = events
        .slice(at, at + count)
        .every(([name, index], position) => name === unit && index === position)
      if (!isWhole || units.has(unit) || at + count > events.length) {
        this.#say('a unit is whole or not there', `the events of ${unit} in ${stream} at version ${at + 1}`)
      }
      units.add(unit)
      at += count
    }
    return units
  }

  #compareUnit(known: KnownUnit, found: FoundStream, isInStream: boolean): void {
    const { unit, events, standing } = known
    const parts = [isInStream, found.documents[unit] === events, found.rows[unit] === events]
    const isThere = parts.every(Boolean)
    if (!isThere && parts.some(Boolean)) {
      this.#say(
        'a unit is whole or not there',
        `${unit}: events, document, row are there: ${parts.join(', ')}`,
      )
    }
    if (standing === 'there' && !isThere) this.#say('what was saved stays', `${unit} in ${known.stream}`)
    if (standing === 'absent' && isThere) this.#say('what was refused or gone stays away', unit)
    if (standing !== 'in doubt') return
    this.#decided += 1
    known.standing = isThere ? 'there' : 'absent'
  }

  /** The fold of the first events, or of all of them. */
  #compareFold(
    who: string,
    stream: string,
    events: readonly FoundEvent[],
    fold: FoundFold,
    isWhole: boolean,
  ): void {
    const chain = chainsOf(events)[fold.events]
    if (chain !== fold.chain)
      this.#say(`${who} sees each event once and in order`, `${stream} at ${fold.events} events`)
    if (isWhole && fold.events !== events.length)
      this.#say(`${who} is complete`, `${stream}: ${fold.events} of ${events.length} events`)
  }

  #comparePublished(
    stream: string,
    events: readonly FoundEvent[],
    published: readonly FoundEvent[],
    isWhole: boolean,
  ): void {
    const isPrefix = published.every(
      ([unit, index], at) => events[at]?.[0] === unit && events[at]?.[1] === index,
    )
    if (!isPrefix) this.#say('the relay publishes in order, and nothing else', stream)
    if (isWhole && published.length !== events.length)
      this.#say('the relay publishes everything', `${stream}: ${published.length} of ${events.length}`)
  }

  #say(promise: string, example: string): void {
    this.#findings.add(promise, `in life ${this.#life}: ${example}`)
  }
}
