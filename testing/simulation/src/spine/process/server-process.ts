import { runActor } from '@millrace/actors'
import { type Bus, openLogBus } from '@millrace/bus'
import { commandOutlet, type Devices, openDevices } from '@millrace/devices'
import type { Database } from '@millrace/documents'
import { type Event, errorText, type Random, type Runtime, sleep } from '@millrace/kernel'
import {
  type MemoryConnection,
  type MemoryFiles,
  type MemoryListener,
  memoryListener,
} from '@millrace/memory'
import type { Processor } from '@millrace/processing'
import { runProjection } from '@millrace/projections'
import { between, chance } from '../../seed-streams.ts'
import { Alarm, Reading, type ReadingData, tooHot, totals } from '../application.ts'
import type { Mutation } from '../mutation.ts'
import type { Oracle } from '../oracle/oracle.ts'
import type { Swarm } from '../swarm.ts'
import { Life } from './life.ts'
import { mortalDatabase } from './mortal-database.ts'
import { mortalFiles, type Tamper } from './mortal-files.ts'
import { mortalRuntime } from './mortal-runtime.ts'
import { observedBus } from './observed-bus.ts'

/** Room in a segment beside a message of the largest size. */
const SEGMENT_OVERHEAD_BYTES = 2 * 1024

/** What a process is started with. */
export interface ProcessSurroundings {
  readonly runtime: Runtime
  readonly random: Random
  readonly disk: MemoryFiles
  readonly database: Database
  readonly swarm: Swarm
  readonly oracle: Oracle
  readonly mutation: Mutation | undefined
  /** Looked at all the time: true while things may go wrong. */
  readonly isUnsafe: () => boolean
  readonly note: (what: string) => void
}

/** The server: everything that lives and dies together. */
export class ServerProcess {
  readonly number: number
  readonly #around: ProcessSurroundings
  readonly #life = new Life()
  readonly #runtime: Runtime
  readonly #listener: MemoryListener
  #bus: Bus | undefined
  #devices: Devices | undefined
  #processors: Processor[] = []
  #isListening = false

  /** Starts; `failed` is called if it cannot. */
  constructor(number: number, around: ProcessSurroundings, failed: (reason: string) => void) {
    this.number = number
    this.#around = around
    this.#runtime = mortalRuntime(around.runtime, around.random, this.#life)
    this.#listener = memoryListener()
    this.#open().catch((error: unknown) => failed(errorText(error)))
  }

  get isAlive(): boolean {
    return !this.#life.isOver
  }

  /** True as soon as devices can connect. */
  get isListening(): boolean {
    return this.#isListening && this.isAlive
  }

  get bus(): Bus | undefined {
    return this.#bus
  }

  get processors(): readonly Processor[] {
    return this.#processors
  }

  connect(device: string): MemoryConnection | undefined {
    return this.isListening ? this.#listener.connect({ remoteAddress: device }) : undefined
  }

  /** Ends it between two instructions. */
  kill(): void {
    this.#life.end()
  }

  /** Stops it in order; resolves when it has ended. */
  async stop(): Promise<void> {
    this.#isListening = false
    await this.#devices?.close()
    await Promise.all(this.#processors.map((processor) => processor.drain({ limitMs: 2_000 })))
    await this.#bus?.close()
    this.#life.end()
  }

  async #open(): Promise<void> {
    const { swarm, disk, oracle, mutation } = this.#around
    const { segmentBytesMax, tableBytesMin, allocateAheadBytesMax } = swarm
    const messageBytesMax = Math.min(1024 * 1024, segmentBytesMax - SEGMENT_OVERHEAD_BYTES)
    const runtime = this.#runtime
    const bus = await openLogBus({
      files: mortalFiles(disk, this.#life, mutation === 'lying-sync' ? withoutSync : undefined),
      runtime,
      limits: { segmentBytesMax, messageBytesMax, tableBytesMin, allocateAheadBytesMax },
    })
    this.#bus = observedBus(bus, oracle.topics, mutation)
    await this.#bus.createTopic(Reading.type, { partitions: swarm.partitions })
    await this.#bus.createTopic(Alarm.type)
    await this.#openDevices(this.#bus)
    await this.#startProcessors(this.#bus)
  }

  async #openDevices(bus: Bus): Promise<void> {
    const { finishedCommandsPerDeviceMax, inboundInFlightMax, commandsPerDeviceMax, outcomeMsMax } =
      this.#around.swarm
    this.#devices = await openDevices({
      bus,
      runtime: this.#runtime,
      listener: this.#listener,
      eventTypes: [Reading],
      authentication: 'anonymous',
      limits: { finishedCommandsPerDeviceMax, inboundInFlightMax, commandsPerDeviceMax, outcomeMsMax },
    })
    this.#isListening = true
    if (this.#around.mutation === 'throwing-timer') {
      this.#runtime.scheduler.after(1_000, () => {
        throw new Error('a timer on purpose')
      })
    }
    this.#around.note(`process ${this.number} listens`)
  }

  async #startProcessors(bus: Bus): Promise<void> {
    const { swarm, oracle, mutation, database, random } = this.#around
    const outlet = commandOutlet(this.#devices as Devices)
    const commands =
      mutation === 'nameless-commands'
        ? {
            send: async (list: Parameters<typeof outlet.send>[0]) => {
              for (const { draft } of list) await this.#devices?.send(draft)
            },
          }
        : outlet
    const { concurrency, attemptsMax, commandDeadlineMs: deadlineMs } = swarm
    const actor = tooHot(
      { concurrency, attemptsMax, timeoutMs: 2_000, deadlineMs },
      (reading, attempt, signal) => this.#trouble(reading, attempt, signal),
    )
    const runtime = this.#runtime
    this.#processors.push(await runActor(actor, { bus, runtime, commands, eventTypes: [Reading, Alarm] }))
    const store = mortalDatabase(database, this.#life, oracle, {
      runtime,
      random,
      latencyMsMax: swarm.diskLatencyMsMax,
      failureShare: () => (this.#around.isUnsafe() ? swarm.databaseFailureShare : 0),
      isTorn: mutation === 'torn-checkpoint',
    })
    this.#processors.push(await runProjection(totals, { bus, runtime, database: store }))
    this.#around.note(`process ${this.number} runs`)
  }

  /** What the handler goes through before it decides: time, failures, and now and then no end at all. */
  async #trouble(reading: Event<ReadingData>, attempt: number, signal: AbortSignal): Promise<void> {
    const { swarm, oracle, random, isUnsafe } = this.#around
    const place = oracle.topics.find(Reading.type, reading.source, reading.id)
    oracle.handlings.push({
      process: this.number,
      key: String(reading.subject),
      eventId: reading.id,
      data: reading.data,
      attempt,
      partition: place?.partition,
      offset: place?.offset,
    })
    if (swarm.handlerMsMax > 0) {
      await sleep(this.#runtime.scheduler, between(random, 0, swarm.handlerMsMax), signal)
    }
    if (isUnsafe() && chance(random, swarm.handlerHangShare)) await new Promise<never>(() => {})
    if (isUnsafe() && attempt <= swarm.handlerFailuresMax && chance(random, swarm.handlerFailureShare)) {
      throw new Error('a failure on purpose')
    }
    oracle.handled.add(`${reading.source} ${reading.id}`)
  }
}

const withoutSync: Tamper = (file) => ({
  size: () => file.size(),
  read: (target, position) => file.read(target, position),
  write: (buffers, position) => file.write(buffers, position),
  writeDurable: (buffers, position) => file.write(buffers, position),
  sync: async () => {},
  truncate: (size) => file.truncate(size),
  close: () => file.close(),
  [Symbol.asyncDispose]: () => file.close(),
})
