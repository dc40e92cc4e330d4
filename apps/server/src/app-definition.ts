import type { Actor } from '@millrace/actors'
import type { AnyCollection, TableSchema } from '@millrace/documents'
import type { Upcasters } from '@millrace/event-store'
import type { EventType } from '@millrace/kernel'
import type { AnyProjection, DaemonProjection, Projection } from '@millrace/projections'

/** Where devices connect. */
export interface MqttDefinition {
  /** Default: 127.0.0.1. Anything else opens the listener to the network. */
  readonly host?: string
  /** Default: 1883; 0 chooses a free one. */
  readonly port?: number
  /** Lets every device in under the client id it names. Default: false. */
  readonly allowAnonymous?: boolean
  /** Default: 262,144. */
  readonly packetBytesMax?: number
  /** Default: 10,000. */
  readonly connectionsMax?: number
}

/** Where messages go: to logs in the data directory, or to a NATS server. */
export interface BusDefinition {
  /** `nats://host:port`, several with "," between. Absent: logs in the data directory. */
  readonly url?: string
  /** Begins the names of everything on the server. Default: 'millrace'. */
  readonly prefix?: string
  /** Servers that keep each message, 1 to 5. Default: 1. */
  readonly replicas?: number
  /** 'always' vouches for `sync_interval: always` in every server's configuration. Default: 'unknown'. */
  readonly sync?: 'always' | 'unknown'
  /** The server's monitoring, where that setting can be seen. */
  readonly monitorUrl?: string
}

/** Where documents and streams are: in an SQLite file in the data directory, or on PostgreSQL. */
export interface StoreDefinition {
  /** `postgres://user@host:port/database`. Absent: an SQLite file in the data directory. */
  readonly url?: string
  /** The schema (namespace) on that server. Default: 'millrace'. */
  readonly schema?: string
  /** Connections for reads. Default: 8. */
  readonly readConnectionsMax?: number
  /** Connections for commits, each of which carries many units at a time. Default: 2. */
  readonly commitConnectionsMax?: number
  /** There is a pooler in between that gives connections away after each transaction. Default: false. */
  readonly isPooled?: boolean
  /**
   * 'additive' makes what is missing when the application starts; 'check' changes nothing, and refuses to start if
   * something is missing: for those who run `millrace store apply` themselves. Default: 'additive'.
   */
  readonly migrate?: 'additive' | 'check'
}

/**
 * Streams of events in the store, and what follows from them. Events that are appended with `publish` also go to the bus,
 * each on its topic.
 */
export interface StreamsDefinition {
  /** Event types that the API may append, and whose topics are made. */
  readonly events?: readonly EventType[]
  /** Fed from the streams in the background. */
  readonly projections?: readonly (AnyProjection | DaemonProjection)[]
  /** Folded in the unit that appends, so that their documents are never behind. */
  readonly inline?: readonly AnyProjection[]
  /** Applied to every event that is read. */
  readonly upcasters?: Upcasters
}

/** An application: what its devices say, who decides, and what is remembered. */
export interface AppDefinition {
  /** 1 to 60 of a-z, 0-9 and "-". */
  readonly name: string
  readonly devices?: {
    readonly mqtt?: MqttDefinition
    /** The event types that devices may publish. Default: every type that an actor or a projection takes. */
    readonly events?: readonly EventType[]
    /** Unfinished commands a device may have. Default: 100. */
    readonly commandsPerDeviceMax?: number
  }
  readonly http?: {
    /** Default: 127.0.0.1. */
    readonly host?: string
    /** Default: 7300; 0 chooses a free one. */
    readonly port?: number
  }
  readonly bus?: BusDefinition
  readonly store?: StoreDefinition
  /** Event types beside those that actors and projections take, so that the API may publish them. */
  readonly events?: readonly EventType[]
  readonly actors?: readonly Actor[]
  /** Fed from the bus. */
  readonly projections?: readonly Projection[]
  /** Documents beside those of projections, for the application's own code. */
  readonly collections?: readonly AnyCollection[]
  /** Flat tables beside those of projections. */
  readonly tables?: readonly TableSchema[]
  readonly streams?: StreamsDefinition
  /** How long topics of events are kept. Default: 7 days and at most 1 GiB a partition. */
  readonly retention?: { readonly ageMsMax?: number; readonly bytesMax?: number }
}

/** A checked application; what an application file exports by default. */
export interface App {
  readonly kind: 'app'
  readonly definition: AppDefinition
}

/**
 * Declares an application. Nothing runs until `millrace dev`, `millrace start` or `startApp` does.
 *
 * @example
 * export default defineApp({ name: 'greenhouse', actors: [tooHot], projections: [benches] })
 */
export function defineApp(definition: AppDefinition): App {
  return { kind: 'app', definition }
}

/** Topics of Millrace itself; applications may listen to them, and add nothing. */
const PLATFORM_TOPIC = /^millrace\./

/** The application's own event types by name, the first declaration of a name winning. */
export function eventTypesOf(definition: AppDefinition): ReadonlyMap<string, EventType> {
  const types = [
    ...(definition.devices?.events ?? []),
    ...(definition.events ?? []),
    ...(definition.actors ?? []).flatMap((actor) => actor.on),
    ...(definition.projections ?? []).flatMap((projection) => projection.cases.map(({ type }) => type)),
  ]
  const byName = new Map<string, EventType>()
  for (const type of types) {
    if (!byName.has(type.type) && !PLATFORM_TOPIC.test(type.topic)) byName.set(type.type, type)
  }
  return byName
}
