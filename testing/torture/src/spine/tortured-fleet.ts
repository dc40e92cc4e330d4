import { setTimeout as wait } from 'node:timers/promises'
import { type SimulatedDevice, simulateDevice } from '@millrace/fleet'
import type { OutsideRecord } from './outside-record.ts'

/** Options of {@link TorturedFleet.connect}. */
export interface TorturedFleetOptions {
  readonly url: string
  readonly devices: number
  /** Readings a second and device. */
  readonly ratePerDevice: number
  readonly passwordOf: (device: string) => string
  readonly record: OutsideRecord
}

/** Readings that may wait, for each device; a device that is full measures no more until the server is back. */
const WAITING_PER_DEVICE_MAX = 100

/** Devices that number their readings, repeat what is not acknowledged, and note everything in the outside record. */
export class TorturedFleet implements AsyncDisposable {
  readonly #options: TorturedFleetOptions
  readonly #devices: readonly SimulatedDevice[]
  #isPublishing = false
  #publishing: Promise<void> = Promise.resolve()
  #open = 0

  private constructor(options: TorturedFleetOptions, devices: readonly SimulatedDevice[]) {
    this.#options = options
    this.#devices = devices
  }

  static async connect(options: TorturedFleetOptions): Promise<TorturedFleet> {
    const { url, passwordOf, record } = options
    const devices = await Promise.all(
      Array.from({ length: options.devices }, (_, index) => {
        const device = `tortured-${index}`
        const onCommand = ({ id }: { readonly id: string }) => void record.executed.push({ device, id })
        return simulateDevice({ url, device, password: passwordOf(device), onCommand })
      }),
    )
    return new TorturedFleet(options, devices)
  }

  /** Readings that are not acknowledged yet. */
  get open(): number {
    return this.#open
  }

  get connections(): number {
    return this.#devices.reduce((sum, { connections }) => sum + connections, 0)
  }

  /** Publishes at the rate, whether or not the server is there, until {@link stopPublishing}. */
  startPublishing(): void {
    this.#isPublishing = true
    this.#publishing = this.#publish()
  }

  async stopPublishing(): Promise<void> {
    this.#isPublishing = false
    await this.#publishing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopPublishing()
    await Promise.all(this.#devices.map((device) => device.close()))
  }

  async #publish(): Promise<void> {
    const { ratePerDevice } = this.#options
    const startMs = performance.now()
    const rate = ratePerDevice * this.#devices.length
    for (let published = 0; this.#isPublishing; await wait(2)) {
      const due = ((performance.now() - startMs) * rate) / 1000
      for (; published < due; published += 1) {
        if (this.#open < WAITING_PER_DEVICE_MAX * this.#devices.length) this.#publishOne(published)
      }
    }
  }

  #publishOne(index: number): void {
    const { record } = this.#options
    const simulated = this.#devices[index % this.#devices.length] as SimulatedDevice
    const { device } = simulated
    const number = record.published.get(device) ?? 0
    record.published.set(device, number + 1)
    const id = `${device}-${number}`
    this.#open += 1
    simulated.publish('torture.reading', { number }, { id }).then(
      () => {
        this.#open -= 1
        record.acknowledged.push({ device, number, id, atMs: Date.now() })
      },
      (error: unknown) => {
        this.#open -= 1
        record.refused.push(`${id}: ${error instanceof Error ? error.message : String(error)}`)
      },
    )
  }
}
