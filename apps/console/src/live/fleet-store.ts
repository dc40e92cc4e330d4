import type { DeviceBody, LiveReading } from '@millrace/server/api-shapes'
import { NUMERIC_PROPERTIES_MAX, numericProperties } from './numeric-properties.ts'
import { createSampleRing, type SampleRing } from './sample-ring.ts'

/** Devices beyond this number are counted but not shown. */
export const DEVICES_MAX = 20_000
/** Samples of a property that a sparkline is drawn from. */
export const SPARK_SAMPLES_MAX = 90
/** Properties with different names that the fleet page offers for its column. */
export const FLEET_PROPERTIES_MAX = 24
/** Views are brought up to date at most this often. */
export const FLUSH_MS = 250

/** A device with its last minutes. A new object whenever something visible has changed. */
export interface FleetDevice {
  readonly body: DeviceBody
  /** By property path; the series grow in place. */
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
  #ids: readonly string[] = []
  #properties: readonly string[] = []
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
  properties(): readonly string[] {
    return this.#properties
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
    this.#sample(entry, Date.parse(time), data)
    this.#changed(device, false)
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
    for (const { time, data } of Object.values(body.last)) this.#sample(entry, Date.parse(time), data)
    this.#changed(body.id, true)
  }

  #sample(entry: Entry, timeMs: number, data: unknown): void {
    for (const { path, value } of numericProperties(data)) {
      let ring = entry.sparks.get(path)
      if (!ring) {
        if (entry.sparks.size >= NUMERIC_PROPERTIES_MAX) continue
        ring = createSampleRing(SPARK_SAMPLES_MAX)
        entry.sparks.set(path, ring)
        this.#noteProperty(path)
      }
      ring.push(timeMs, value)
    }
  }

  #noteProperty(path: string): void {
    if (this.#properties.includes(path) || this.#properties.length >= FLEET_PROPERTIES_MAX) return
    this.#properties = [...this.#properties, path]
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
