import type { Database } from '@millrace/documents'
import { type ManualRuntime, manualRuntime } from '@millrace/kernel'
import { type MemoryConnection, memoryDatabase } from '@millrace/memory'
import { between, seedStream } from '../seed-streams.ts'
import { SimulatedDevice } from './device/simulated-device.ts'
import { type History, openHistory } from './history.ts'
import { Machine } from './machine.ts'
import type { Mutation } from './mutation.ts'
import { Oracle } from './oracle/oracle.ts'
import { ServerProcess } from './process/server-process.ts'
import type { DevicePlan, Swarm } from './swarm.ts'

/** Options of a world beside its swarm. */
export interface WorldOptions {
  readonly seed: number
  readonly swarm: Swarm
  readonly mutation: Mutation | undefined
  readonly tailMax: number
}

/** How long a process may take to stop in order before it is killed, in milliseconds. */
const STOP_MS_MAX = 15_000
const RESTART_MS_MAX = 2_000

/** Everything that is simulated: time, a machine, a server that comes and goes, and devices. */
export class World {
  readonly swarm: Swarm
  readonly runtime: ManualRuntime
  readonly oracle = new Oracle()
  readonly history: History
  readonly machine: Machine
  readonly devices: readonly SimulatedDevice[]
  step = 0
  /** True while faults happen. */
  isUnsafe = true
  /** Crashes that nobody has looked at yet. */
  readonly crashes: string[] = []
  server: ServerProcess | undefined
  /** True once a call on the disk was made to fail: an engine may have given up, which only a restart mends. */
  isWounded = false
  readonly #options: WorldOptions
  readonly #database: Database
  readonly #random
  #processes = 0

  constructor(options: WorldOptions) {
    const { seed, swarm, tailMax } = options
    this.#options = options
    this.swarm = swarm
    this.#random = seedStream(seed, 'world')
    this.runtime = manualRuntime({ seed })
    this.#database = memoryDatabase(this.runtime)
    this.history = openHistory(() => `${this.step} ${this.runtime.clock.monotonic().toFixed(2)}ms`, tailMax)
    this.machine = new Machine(this.runtime, seedStream(seed, 'machine'), swarm)
    this.devices = swarm.devices.map((plan) => this.#newDevice(plan))
  }

  get nowMs(): number {
    return this.runtime.clock.monotonic()
  }

  /** Server processes started so far. */
  get processes(): number {
    return this.#processes
  }

  note(what: string): void {
    this.history.note(what)
  }

  start(): void {
    this.startServer()
    for (const device of this.devices) device.start()
  }

  startServer(): void {
    this.#processes += 1
    const { mutation, seed } = this.#options
    const { runtime, machine, swarm, oracle } = this
    const number = this.#processes
    this.note(`process ${number} starts`)
    const server: ServerProcess = new ServerProcess(
      number,
      {
        runtime,
        random: seedStream(seed, `process ${number}`),
        disk: machine.disk,
        database: this.#database,
        swarm,
        oracle,
        mutation,
        isUnsafe: () => this.isUnsafe,
        note: (what) => this.note(what),
      },
      (reason) => {
        if (this.server === server) this.crash('kill', `it could not start: ${reason}`)
      },
    )
    this.server = server
  }

  /** Ends the server at once; a new process comes later. 'power' takes with it what the disk had not synced. */
  crash(kind: 'power' | 'kill', reason: string): void {
    const { server } = this
    if (server === undefined) return
    this.note(`process ${server.number} dies (${kind}): ${reason}`)
    server.kill()
    this.server = undefined
    if (kind === 'power') this.machine.cutPower()
    for (const device of this.devices) device.serverDied()
    this.crashes.push(`after ${kind === 'power' ? 'a power cut' : 'a kill'} (${reason})`)
    this.runtime.scheduler.after(between(this.#random, 1, RESTART_MS_MAX), () => {
      if (this.server === undefined) this.startServer()
    })
  }

  /** Stops the server in order, then starts another process. */
  restart(reason: string): void {
    const { server } = this
    if (server === undefined) return
    this.note(`process ${server.number} is stopped: ${reason}`)
    const isPresent = () => this.server === server
    void server.stop().then(
      () => {
        if (isPresent()) this.crash('kill', 'it has stopped in order')
      },
      (error: unknown) => this.oracle.escaped.push(`a stop in order failed: ${error}`),
    )
    this.runtime.scheduler.after(STOP_MS_MAX, () => {
      if (!isPresent()) return
      // While the disk is full or broken there may be nothing to wait for; in peace there is no excuse.
      if (!this.isUnsafe) this.oracle.escaped.push(`a stop in order took longer than ${STOP_MS_MAX} ms`)
      this.crash('kill', 'it did not stop in time')
    })
  }

  #newDevice(plan: DevicePlan): SimulatedDevice {
    const { runtime, oracle, history, swarm } = this
    return new SimulatedDevice(plan, {
      runtime,
      random: seedStream(this.#options.seed, `line of ${plan.id}`),
      oracle,
      history,
      link: { latencyMsMax: swarm.networkLatencyMsMax, cutsFrames: swarm.cutsFrames },
      connect: (device): MemoryConnection | undefined => this.server?.connect(device),
    })
  }
}
