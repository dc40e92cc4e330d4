import { hash } from 'node:crypto'

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

/** A short digest of a value. */
export function digestOf(value: Uint8Array): string {
  return hash('sha256', value, 'hex').slice(0, DIGEST_CHARACTERS)
}
