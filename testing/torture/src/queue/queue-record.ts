import type { ItemPlace } from '@millrace/log'
import type { FindingBook } from '../finding.ts'
import { isDigestOf, keyOf, nameText, parseName, type RecordName } from '../log/record-name.ts'
import { PUT_ITEMS_MAX, PUTS_UNDER_WAY_MAX } from './queue-plan.ts'
import type { QueueReport, TakenItem } from './queue-report.ts'

interface KnownItem extends ItemPlace {
  readonly name: string
  readonly key: string | undefined
  readonly isAcknowledged: boolean
}

/**
 * What is known outside of one item and one consumer: `waiting` to come, or to come again; `taken`, in this life; `in
 * doubt`, since its acknowledgement was under way when its process died; `done`.
 */
type Standing = 'waiting' | 'taken' | 'in doubt' | 'done'

/** Kept outside of the processes that are killed: what was put, handed out, and acknowledged. */
export class QueueRecord {
  readonly #findings: FindingBook
  readonly #items = new Map<string, KnownItem>()
  /** Of each lane and key, the places of its items, in the order in which they were put. */
  readonly #keys = new Map<string, number[]>()
  readonly #standings = new Map<string, Map<string, Standing>>()
  readonly #progress = new Map<string, number>()
  #life = 0
  #put = 0
  #taken = 0
  #acknowledged = 0

  constructor(findings: FindingBook, consumers: readonly string[]) {
    this.#findings = findings
    for (const consumer of consumers) this.#standings.set(consumer, new Map())
  }

  get counts() {
    return { put: this.#put, taken: this.#taken, acknowledged: this.#acknowledged }
  }

  /** Takes the reports of a life, in their order. */
  learn(life: number, reports: readonly QueueReport[]): void {
    this.#life = life
    // What was known of several lanes at once is sorted in first: nobody waits for a put before its items are handed out.
    for (const report of reports) if (report.kind === 'put') this.#notePut(report)
    for (const report of reports) if (report.kind === 'taken') this.#noteItems(report.items)
    for (const report of reports) this.#follow(report)
    for (const standings of this.#standings.values())
      for (const [place, standing] of standings) if (standing === 'taken') standings.set(place, 'waiting')
  }

  /** Everything that was put must have been handed out and acknowledged by now. */
  checkEmptied(): void {
    for (const [consumer, standings] of this.#standings) {
      for (const [place, { name, isAcknowledged }] of this.#items) {
        if (isAcknowledged && standings.get(place) === undefined)
          this.#say('what was put comes to every consumer', `${consumer} never got ${name} at ${place}`)
        if (standings.get(place) === 'waiting')
          this.#say('what is not done comes again', `${consumer} never got ${name} at ${place} again`)
      }
    }
  }

  #follow(report: QueueReport): void {
    switch (report.kind) {
      case 'failed':
        this.#say('nothing is refused or thrown', report.what)
        break
      case 'taken':
        for (const item of report.items) this.#take(report.consumer, item)
        break
      case 'acknowledging':
        this.#set(report.consumer, report.places, 'in doubt')
        break
      case 'acknowledged':
        this.#acknowledged += report.places.length
        this.#set(report.consumer, report.places, 'done')
        break
      case 'returned':
        this.#set(report.consumer, report.places, 'waiting')
        break
      case 'emptied':
        for (const complaint of report.complaints) this.#say('an emptied queue is empty', complaint)
        break
      case 'opened':
      case 'put':
      case 'closing':
      case 'closed':
        break
      default:
        report satisfies never
    }
  }

  #notePut({ lane, offsets, name }: QueueReport & { kind: 'put' }): void {
    const first = parseName(name)
    if (first === undefined) {
      this.#say('nothing is refused or thrown', `no name: ${name}`)
      return
    }
    offsets.forEach((offset, index) => {
      const item = { ...first, number: first.first + index }
      this.#know({ lane, offset, name: nameText(item), key: keyOf(item), isAcknowledged: true })
      this.#note(item)
      this.#put += 1
    })
  }

  #noteItems(items: readonly TakenItem[]): void {
    for (const { lane, offset, name, digest, key } of items) {
      if (!isDigestOf(digest, name)) this.#say('every byte is as it was put', `${name} at ${lane} ${offset}`)
      const item = parseName(name)
      if (item === undefined) continue
      const reachable = (this.#progress.get(producerOf(item)) ?? -1) + PUT_ITEMS_MAX * PUTS_UNDER_WAY_MAX
      if (item.life > this.#life || item.number > reachable)
        this.#say('nothing is invented', `${name} at ${lane} ${offset}`)
      if (key !== keyOf(item)) this.#say('every byte is as it was put', `the key of ${name} is ${key}`)
      const before = this.#items.get(placeOf({ lane, offset }))
      if (before === undefined) this.#know({ lane, offset, name, key, isAcknowledged: false })
      else if (before.name !== name)
        this.#say('a place keeps its item', `${lane} ${offset}: ${before.name}, then ${name}`)
      this.#note(item)
    }
  }

  #know(item: KnownItem): void {
    const place = placeOf(item)
    const before = this.#items.get(place)
    if (before !== undefined && (before.isAcknowledged || before.name !== item.name))
      this.#say('a place is used once', `${place}: ${before.name}, then ${item.name}`)
    this.#items.set(place, item)
    if (item.key === undefined || before !== undefined) return
    const key = `${item.lane}/${item.key}`
    const offsets = this.#keys.get(key) ?? []
    offsets.push(item.offset)
    this.#keys.set(key, offsets)
  }

  #take(consumer: string, { lane, offset, key, name }: TakenItem): void {
    this.#taken += 1
    const standings = this.#standings.get(consumer)
    const place = placeOf({ lane, offset })
    const standing = standings?.get(place)
    if (standing === 'done')
      this.#say('what was acknowledged never comes again', `${consumer} got ${name} at ${place} again`)
    if (standing === 'taken')
      this.#say('an item is with one at a time', `${consumer} got ${name} at ${place} twice in one life`)
    standings?.set(place, 'taken')
    if (key === undefined) return
    const open = this.#keys.get(`${lane}/${key}`)?.find((earlier) => {
      const earlierStanding = standings?.get(placeOf({ lane, offset: earlier })) ?? 'waiting'
      return earlier < offset && (earlierStanding === 'waiting' || earlierStanding === 'taken')
    })
    if (open !== undefined)
      this.#say(
        'items with one key come in order',
        `${consumer} got ${name} at ${place} before ${open} was done`,
      )
  }

  #set(consumer: string, places: readonly ItemPlace[], standing: Standing): void {
    for (const place of places) this.#standings.get(consumer)?.set(placeOf(place), standing)
  }

  #note(item: RecordName): void {
    const producer = producerOf(item)
    this.#progress.set(producer, Math.max(this.#progress.get(producer) ?? -1, item.number))
  }

  #say(promise: string, example: string): void {
    this.#findings.add(promise, `in life ${this.#life}: ${example}`)
  }
}

function placeOf({ lane, offset }: ItemPlace): string {
  return `${lane} ${offset}`
}

function producerOf({ life, producer }: RecordName): string {
  return `${life}.${producer}`
}
