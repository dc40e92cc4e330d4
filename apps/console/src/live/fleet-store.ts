import type { DeviceBody, LiveReading, MessageBody } from '@millrace/server/api-shapes'
import { NUMERIC_PROPERTIES_MAX, numericProperties } from './numeric-properties.ts'
import { createSampleRing, type Sample, type SampleRing } from './sample-ring.ts'

/** Devices beyond this number are counted but not shown. */
export const DEVICES_MAX = 20_000
/** Samples of a property that a sparkline is drawn from. */
export const SPARK_SAMPLES_MAX = 90
/** Properties with different names that the fleet page offers for its column. */
export const FLEET_PROPERTIES_MAX = 24
/** Views are brought up to date at most this often. */
export const FLUSH_MS = 250

/** A number that devices of the fleet report. */
export interface FleetProperty {
  /** Names the property in addresses and as the key of sparks. */
  readonly key: string
  readonly type: string
  readonly path: string
}

/** A device with its last minutes. A new object whenever something visible has changed. */
export interface FleetDevice {
  readonly body: DeviceBody
  /** By the key of the property; the series grow in place. */
  readonly sparks: ReadonlyMap<string, SampleRing>
}

interface Entry {
  body: DeviceBody
  readonly sparks: Map<string, SampleRing>
  view: FleetDevice
}

/**
 * The devices as the live feed tells of them. However fast readings come, those who watch hear of it at most every
 * {@link FLUSH_MS}: a row of its own device, the page of what changes the page.
 */
export class FleetStore {
  readonly #later: (run: () => void, ms: number) => void
  readonly #entries = new Map<string, Entry>()
  readonly #deviceWatchers = new Map<string, Set<() => void>>()
  readonly #fleetWatchers = new Set<() => void>()
  readonly #dirty = new Set<string>()
  readonly #refused = new Set<string>()
  /** Events by type, of the types that have properties. */
  readonly #heard = new Map<string, number>()
  #ids: readonly string[] = []
  #properties: readonly FleetProperty[] = []
  #idsChanged = false
  #flushing = false

  /** `later` runs a function once, after so many milliseconds. */
  constructor(later: (run: () => void, ms: number) => void) {
    this.#later = later
  }

  device(id: string): FleetDevice | undefined {
    return this.#entries.get(id)?.view
  }

  /** A new array when a device came or went, is on or off now, or has another number of commands pending. */
  ids(): readonly string[] {
    return this.#ids
  }

  /** Numeric properties seen in the fleet, in the order of their first appearance. */
  properties(): readonly FleetProperty[] {
    return this.#properties
  }

  /** The property to show first: of the type that is heard most often. */
  mainProperty(): FleetProperty | undefined {
    const heard = (property: FleetProperty) => this.#heard.get(property.type) ?? 0
    return this.#properties.reduce<FleetProperty | undefined>(
      (main, property) => (main === undefined || heard(property) > heard(main) ? property : main),
      undefined,
    )
  }

  /** Devices left out because of {@link DEVICES_MAX}. */
  get leftOut(): number {
    return this.#refused.size
  }

  /** Takes over what the API listed; with `complete`, devices that are not in it are gone. */
  load(bodies: readonly DeviceBody[], complete: boolean): void {
    if (complete) {
      const present = new Set(bodies.map((body) => body.id))
      for (const id of this.#entries.keys()) {
        if (present.has(id)) continue
        this.#entries.delete(id)
        this.#changed(id, true)
      }
    }
    for (const body of bodies) this.applyDevice(body)
  }

  applyDevice(body: DeviceBody): void {
    const entry = this.#entries.get(body.id)
    if (!entry) {
      this.#add(body)
      return
    }
    const old = entry.body
    entry.body = body
    this.#changed(body.id, old.connected !== body.connected || old.commandsPending !== body.commandsPending)
  }

  applyReading({ device, type, time, data }: LiveReading): void {
    const entry = this.#entries.get(device)
    if (!entry) return
    entry.body = { ...entry.body, lastSeenAt: time, last: { ...entry.body.last, [type]: { time, data } } }
    this.#sample(entry, type, Date.parse(time), data)
    this.#changed(device, false)
  }

  /** Puts what topics remember of the devices in front of what has come in since. */
  seed(messages: readonly MessageBody[]): void {
    const past = new Map<SampleRing, Sample[]>()
    for (const { key = '', event, acceptedAt } of messages) {
      const sparks = this.#entries.get(key)?.sparks
      const timeMs = Date.parse(typeof event?.time === 'string' ? event.time : acceptedAt)
      if (!sparks) continue
      this.#hear(String(event?.type))
      this.#dirty.add(key)
      for (const { path, value } of numericProperties(event?.data)) {
        const ring = sparks.get(keyOf(String(event?.type), path))
        if (ring) past.set(ring, [...(past.get(ring) ?? []), { timeMs, value }])
      }
    }
    for (const [ring, samples] of past) ring.prepend(samples)
    for (const id of this.#dirty) this.#changed(id, false)
  }

  watchDevice(id: string, listener: () => void): () => void {
    const set = this.#deviceWatchers.get(id) ?? new Set()
    this.#deviceWatchers.set(id, set.add(listener))
    return () => {
      set.delete(listener)
      if (set.size === 0) this.#deviceWatchers.delete(id)
    }
  }

  /** Hears of new {@link ids} and {@link properties}. */
  watchFleet(listener: () => void): () => void {
    this.#fleetWatchers.add(listener)
    return () => this.#fleetWatchers.delete(listener)
  }

  #add(body: DeviceBody): void {
    if (this.#entries.size >= DEVICES_MAX) {
      if (this.#refused.size < DEVICES_MAX) this.#refused.add(body.id)
      return
    }
    const sparks = new Map<string, SampleRing>()
    const entry = { body, sparks, view: { body, sparks } }
    this.#entries.set(body.id, entry)
    for (const [type, { time, data }] of Object.entries(body.last)) {
      this.#sample(entry, type, Date.parse(time), data)
    }
    this.#changed(body.id, true)
  }

  #sample(entry: Entry, type: string, timeMs: number, data: unknown): void {
    this.#hear(type)
    for (const { path, value } of numericProperties(data)) {
      const key = keyOf(type, path)
      let ring = entry.sparks.get(key)
      if (!ring) {
        if (entry.sparks.size >= NUMERIC_PROPERTIES_MAX) continue
        ring = createSampleRing(SPARK_SAMPLES_MAX)
        entry.sparks.set(key, ring)
        this.#noteProperty({ key, type, path })
      }
      ring.push(timeMs, value)
    }
  }

  #hear(type: string): void {
    const count = this.#heard.get(type)
    if (count !== undefined || this.#heard.size < FLEET_PROPERTIES_MAX)
      this.#heard.set(type, (count ?? 0) + 1)
  }

  #noteProperty(property: FleetProperty): void {
    const known = this.#properties
    if (known.some(({ key }) => key === property.key) || known.length >= FLEET_PROPERTIES_MAX) return
    this.#properties = [...known, property]
    this.#idsChanged = true
  }

  #changed(id: string, listed: boolean): void {
    this.#dirty.add(id)
    this.#idsChanged ||= listed
    if (this.#flushing) return
    this.#flushing = true
    this.#later(() => this.#flush(), FLUSH_MS)
  }

  #flush(): void {
    this.#flushing = false
    const dirty = [...this.#dirty]
    this.#dirty.clear()
    for (const id of dirty) {
      const entry = this.#entries.get(id)
      if (entry) entry.view = { body: entry.body, sparks: entry.sparks }
    }
    for (const id of dirty) {
      for (const listener of this.#deviceWatchers.get(id) ?? []) listener()
    }
    if (!this.#idsChanged) return
    this.#idsChanged = false
    this.#ids = [...this.#entries.keys()]
    for (const listener of this.#fleetWatchers) listener()
  }
}

const keyOf = (type: string, path: string) => `${type}/${path}`

/** What a property is called: its path; with the end of the type's name behind it if several types have such a path. */
export function propertyLabel(property: FleetProperty, all: readonly FleetProperty[]): string {
  const alone = all.every(({ key, path }) => key === property.key || path !== property.path)
  return alone ? property.path : `${property.path} (${property.type.split('.').at(-1)})`
}
