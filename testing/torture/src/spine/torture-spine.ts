import { mkdir, rm } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { errorText, type Random, randomInteger, seededRandom } from '@millrace/kernel'
import { devicePasswords } from 'millrace'
import type { Finding } from '../finding.ts'
import { findings, recognisedRepeats } from './findings.ts'
import { commandsOf, type InsideStory, readInsideStory } from './inside-story.ts'
import { type Lie, tell } from './lie.ts'
import { OutsideRecord } from './outside-record.ts'
import { ServerApi } from './server-api.ts'
import { choosePort, ServerProcess } from './server-process.ts'
import { TorturedFleet } from './tortured-fleet.ts'

/** Options of {@link tortureSpine}. */
export interface SpineTortureOptions {
  readonly kills: number
  readonly seed: number
  readonly devices: number
  /** Readings a second and device. */
  readonly ratePerDevice: number
  /** Must not exist yet. Removed at the end, unless something is wrong. */
  readonly dataDirectory: string
  readonly lie?: Lie | undefined
  readonly tell: (line: string) => void
}

/** What a torture came to. */
export interface SpineTortureReport {
  readonly seed: number
  /** Under load, and while the server was starting. */
  readonly kills: number
  readonly killsWhileStarting: number
  readonly published: number
  readonly acknowledged: number
  readonly inTopic: number
  /** Sent again after a kill although they were durable before it, and in the topic once. */
  readonly repeatsRecognised: number
  readonly alarms: number
  readonly commands: number
  readonly commandsExecuted: number
  readonly connections: number
  readonly seconds: number
  /** Empty: every promise was kept. */
  readonly findings: readonly Finding[]
  /** Kept only if something is wrong. */
  readonly dataDirectory?: string
}

/** How long the server lives under load before it is killed, in milliseconds. */
const LIFE_MS_MIN = 300
const LIFE_MS_MAX = 1_500
/** One kill in this many hits the server while it starts, at most this late. */
const STARTING_KILL_EVERY = 5
const STARTING_MS_MAX = 1_000
/** How often the torture looks at the ends of the topics. */
const LOOK_MS = 100
/** How long everything may take to come to rest, in milliseconds. */
const DRAIN_MS_MAX = 60_000

/**
 * Kills a server under load again and again, lets it come to rest, and compares what it says with what the world
 * outside knows. The same seed gives the same moments of death; what the server does in them is its own affair.
 *
 * kill -9 takes the process, not the page cache: what a power cut does is tried by the simulation.
 */
export async function tortureSpine(options: SpineTortureOptions): Promise<SpineTortureReport> {
  const startMs = performance.now()
  const torture = new SpineTorture(options)
  await mkdir(options.dataDirectory, { recursive: true })
  const outcome = await torture.run()
  const report = { ...outcome, seconds: Math.round((performance.now() - startMs) / 100) / 10 }
  if (report.findings.length > 0) return { ...report, dataDirectory: options.dataDirectory }
  await rm(options.dataDirectory, { recursive: true, force: true })
  return report
}

type Outcome = Omit<SpineTortureReport, 'seconds' | 'dataDirectory'>

class SpineTorture {
  readonly #options: SpineTortureOptions
  readonly #random: Random
  readonly #record = new OutsideRecord()
  #server: ServerProcess | undefined
  #mqttPort = 0
  #killsWhileStarting = 0
  #connections = 0

  constructor(options: SpineTortureOptions) {
    this.#options = options
    this.#random = seededRandom(options.seed)
  }

  async run(): Promise<Outcome> {
    this.#mqttPort = await choosePort(this.#random)
    try {
      await this.#start()
      await this.#tortureFleet()
      return await this.#judge()
    } catch (error) {
      const broken = { promise: 'the server comes back and answers', count: 1, examples: [errorText(error)] }
      return this.#outcome([broken])
    } finally {
      await this.#server?.kill()
    }
  }

  /** Everything that happens under load; the fleet is gone and the server stopped on return. */
  async #tortureFleet(): Promise<void> {
    const { devices, ratePerDevice, kills, dataDirectory } = this.#options
    await using fleet = await TorturedFleet.connect({
      url: `mqtt://127.0.0.1:${this.#mqttPort}`,
      devices,
      ratePerDevice,
      passwordOf: await devicePasswords(dataDirectory),
      record: this.#record,
    })
    fleet.startPublishing()
    for (let round = 1; round <= kills; round += 1) await this.#round(round, fleet)
    await this.#live(LIFE_MS_MIN)
    await fleet.stopPublishing()
    await this.#drain(fleet)
    this.#connections = fleet.connections
  }

  async #round(round: number, fleet: TorturedFleet): Promise<void> {
    const { kills, lie, dataDirectory, tell: say } = this.#options
    const isStarting = round > 1 && randomInteger(this.#random, 0, STARTING_KILL_EVERY) === 0
    const lifeMs = isStarting
      ? randomInteger(this.#random, 0, STARTING_MS_MAX)
      : randomInteger(this.#random, LIFE_MS_MIN, LIFE_MS_MAX)
    if (isStarting) {
      this.#killsWhileStarting += 1
      await this.#killNow()
      this.#server = this.#newServer()
      await wait(lifeMs)
    } else {
      await this.#live(lifeMs)
    }
    await this.#killNow()
    const acknowledged = this.#record.acknowledged.length
    if (round === kills && lie !== undefined) await tell(lie, this.#record, dataDirectory)
    const startMs = performance.now()
    await this.#start()
    const backMs = Math.round(performance.now() - startMs)
    say(
      `round ${String(round).padStart(3)}: killed ${isStarting ? 'while starting, ' : ''}after ${String(lifeMs).padStart(4)} ms, ` +
        `back after ${backMs} ms; ${acknowledged} acknowledged, ${fleet.open} waiting`,
    )
  }

  /** Lets the server live for a while, and looks at the ends of its topics meanwhile. */
  async #live(lifeMs: number): Promise<void> {
    const endMs = performance.now() + lifeMs
    const api = await this.#api()
    while (performance.now() < endMs) {
      await this.#look(api)
      await wait(Math.max(0, Math.min(LOOK_MS, endMs - performance.now())))
    }
  }

  async #look(api: ServerApi): Promise<void> {
    this.#record.noteEnds(await api.topics())
    const [newest] = await api.messages('torture.reading', -1)
    if (newest !== undefined)
      this.#record.sightings.push({ offset: newest.offset, id: String(newest.event?.id) })
  }

  async #killNow(): Promise<void> {
    this.#record.killsAtMs.push(Date.now())
    await this.#server?.kill()
  }

  async #start(): Promise<void> {
    this.#server = this.#newServer()
    await this.#look(await this.#api())
  }

  #newServer(): ServerProcess {
    return new ServerProcess({ dataDirectory: this.#options.dataDirectory, mqttPort: this.#mqttPort })
  }

  async #api(): Promise<ServerApi> {
    const server = this.#server
    if (server === undefined) throw new Error('no server was started')
    return ServerApi.open(await server.ready(), this.#options.dataDirectory)
  }

  /** Waits until nothing is under way any more; what never comes to rest shows in the findings. */
  async #drain(fleet: TorturedFleet): Promise<void> {
    const deadlineMs = performance.now() + DRAIN_MS_MAX
    const api = await this.#api()
    while (performance.now() < deadlineMs) {
      if (fleet.open === 0 && (await isAtRest(api))) return
      await wait(LOOK_MS)
    }
    this.#options.tell(`not at rest after ${DRAIN_MS_MAX / 1000} s`)
  }

  /** Stops the server cleanly, starts it once more, and compares its story with the record. */
  async #judge(): Promise<Outcome> {
    const startMs = performance.now()
    const wrong = await this.#server?.stop()
    this.#options.tell(`stopped in ${Math.round(performance.now() - startMs)} ms`)
    await this.#start()
    const story = await readInsideStory(await this.#api())
    const unclean =
      wrong === undefined ? [] : [{ promise: 'the server stops when asked', count: 1, examples: [wrong] }]
    return this.#outcome([...unclean, ...findings(this.#record, story)], story)
  }

  #outcome(found: readonly Finding[], story?: InsideStory): Outcome {
    const { killsAtMs, published, acknowledged, executed } = this.#record
    return {
      seed: this.#options.seed,
      kills: killsAtMs.length,
      killsWhileStarting: this.#killsWhileStarting,
      published: [...published.values()].reduce((sum, count) => sum + count, 0),
      acknowledged: acknowledged.length,
      inTopic: story?.readings.length ?? 0,
      repeatsRecognised: story === undefined ? 0 : recognisedRepeats(this.#record, story),
      alarms: story?.alarms.length ?? 0,
      commands: story?.commands.length ?? 0,
      commandsExecuted: executed.length,
      connections: this.#connections,
      findings: found,
    }
  }
}

async function isAtRest(api: ServerApi): Promise<boolean> {
  const { processors } = await api.status()
  if (processors.some(({ lag, inFlight }) => lag > 0 || inFlight > 0)) return false
  const topic = (await api.topics()).find(({ name }) => name === 'millrace.commands')
  if (topic === undefined) return true
  const commands = commandsOf(await api.allMessages(topic))
  return commands.every(({ states }) => states.some((state) => state === 'done' || state === 'failed'))
}
