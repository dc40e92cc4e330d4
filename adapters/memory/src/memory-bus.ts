import {
  type Bus,
  type BusLimits,
  EmbeddedBus,
  type KeyScan,
  type Message,
  type NewMessage,
  type PartitionStore,
  type ReadLimits,
  type Retention,
} from '@millrace/bus'
import type { Runtime } from '@millrace/kernel'
import type { Table, TableEntry } from '@millrace/log'

/** Options of {@link memoryBus}. */
export interface MemoryBusOptions extends Partial<BusLimits> {
  readonly runtime: Runtime
  /** Bytes of one partition; the oldest messages make room, as by retention. Default: 256 MiB. */
  readonly partitionBytesMax?: number
}

const PARTITION_BYTES_MAX_DEFAULT = 256 * 1024 * 1024

/** A bus in memory: every rule of the embedded bus, and nothing outlives it. For tests, and for data that may go. */
export function memoryBus(options: MemoryBusOptions): Bus {
  const { runtime, partitionBytesMax = PARTITION_BYTES_MAX_DEFAULT, ...limits } = options
  const stores = {
    engine: 'memory',
    durable: false,
    openPartition: async (topic: string, partition: number, retention: Retention) =>
      new MemoryPartition(topic, partition, retention, partitionBytesMax),
    topics: memoryTable(),
    positions: memoryTable(),
    delayed: memoryTable(),
  }
  return new EmbeddedBus(stores, runtime, limits)
}

/** Messages by offset; the oldest go when there are too many bytes. */
class MemoryPartition implements PartitionStore {
  readonly #topic: string
  readonly #partition: number
  readonly #bytesMax: number
  #retention: Retention
  /** Messages from `#startOffset - #removed` on; the first `#removed` places are empty until they are cut off. */
  #messages: (Message | undefined)[] = []
  #removed = 0
  #startOffset = 0
  #bytes = 0

  constructor(topic: string, partition: number, retention: Retention, bytesMax: number) {
    this.#topic = topic
    this.#partition = partition
    this.#retention = retention
    this.#bytesMax = bytesMax
  }

  get startOffset(): number {
    return this.#startOffset
  }

  get endOffset(): number {
    return this.#startOffset + this.#messages.length - this.#removed
  }

  get bytes(): number {
    return this.#bytes
  }

  async append(messages: readonly NewMessage[], timestampMs: number): Promise<number> {
    const baseOffset = this.endOffset
    for (const { key, headers, value } of messages) {
      const message: Message = {
        topic: this.#topic,
        partition: this.#partition,
        offset: this.endOffset,
        timestampMs,
        key,
        headers: { ...headers },
        value: value.slice(),
      }
      this.#messages.push(message)
      this.#bytes += bytesOf(message)
    }
    this.#removeWhile(() => this.#bytes > this.#bytesMax)
    return baseOffset
  }

  async read(offset: number, limits: Required<ReadLimits>): Promise<readonly Message[]> {
    const from = offset - this.#startOffset + this.#removed
    let end = from
    for (let bytes = 0; end < this.#messages.length && end - from < limits.countMax; end += 1) {
      bytes += bytesOf(this.#messages[end] as Message)
      if (bytes > limits.bytesMax && end > from) break
    }
    return this.#messages.slice(from, end) as Message[]
  }

  /** None: a new partition in memory is empty. */
  async scanKeys(): Promise<KeyScan> {
    return { keys: [], oldestMs: undefined }
  }

  async setRetention(retention: Retention): Promise<void> {
    this.#retention = retention
  }

  async applyRetention(nowMs: number): Promise<void> {
    const { ageMsMax = Number.POSITIVE_INFINITY, bytesMax = Number.POSITIVE_INFINITY } = this.#retention
    this.#removeWhile((oldest) => this.#bytes > bytesMax || nowMs - oldest.timestampMs > ageMsMax)
  }

  async close(): Promise<void> {
    this.#messages = []
  }

  #removeWhile(tooMuch: (oldest: Message) => boolean): void {
    for (let oldest = this.#messages[this.#removed]; oldest !== undefined && tooMuch(oldest); ) {
      this.#messages[this.#removed] = undefined
      this.#removed += 1
      this.#startOffset += 1
      this.#bytes -= bytesOf(oldest)
      oldest = this.#messages[this.#removed]
    }
    if (this.#removed > 1024 && this.#removed * 2 > this.#messages.length) {
      this.#messages = this.#messages.slice(this.#removed)
      this.#removed = 0
    }
  }
}

/** What a message costs: its value, and a rough share for the rest. */
function bytesOf({ value, key = '' }: Message): number {
  return value.length + key.length + 200
}

function memoryTable(): Table {
  const entries = new Map<string, Uint8Array>()
  return {
    async *load() {
      yield [...entries].map(([key, value]) => ({ key, value }))
    },
    get: async (key) => entries.get(key),
    put: async (changes: readonly TableEntry[]) => {
      for (const { key, value } of changes) {
        if (value === undefined) entries.delete(key)
        else entries.set(key, value)
      }
    },
    close: async () => entries.clear(),
  }
}
