import { hash } from 'node:crypto'
import type { LogRecord, NewRecord } from '@millrace/log'
import type { LifeReport } from './life-report.ts'

/** Names a record in the whole torture: who wrote it, its number there, and the append that it belongs to. */
export interface RecordName {
  /** Which life of the log wrote it; the first is 0. */
  readonly life: number
  readonly producer: number
  /** Counts the records of this producer in this life, from 0. */
  readonly number: number
  /** The numbers of its append: `count` from `first` on. */
  readonly first: number
  readonly count: number
}

const NAME = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.(\d+)\|/
const DIGEST_CHARACTERS = 16
/** Keys of a log that is compacted; few, so that most records have a later one. */
const KEYS = 12
const encoder = new TextEncoder()
const decoder = new TextDecoder('latin1')

export function nameText({ life, producer, number, first, count }: RecordName): string {
  return `${life}.${producer}.${number}.${first}.${count}`
}

/** The name that a value, or its text, begins with; undefined if nobody here wrote it. */
export function parseName(value: string | Uint8Array): RecordName | undefined {
  const text = typeof value === 'string' ? `${value}|` : decoder.decode(value.subarray(0, 64))
  const match = NAME.exec(text)
  if (match === null) return undefined
  const [life = 0, producer = 0, number = 0, first = 0, count = 0] = match.slice(1).map(Number)
  return { life, producer, number, first, count }
}

/** The key of a record of a log that is compacted; some records have none. */
export function keyOf({ life, producer, number }: RecordName): string | undefined {
  const mixed = life * 7 + producer * 5 + number * 3
  return mixed % 6 === 0 ? undefined : `k${mixed % KEYS}`
}

/** True for a record of a log that is compacted which removes its key; it has no value, and so cannot say its name. */
export function isTombstone(name: RecordName): boolean {
  return name.number % 11 === 3 && keyOf(name) !== undefined
}

/**
 * The whole value of a record, which its name determines: so the world outside knows every byte without having been
 * told. Most are small, some have about a thousand bytes.
 */
export function recordValue(name: RecordName): Uint8Array {
  const head = encoder.encode(`${nameText(name)}|`)
  let state = (name.life * 7919 + name.producer * 104_729 + name.number * 1_299_709 + 1) >>> 0
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 16
  }
  next()
  const filling = next() % 8 === 0 ? 600 + (next() % 700) : next() % 200
  const value = new Uint8Array(head.length + filling)
  value.set(head)
  for (let index = head.length; index < value.length; index += 1) value[index] = next() & 0xff
  return value
}

/** The record of a name, with its key if the log `isKeyed`. */
export function recordOf(name: RecordName, isKeyed: boolean): NewRecord {
  const key = isKeyed ? keyOf(name) : undefined
  if (key === undefined) return { value: recordValue(name) }
  return { key: encoder.encode(key), value: isTombstone(name) ? new Uint8Array() : recordValue(name) }
}

/** How a record is told of that was read: by its name, or by the key that it removes. */
export function toldName(name: RecordName, isKeyed: boolean): string {
  return isKeyed && isTombstone(name) ? `-${keyOf(name)}` : nameText(name)
}

/** The report of a record that was read. */
export function recordReport({ offset, key, value }: LogRecord): LifeReport {
  const name = parseName(value)
  const text = name === undefined ? 'nobody wrote it' : nameText(name)
  const isRemoval = value.length === 0 && key !== undefined
  return {
    kind: 'record',
    offset,
    name: isRemoval ? `-${decoder.decode(key)}` : text,
    digest: digestOf(value),
  }
}

/** A short digest of a value. */
export function digestOf(value: Uint8Array): string {
  return hash('sha256', value, 'hex').slice(0, DIGEST_CHARACTERS)
}

/** True if `digest` is that of the value which belongs to a told name. */
export function isDigestOf(digest: string, told: string): boolean {
  if (told.startsWith('-')) return digest === digestOf(new Uint8Array())
  const name = parseName(told)
  return name !== undefined && digest === digestOf(recordValue(name))
}
