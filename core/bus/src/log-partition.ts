import { errorText } from '@millrace/kernel'
import type { Log, LogRecord } from '@millrace/log'
import type { Message, NewMessage, ReadLimits } from './bus.ts'
import type { KeyScan, PartitionStore, Retention, StoredKey } from './bus-stores.ts'
import { decodeStored, encodeStored, storedIdempotencyKey } from './message-codec.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
/** What one step of a scan for keys reads. */
const SCAN_BYTES_MAX = 4 * 1024 * 1024

/** The retention of a partition while its log is open: the log looks at it every time it applies it. */
export interface LiveRetention {
  ageMsMax?: number
  bytesMax?: number
}

/** A partition on a log of its own: one record a message, one append a publication. */
export class LogPartition implements PartitionStore {
  readonly #topic: string
  readonly #partition: number
  readonly #log: Log
  readonly #retention: LiveRetention
  readonly probe: () => Promise<void>

  /** `retention` must be the object that the log was opened with. */
  constructor(
    topic: string,
    partition: number,
    log: Log,
    retention: LiveRetention,
    probe: () => Promise<void>,
  ) {
    this.#topic = topic
    this.#partition = partition
    this.#log = log
    this.#retention = retention
    this.probe = probe
  }

  get startOffset(): number {
    return this.#log.startOffset
  }

  get endOffset(): number {
    return this.#log.endOffset
  }

  get bytes(): number {
    return this.#log.bytes
  }

  get damage(): string | undefined {
    const { gaps } = this.#log
    if (gaps.length === 0) return undefined
    return gaps
      .map(({ from, to, reason }) => `offsets ${from} up to, not including, ${to} are lost: ${reason}`)
      .join('; ')
  }

  async append(messages: readonly NewMessage[], timestampMs: number): Promise<number> {
    const records = messages.map((message) => ({
      timestampMs,
      ...(message.key === undefined ? {} : { key: encoder.encode(message.key) }),
      value: encodeStored(message),
    }))
    const { baseOffset } = await this.#log.append(records)
    return baseOffset
  }

  async read(offset: number, limits: Required<ReadLimits>): Promise<readonly Message[]> {
    const records = await this.#log.read(offset, limits)
    return records.map((record) => this.#toMessage(record))
  }

  async scanKeys(from: number, to: number): Promise<KeyScan> {
    const keys: StoredKey[] = []
    let oldestMs: number | undefined
    for (let next = from; next < to; ) {
      const records = await this.#log.read(next, { countMax: to - next, bytesMax: SCAN_BYTES_MAX })
      for (const { offset, timestampMs, value } of records) {
        oldestMs ??= timestampMs
        const idempotencyKey = readIdempotencyKey(value)
        if (idempotencyKey !== undefined) keys.push({ idempotencyKey, offset, timestampMs })
      }
      // None left: the rest was lost.
      next = (records.at(-1)?.offset ?? to) + 1
    }
    return { keys, oldestMs }
  }

  async setRetention({ ageMsMax, bytesMax }: Retention): Promise<void> {
    delete this.#retention.ageMsMax
    delete this.#retention.bytesMax
    Object.assign(
      this.#retention,
      ageMsMax === undefined ? {} : { ageMsMax },
      bytesMax === undefined ? {} : { bytesMax },
    )
  }

  async applyRetention(): Promise<void> {
    await this.#log.applyRetention()
  }

  close(): Promise<void> {
    return this.#log.close()
  }

  #toMessage({ offset, timestampMs, key, value }: LogRecord): Message {
    const place = { topic: this.#topic, partition: this.#partition, offset, timestampMs }
    const text = key === undefined ? undefined : decoder.decode(key)
    try {
      const stored = decodeStored(value)
      return { ...place, key: text, headers: stored.headers, value: stored.value }
    } catch (error) {
      // One record that cannot be decoded must not stop its partition: whoever handles it will put it aside.
      return { ...place, key: text, headers: { mr_undecodable: errorText(error) }, value }
    }
  }
}

function readIdempotencyKey(value: Uint8Array): string | undefined {
  try {
    return storedIdempotencyKey(value)
  } catch {
    return undefined
  }
}
