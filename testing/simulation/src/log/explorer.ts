import { type Random, randomInteger } from '@millrace/kernel'
import type { LogRecord } from '@millrace/log'
import type { MemoryFiles } from '@millrace/memory'
import { chance, oneOf } from '../seed-streams.ts'
import type { Damage } from './circumstances.ts'
import { appendAfter, type Inspected, inspect, LOG_DIRECTORY, type LogSettings } from './inspection.ts'
import type { Fact, Knowledge } from './knowledge.ts'
import { type Moment, MomentWatch } from './moment-watch.ts'
import { fail } from './violation.ts'

/** States that are looked at for each moment; all of them if there are not more. */
const STATES_PER_MOMENT = 4
/** Crashes in a row after which a chain ends. */
const DEPTH_MAX = 3

/** What is done to a survivor before it is looked at. */
type Treatment = 'none' | 'damaged' | 'full' | 'faulty' | 'crashes again'

/** Opens what crashes have left, compares it with what is known, and lets it crash again. */
export class Explorer {
  points = 0
  moments = 0
  /** The point that is being looked at, or was the last; 0 if none is. */
  point = 0
  where: string | undefined
  readonly #settings: LogSettings
  readonly #random: Random
  readonly #note: (line: string) => void

  constructor(settings: LogSettings, random: Random, note: (line: string) => void) {
    this.#settings = settings
    this.#random = random
    this.#note = note
  }

  /** Looks at some of what a crash at this moment can leave. */
  async explore(moment: Moment, knowledge: Knowledge): Promise<void> {
    this.moments += 1
    for (const disk of moment.states.sample(STATES_PER_MOMENT, this.#random))
      await this.#visit(disk, knowledge, `power cut ${moment.label}`, false, 0)
    if (moment.killed !== undefined)
      await this.#visit(moment.killed, knowledge, `kill ${moment.label}`, true, 0)
    this.point = 0
    this.where = undefined
  }

  async #visit(
    disk: MemoryFiles,
    knowledge: Knowledge,
    where: string,
    isWarm: boolean,
    depth: number,
  ): Promise<void> {
    this.points += 1
    this.point = this.points
    const treatment = this.#drawTreatment(depth)
    this.where = treatment === 'none' ? where : `${where}; ${treatment}`
    switch (treatment) {
      case 'none':
        await appendAfter(await inspect(disk, this.#settings, knowledge, { isWarm }), knowledge)
        return
      case 'damaged':
        return this.#visitDamaged(disk, knowledge, isWarm)
      case 'full':
        return this.#visitFull(disk, knowledge, isWarm)
      case 'faulty':
        return this.#visitFaulty(disk, knowledge, isWarm)
      case 'crashes again':
        return this.#crashAgain(disk, knowledge, where, isWarm, depth)
    }
  }

  #drawTreatment(depth: number): Treatment {
    const drawn = this.#random.next()
    if (drawn < 0.07) return 'damaged'
    if (drawn < 0.09) return 'full'
    if (drawn < 0.12) return 'faulty'
    return drawn < 0.25 && depth < DEPTH_MAX ? 'crashes again' : 'none'
  }

  /** Part of a file is not what it was. */
  async #visitDamaged(disk: MemoryFiles, knowledge: Knowledge, isWarm: boolean): Promise<void> {
    const damage = await this.#damage(disk)
    if (damage !== undefined) this.where = `${this.where}: ${damage.what}`
    await appendAfter(await inspect(disk, this.#settings, knowledge, { isWarm, damage }), knowledge)
  }

  async #damage(disk: MemoryFiles): Promise<Damage | undefined> {
    const names = (await disk.list(LOG_DIRECTORY)).filter((name) => /\.seg$|^mark$|^next\.spare$/.test(name))
    const [first, ...rest] = names
    if (first === undefined) return undefined
    const vouchedEnd = Math.max(0, ...names.map((name) => Number.parseInt(name, 10) || 0))
    const path = `${LOG_DIRECTORY}/${oneOf(this.#random, [first, ...rest])}`
    const isMark = path.endsWith('/mark')
    const { length } = disk.contents(path)
    if (length === 0) return undefined
    const position = randomInteger(this.#random, 0, length)
    if (chance(this.#random, 0.15)) {
      const size = chance(this.#random, 0.3) ? 0 : position
      disk.damageSize(path, size)
      return { what: `${path} has ${size} instead of ${length} bytes`, isMark, vouchedEnd, isOnePlace: false }
    }
    const mask = 1 << randomInteger(this.#random, 0, 8)
    disk.flip(path, position, mask)
    return {
      what: `bits ${mask} of byte ${position} of ${path} flipped`,
      isMark,
      vouchedEnd,
      isOnePlace: true,
    }
  }

  /** There is no room for anything: what is there must be readable all the same. */
  async #visitFull(disk: MemoryFiles, knowledge: Knowledge, isWarm: boolean): Promise<void> {
    const names = await disk.list(LOG_DIRECTORY)
    if (names.some((name) => name.endsWith('.seg'))) disk.diskBytesMax = disk.bytes
    const inspected = await inspect(disk, this.#settings, knowledge, { isWarm })
    disk.diskBytesMax = Number.POSITIVE_INFINITY
    await appendAfter(inspected, knowledge)
  }

  /** The disk refuses a call while the log is opened: nothing may be concluded from that. */
  async #visitFaulty(disk: MemoryFiles, knowledge: Knowledge, isWarm: boolean): Promise<void> {
    const operation = oneOf(this.#random, [
      'read',
      'open',
      'list',
      'write',
      'sync',
      'syncDirectory',
      'rename',
    ] as const)
    const after = randomInteger(this.#random, 0, 6)
    this.where = `${this.where}: ${operation} fails after ${after}`
    disk.failNext(operation, 'EIO', { after })
    const first = await inspect(disk, this.#settings, knowledge, { isWarm }).catch(() => undefined)
    // What waits has come now, or would hit somebody else.
    const next = disk.afterKill()
    if (first !== undefined) await first.log.close().catch(() => undefined)
    await appendAfter(await inspect(next, this.#settings, knowledge, { isWarm }), knowledge)
  }

  /** The power fails once more while the log is opened, or soon after. */
  async #crashAgain(
    disk: MemoryFiles,
    knowledge: Knowledge,
    where: string,
    isWarm: boolean,
    depth: number,
  ): Promise<void> {
    const facts: Fact[] = []
    const watch = new MomentWatch(
      disk,
      () => facts.length,
      () => chance(this.#random, 0.2),
    )
    const inspected = await inspect(disk, this.#settings, knowledge, { isWarm })
    facts.push(...whatWasSeen(inspected))
    if (chance(this.#random, 0.3)) {
      facts.push({ kind: 'clock', nowMs: inspected.runtime.clock.now() + 1500 })
      await inspected.runtime.advance(1500)
    }
    facts.push(await appendAfter(inspected, knowledge))
    if (knowledge.policy.isCompacted && chance(this.#random, 0.4)) await inspected.log.compact()
    if (chance(this.#random, 0.2)) {
      await inspected.log.close()
      facts.push({ kind: 'closed' })
    }
    const moments = watch.take()
    watch.stop()
    const own = knowledge.copy()
    own.learn({ kind: 'crashed', isWarm })
    let learnt = 0
    for (const moment of this.#some(moments)) {
      for (; learnt < moment.facts; learnt += 1) {
        const wrong = own.learn(facts[learnt] as Fact)
        if (wrong !== undefined) fail(wrong)
      }
      const again = `${where}; then power cut ${moment.label}`
      for (const next of moment.states.sample(2, this.#random))
        await this.#visit(next, own, again, false, depth + 1)
      if (moment.killed !== undefined)
        await this.#visit(moment.killed, own, `${where}; then kill ${moment.label}`, true, depth + 1)
    }
  }

  /** Three of them, in their order. */
  #some(moments: readonly Moment[]): readonly Moment[] {
    const share = 3 / Math.max(3, moments.length)
    return moments.filter(() => chance(this.#random, share))
  }

  /** For whoever replays a seed. */
  note(line: string): void {
    this.#note(line)
  }
}

function whatWasSeen({ log, records, numbers }: Inspected): Fact[] {
  return records.map((record: LogRecord, index) => ({
    kind: 'seen',
    offset: record.offset,
    number: numbers[index] ?? -1,
    isDurable: record.offset < log.durableOffset,
  }))
}
