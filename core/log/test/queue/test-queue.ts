import { type ManualRuntime, manualRuntime } from '@millrace/kernel'
import {
  type NewItem,
  openQueue,
  type Queue,
  type QueueConsumer,
  type QueueItem,
  type QueueOptions,
} from '@millrace/log'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A queue on a disk and a runtime that the test can get at. */
export interface Bench {
  readonly files: MemoryFiles
  readonly runtime: ManualRuntime
  readonly queue: Queue
}

export async function openBench(
  options: Partial<QueueOptions> = {},
  files: MemoryFiles = memoryFiles(),
  runtime: ManualRuntime = manualRuntime(),
): Promise<Bench> {
  const queue = await openQueue({
    files,
    directory: 'queue',
    runtime,
    segmentBytesMax: 8192,
    itemBytesMax: 4096,
    ...options,
  })
  return { files, runtime, queue }
}

/** `lane/key:text`; the lane and the key may be missing. */
export function item(text: string, more: Partial<NewItem> = {}): NewItem {
  return { value: encoder.encode(text), ...more }
}

export function texts(items: readonly { readonly value: Uint8Array }[]): string[] {
  return items.map(({ value }) => decoder.decode(value))
}

/** What comes at once, without a wait. */
export async function takeNow(
  consumer: QueueConsumer,
  runtime: ManualRuntime,
  options: Parameters<QueueConsumer['take']>[0] = {},
): Promise<readonly QueueItem[]> {
  const taking = consumer.take({ waitMsMax: 0, ...options })
  let isTaken = false
  const settled = () => {
    isTaken = true
  }
  taking.then(settled, settled)
  while (!isTaken) await runtime.advance(0)
  return taking
}

/** Takes and acknowledges until nothing comes at once; the texts, in order. */
export async function drain(consumer: QueueConsumer, runtime: ManualRuntime): Promise<string[]> {
  const found: string[] = []
  for (;;) {
    const items = await takeNow(consumer, runtime)
    if (items.length === 0) return found
    found.push(...texts(items))
    await consumer.acknowledge(items)
  }
}
