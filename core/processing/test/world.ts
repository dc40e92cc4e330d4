import type { Bus, Message, NewMessage, TopicSettings } from '@millrace/bus'
import { type ManualRuntime, manualRuntime } from '@millrace/kernel'
import { memoryBus } from '@millrace/memory'
import { onTestFinished } from 'vitest'
import {
  type BatchStep,
  type MessageStep,
  type Processor,
  type ProcessorDescription,
  startProcessor,
} from '../src/index.ts'

export const TOPIC = 'readings'
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A bus in memory under a manual clock, with one topic. */
export interface World {
  readonly runtime: ManualRuntime
  readonly bus: Bus
  /** Publishes texts `key:rest` (no colon: no key), in order. */
  publish(...texts: string[]): Promise<void>
  start(
    step: MessageStep | BatchStep | MessageStep['handle'],
    options?: Partial<ProcessorDescription>,
    signal?: AbortSignal,
  ): Promise<Processor>
  /** Moves time in small steps until `condition` holds; fails after `limitMs` of that time. */
  until(condition: () => boolean, limitMs?: number): Promise<void>
  /** The committed offset of partition 0 of the group. */
  committed(group?: string): Promise<number | undefined>
}

export async function newWorld(
  settings: TopicSettings = {},
  wrap: (bus: Bus) => Bus = (bus) => bus,
  seed = 1,
): Promise<World> {
  const runtime = manualRuntime({ seed })
  const inner = memoryBus({ runtime })
  const bus = wrap(inner)
  await inner.createTopic(TOPIC, settings)
  return {
    runtime,
    bus,
    publish: async (...texts) => {
      await inner.publish(TOPIC, texts.map(messageOf))
    },
    start: async (step, options = {}, signal) => {
      const processor = await startProcessor(
        {
          name: 'tester',
          topics: [TOPIC],
          step: typeof step === 'function' ? { kind: 'message', handle: step } : step,
          ...options,
        },
        { bus, runtime, ...(signal === undefined ? {} : { signal }) },
      )
      // Not by disposing of it: draining waits, and this clock stands still.
      onTestFinished(() => processor.stop())
      return processor
    },
    until: async (condition, limitMs = 60_000) => {
      for (let passedMs = 0; ; passedMs += 5) {
        await runtime.advance(passedMs === 0 ? 0 : 5)
        if (condition()) return
        if (passedMs > limitMs) throw new Error(`${condition} did not come true within ${limitMs} ms`)
      }
    },
    committed: async (group = 'tester') => {
      const info = (await inner.listGroups()).find((candidate) => candidate.group === group)
      return info?.positions.find(({ topic, partition }) => topic === TOPIC && partition === 0)?.offset
    },
  }
}

export function textOf(message: Message): string {
  return decoder.decode(message.value)
}

function messageOf(text: string): NewMessage {
  const [key, rest] = text.split(':')
  return { ...(rest === undefined ? {} : { key: key ?? '' }), headers: {}, value: encoder.encode(text) }
}

/** A promise that never settles, as a handler that hangs makes one. */
export function never(): Promise<void> {
  return new Promise(() => {})
}
