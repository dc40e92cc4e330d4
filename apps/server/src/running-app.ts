import { performance } from 'node:perf_hooks'
import { runActor } from '@millrace/actors'
import { type Bus, eventToMessage } from '@millrace/bus'
import { commandOutlet, type Devices, deviceKeys, openDevices, PRESENCE_TOPIC } from '@millrace/devices'
import { type Database, readOne, type Store } from '@millrace/documents'
import type { EventStore } from '@millrace/event-store'
import { type Event, type EventType, formatTime, newId, type Runtime } from '@millrace/kernel'
import { nodeRuntime } from '@millrace/node'
import type { Processor } from '@millrace/processing'
import { runProjection } from '@millrace/projections'
import { tcpListener } from '@millrace/tcp'
import { type App, type AppDefinition, eventTypesOf } from './app-definition.ts'
import { openAppStore, type RunningStreams, startStreams } from './app-store.ts'
import { openDataDirectory } from './data-directory.ts'
import { Fleet, type FleetView, fleetProjection, fleetView } from './fleet.ts'
import { type HttpServer, startHttpServer } from './http/http-server.ts'
import { openBus } from './open-bus.ts'
import { openDatabase } from './open-database.ts'
import { DeviceDisconnected } from './platform-events.ts'
import { resolveSettings, type SettingOverrides, type Settings } from './settings.ts'

/** How long a shutdown waits for work in hand, in milliseconds. */
const DRAIN_LIMIT_MS = 10_000

/** A running processor with what operators want to know of it. */
export interface RunningProcessor {
  readonly kind: 'actor' | 'projection'
  readonly topics: readonly string[]
  readonly processor: Processor
}

/** Everything that an application runs on; what the HTTP API answers from. */
export interface Backbone {
  readonly definition: AppDefinition
  readonly settings: Settings
  readonly eventTypes: ReadonlyMap<string, EventType>
  readonly runtime: Runtime
  readonly bus: Bus
  readonly database: Database
  readonly store: Store
  readonly events: EventStore
  /** Only if the application has streams. */
  readonly streams: RunningStreams | undefined
  readonly devices: Devices
  readonly fleet: FleetView
  readonly processors: readonly RunningProcessor[]
  readonly startedAtMs: number
}

/** An application at work. */
export interface RunningApp extends AsyncDisposable {
  readonly backbone: Backbone
  /** Sessions and queries over the application's collections; inline projections are part of every unit. */
  readonly store: Store
  /** Reads streams, aggregates and decisions; what it appends by itself passes no inline projection. */
  readonly events: EventStore
  /** `http://127.0.0.1:7300` */
  readonly url: string
  readonly apiToken: string
  readonly mqtt: { readonly host: string; readonly port: number }
  /** How long the start took, in milliseconds. */
  readonly startMs: number
  /** The password of a device. */
  passwordOf(device: string): string
  /**
   * Stops taking connections, lets the processors finish what they hold (at most 10 s), and closes the bus and the
   * store. What was acknowledged is durable whether or not this is called. Idempotent.
   */
  close(): Promise<void>
}

/** Where and how {@link startApp} runs an application. */
export interface StartOptions extends SettingOverrides {
  /** Default: `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** The built console. Absent: the HTTP port serves the API only. */
  readonly consoleDirectory?: string
  /** Level of the log on standard error. Default: 'warn'. */
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error' | 'silent'
}

/**
 * Runs an application: the bus on logs in the data directory or on a NATS server, SQLite in the data directory, MQTT and
 * HTTP on their ports. Resolves when devices can connect and the API answers.
 *
 * @throws CONFIGURATION_INVALID, DIRECTORY_LOCKED, DIRECTORY_TOO_NEW, LISTENER_ADDRESS_IN_USE, BUS_UNREACHABLE,
 * BUS_SERVER_UNFIT
 */
export async function startApp(app: App, options: StartOptions = {}): Promise<RunningApp> {
  const startMs = performance.now()
  const settings = resolveSettings(app.definition, options, options.environment ?? process.env)
  await using opening = new AsyncDisposableStack()
  const directory = opening.use(await openDataDirectory(settings.dataDirectory))
  const logLevel = options.logLevel ?? 'warn'
  const { definition } = app
  const { deviceSecret, nodeId } = directory
  const backbone = await openBackbone({ definition, settings, deviceSecret, nodeId, logLevel }, opening)
  const http = await startHttpServer(backbone, {
    apiToken: directory.apiToken,
    consoleDirectory: options.consoleDirectory,
    logLevel,
  })
  opening.defer(() => http.close())
  const closing = opening.move()
  return runningApp(
    backbone,
    http,
    directory.apiToken,
    directory.deviceSecret,
    performance.now() - startMs,
    closing,
  )
}

function runningApp(
  backbone: Backbone,
  http: HttpServer,
  apiToken: string,
  deviceSecret: Uint8Array,
  startMs: number,
  closing: AsyncDisposableStack,
): RunningApp {
  const keys = deviceKeys(deviceSecret)
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= closing.disposeAsync()
    return closed
  }
  return {
    backbone,
    store: backbone.store,
    events: backbone.events,
    url: http.url,
    apiToken,
    mqtt: backbone.devices.address,
    startMs,
    passwordOf: (device) => keys.passwordOf(device),
    close,
    [Symbol.asyncDispose]: close,
  }
}

interface BackboneParts {
  readonly definition: AppDefinition
  readonly settings: Settings
  readonly deviceSecret: Uint8Array
  readonly nodeId: string
  readonly logLevel: NonNullable<StartOptions['logLevel']>
}

/** Opens from the disk upwards; `opening` closes in the opposite order, so that nobody loses what it stands on. */
async function openBackbone(
  { definition, settings, deviceSecret, nodeId, logLevel }: BackboneParts,
  opening: AsyncDisposableStack,
): Promise<Backbone> {
  const runtime = nodeRuntime()
  const eventTypes = eventTypesOf(definition)
  const bus = await openBus(settings, runtime, logLevel)
  opening.defer(() => bus.close())
  const database = await openDatabase(settings, logLevel)
  opening.defer(() => database.close())
  const topics = [...eventTypes.values(), ...(definition.streams?.events ?? [])].map(({ topic }) => topic)
  for (const topic of new Set(topics)) await bus.createTopic(topic, { retention: settings.retention })
  const { store, events } = await openAppStore({ definition, settings, database, runtime })
  await markAbsent(bus, database, runtime)
  const devices = await openDevices(
    devicesOptions({ definition, settings, deviceSecret, eventTypes, bus, runtime }),
  )
  const processors: RunningProcessor[] = []
  // Devices close first: then the processors finish what is already on the bus.
  opening.defer(() => drainAll(processors))
  opening.defer(() => devices.close())
  await startProcessors(definition, eventTypes, { bus, runtime, database, devices }, processors)
  const streams = await startStreams({ definition, nodeId, database, bus, runtime }, opening)
  const fleet = fleetView(database, devices)
  return {
    definition,
    settings,
    eventTypes,
    runtime,
    bus,
    database,
    store,
    events,
    streams,
    devices,
    fleet,
    processors,
    startedAtMs: runtime.clock.now(),
  }
}

interface DevicesParts {
  readonly definition: AppDefinition
  readonly settings: Settings
  readonly deviceSecret: Uint8Array
  readonly eventTypes: ReadonlyMap<string, EventType>
  readonly bus: Bus
  readonly runtime: Runtime
}

function devicesOptions({ definition, settings, deviceSecret, eventTypes, bus, runtime }: DevicesParts) {
  const { host, port, allowAnonymous, packetBytesMax, connectionsMax } = settings.devices.mqtt
  return {
    bus,
    runtime,
    listener: tcpListener({ host, port, purpose: 'MQTT', setting: 'devices.mqtt.port' }),
    eventTypes: definition.devices?.events ?? [...eventTypes.values()],
    authentication: allowAnonymous ? ('anonymous' as const) : deviceKeys(deviceSecret),
    limits: { packetBytesMax, connectionsMax, commandsPerDeviceMax: settings.devices.commandsPerDeviceMax },
  }
}

interface Engines {
  readonly bus: Bus
  readonly runtime: Runtime
  readonly database: Database
  readonly devices: Devices
}

/** Starts one after the other, and adds each to `running` at once: what runs must be stopped if the next cannot start. */
async function startProcessors(
  definition: AppDefinition,
  eventTypes: ReadonlyMap<string, EventType>,
  { bus, runtime, database, devices }: Engines,
  running: RunningProcessor[],
): Promise<void> {
  for (const actor of definition.actors ?? []) {
    const processor = await runActor(actor, {
      bus,
      runtime,
      commands: commandOutlet(devices),
      eventTypes: [...eventTypes.values()],
    })
    running.push({ kind: 'actor', topics: [...new Set(actor.on.map(({ topic }) => topic))], processor })
  }
  for (const projection of [fleetProjection(eventTypes.values()), ...(definition.projections ?? [])]) {
    const processor = await runProjection(projection, { bus, runtime, database })
    const topics = new Set(projection.cases.map(({ type }) => type.topic))
    running.push({ kind: 'projection', topics: [...topics], processor })
  }
}

async function drainAll(processors: readonly RunningProcessor[]): Promise<void> {
  await Promise.all(processors.map(({ processor }) => processor.drain({ limitMs: DRAIN_LIMIT_MS })))
}

/** How many devices are marked in one go. */
const ABSENT_PAGE = 1_000

/**
 * After a crash some devices are still remembered as connected. Nobody is connected before the listener opens, so
 * say so, in the same way as every other disconnection: by an event.
 */
async function markAbsent(bus: Bus, database: Database, runtime: Runtime): Promise<void> {
  await bus.createTopic(PRESENCE_TOPIC)
  for (let after = ''; ; ) {
    const { documents: page } = await readOne(database, {
      kind: 'query',
      collection: Fleet.name,
      where: {
        kind: 'and',
        filters: [
          { kind: 'compare', path: ['connected'], operator: 'eq', value: true },
          { kind: 'id', operator: 'gt', value: after },
        ],
      },
      limit: ABSENT_PAGE,
    })
    const events = page.map(({ id }) => absence(id, runtime))
    if (events.length > 0) await bus.publish(PRESENCE_TOPIC, events.map(eventToMessage))
    after = page.at(-1)?.id ?? ''
    if (page.length < ABSENT_PAGE) return
  }
}

function absence(device: string, runtime: Runtime): Event {
  return {
    id: newId(runtime),
    type: DeviceDisconnected.type,
    source: '/devices',
    subject: device,
    time: formatTime(runtime.clock.now()),
    data: { reason: 'the server stopped' },
  }
}
