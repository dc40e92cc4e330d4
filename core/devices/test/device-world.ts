import type { Bus, Message, NewMessage, Placement } from '@millrace/bus'
import { type DeviceLimits, type Devices, type DevicesOptions, openDevices } from '@millrace/devices'
import { event, type ManualRuntime, manualRuntime, settle } from '@millrace/kernel'
import { type MemoryListener, memoryBus, memoryListener } from '@millrace/memory'
import * as z from 'zod'
import { MqttClient } from './mqtt-client.ts'

export const Reading = event('greenhouse.reading', z.object({ celsius: z.number() }))

/** The device tier on memory and manual time, with clients at hand. */
export interface DeviceWorld extends AsyncDisposable {
  readonly runtime: ManualRuntime
  readonly bus: Bus
  readonly gate: PublishGate
  readonly devices: Devices
  readonly listener: MemoryListener
  /** A connected socket that has said nothing. */
  socket(version?: 4 | 5): MqttClient
  /** A device that has connected. */
  device(name: string, version?: 4 | 5, choices?: Parameters<MqttClient['connect']>[1]): Promise<MqttClient>
  /** All messages of a topic. */
  messages(topic: string): Promise<readonly Message[]>
  /** Closes the tier and opens a new one on the same bus, as a restart would. */
  restart(): Promise<void>
}

/** Lets a test hold publications back, or fail them, between the tier and the bus. */
export interface PublishGate {
  /** Publications to topics that match wait until `open`. */
  hold(topic: string): void
  open(): Promise<void>
  /** Publications to the topic fail with this error until it is undefined. */
  fail(topic: string, error: Error | undefined): void
  /** The number of messages in each publication, in order. */
  readonly batches: { readonly topic: string; readonly count: number }[]
}

export async function deviceWorld(
  options: Partial<Pick<DevicesOptions, 'authentication' | 'eventTypes'>> & {
    readonly limits?: Partial<DeviceLimits>
  } = {},
): Promise<DeviceWorld> {
  const runtime = manualRuntime()
  const plain = memoryBus({ runtime })
  const { bus, gate } = gated(plain)
  const open = async (listener: MemoryListener) =>
    openDevices({ bus, runtime, listener, eventTypes: [Reading], authentication: 'anonymous', ...options })
  let listener = memoryListener()
  let devices = await open(listener)
  const socket = (version: 4 | 5 = 5) => new MqttClient(listener.connect(), version)
  return {
    runtime,
    bus,
    gate,
    get devices() {
      return devices
    },
    get listener() {
      return listener
    },
    socket,
    async device(name, version = 5, choices = {}) {
      const client = socket(version)
      client.connect(name, choices)
      await settle()
      return client
    },
    messages: (topic) => plain.read({ topic, partition: 0, offset: 0 }),
    async restart() {
      await devices.close()
      listener = memoryListener()
      devices = await open(listener)
    },
    async [Symbol.asyncDispose]() {
      await gate.open()
      await devices.close()
      await bus.close()
    },
  }
}

function gated(bus: Bus): { readonly bus: Bus; readonly gate: PublishGate } {
  let held: string | undefined
  const waiting: (() => void)[] = []
  const failures = new Map<string, Error>()
  const batches: { topic: string; count: number }[] = []
  const publish = async (topic: string, messages: readonly NewMessage[]): Promise<readonly Placement[]> => {
    batches.push({ topic, count: messages.length })
    if (topic === held) await new Promise<void>((resolve) => waiting.push(resolve))
    const failure = failures.get(topic)
    if (failure !== undefined) throw failure
    return bus.publish(topic, messages)
  }
  const gate: PublishGate = {
    batches,
    hold(topic) {
      held = topic
    },
    async open() {
      held = undefined
      for (const resolve of waiting.splice(0)) resolve()
      await settle()
    },
    fail(topic, error) {
      if (error === undefined) failures.delete(topic)
      else failures.set(topic, error)
    },
  }
  const wrapped = new Proxy(bus, {
    get(target, name) {
      if (name === 'publish') return publish
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { bus: wrapped, gate }
}
