import { type Bus, eventToMessage, messageToEvent } from '@millrace/bus'
import {
  type CommandDraft,
  command,
  type Event,
  event,
  type ManualRuntime,
  manualRuntime,
} from '@millrace/kernel'
import { memoryBus } from '@millrace/memory'
import type { Processor } from '@millrace/processing'
import { onTestFinished } from 'vitest'
import * as z from 'zod'
import { type Actor, type ActorEnvironment, runActor } from '../src/index.ts'

export const Reading = event('greenhouse.reading', z.object({ celsius: z.number() }))
export const Alarm = event('greenhouse.alarm', z.object({ celsius: z.number() }))
export const Note = event('greenhouse.note', z.object({ text: z.string() }))
export const OpenVent = command('open-vent', z.object({ percent: z.number() }))

/** A bus in memory under a manual clock, and an outlet that remembers what it took over. */
export interface World {
  readonly runtime: ManualRuntime
  readonly bus: Bus
  /** Commands by id, each once, in the order of their first arrival. */
  readonly commands: Map<string, CommandDraft>
  /** Every call of the outlet: the ids it was given. */
  readonly handovers: string[][]
  run(actor: Actor, environment?: Partial<ActorEnvironment>): Promise<Processor>
  publish(...events: Event[]): Promise<void>
  /** The events that are in a topic; none if there is no such topic. */
  events(topic: string): Promise<Event[]>
  until(condition: () => boolean, limitMs?: number): Promise<void>
}

export async function newWorld(wrap: (bus: Bus) => Bus = (bus) => bus): Promise<World> {
  const runtime = manualRuntime()
  const inner = memoryBus({ runtime })
  const bus = wrap(inner)
  const commands = new Map<string, CommandDraft>()
  const handovers: string[][] = []
  const outlet = {
    send: async (sent: readonly { readonly id: string; readonly draft: CommandDraft }[]) => {
      handovers.push(sent.map(({ id }) => id))
      for (const { id, draft } of sent) if (!commands.has(id)) commands.set(id, draft)
    },
  }
  await inner.createTopic(Reading.type, { partitions: 2 })
  return {
    runtime,
    bus,
    commands,
    handovers,
    run: async (actor, environment = {}) => {
      const processor = await runActor(actor, { bus, runtime, commands: outlet, ...environment })
      onTestFinished(() => processor.stop())
      return processor
    },
    publish: async (...events) => {
      for (const one of events) await inner.publish(one.type, [eventToMessage(one)])
    },
    events: async (topic) => {
      const info = (await inner.listTopics()).find(({ name }) => name === topic)
      const events: Event[] = []
      for (const { partition, startOffset } of info?.partitions ?? []) {
        const messages = await inner.read({ topic, partition, offset: startOffset })
        events.push(...messages.map(messageToEvent))
      }
      return events
    },
    until: async (condition, limitMs = 60_000) => {
      for (let passedMs = 0; ; passedMs += 5) {
        await runtime.advance(passedMs === 0 ? 0 : 5)
        if (condition()) return
        if (passedMs > limitMs) throw new Error(`${condition} did not come true within ${limitMs} ms`)
      }
    },
  }
}

/** A reading of `bench`; devices count their events themselves, each from 1. */
export function reading(bench: string, count: number, celsius: number): Event<{ celsius: number }> {
  return {
    id: String(count),
    type: Reading.type,
    source: `/devices/${bench}`,
    subject: bench,
    time: '2026-07-01T12:00:00Z',
    data: { celsius },
  }
}
