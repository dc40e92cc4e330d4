import { BUS_LIMITS_DEFAULT } from '@millrace/bus'
import { millraceError } from '@millrace/kernel'
import type { NodeConnectionOptions } from '@nats-io/transport-node'

/** Where the server is, and what holds. */
export interface NatsBusOptions {
  /** Addresses such as `nats://127.0.0.1:4222`; several of one cluster are tried in turn. */
  readonly servers: string | readonly string[]
  /** Begins the name of every stream, bucket and subject of this bus: a-z, 0-9 and "_", at most 20. Default: 'millrace'. */
  readonly prefix?: string
  /** Credentials, TLS and the like, as the client takes them. */
  readonly connection?: Omit<NodeConnectionOptions, 'servers' | 'reconnect' | 'maxReconnectAttempts'>
  /** Servers that keep each message, 1 to 5, for streams that this bus creates. Default: 1. */
  readonly replicas?: number
  /**
   * 'always': the operator vouches for `sync_interval: always` in the configuration of every server. A client cannot see
   * it, so without this word, or a `monitorUrl` that shows it, the bus says that it is not durable. Default: 'unknown'.
   */
  readonly sync?: 'always' | 'unknown'
  /** The server's monitoring, such as `http://127.0.0.1:8222`: there the setting can be seen. One server only. */
  readonly monitorUrl?: string
  readonly limits?: Partial<NatsBusLimits>
  /** Hears what happens later and is worth a line in a log: a lost connection, a member that was given up. */
  readonly report?: (line: string) => void
}

/** Limits of the bus on NATS. */
export interface NatsBusLimits {
  /** Bytes of one message: key, headers and value. Default: 32 KiB below what the server takes, at most 1 MiB. */
  readonly messageBytesMax: number
  /** Partitions of one topic. Default: 256. */
  readonly partitionsPerTopicMax: number
  /** Messages of one topic that are sent and not acknowledged. Default: 1,024. */
  readonly inFlightMax: number
  /** Bytes of these. Default: 8 MiB. */
  readonly inFlightBytesMax: number
  /** Bytes of one topic's messages that wait in this process; more are refused with BUS_LIMIT_REACHED. Default: 64 MiB. */
  readonly pendingBytesMax: number
  /** Messages of one partition that a member holds ready. Default: 512. */
  readonly prefetchMax: number
  /** Bytes of these, roughly. Default: 2 MiB. */
  readonly prefetchBytesMax: number
  /** How long the server recognises a repeated idempotency key, in streams that this bus creates. Default: 120,000. */
  readonly duplicateWindowMs: number
  /** After this time without an acknowledgement everything is sent again, on a new connection. Default: 5,000. */
  readonly acknowledgeMsMax: number
  /** How long a publication or commit is tried. Default: 30,000; at most half of `duplicateWindowMs`. */
  readonly publishMsMax: number
  /** How long any other request is tried. Default: 10,000. */
  readonly requestMsMax: number
  /** Time between two looks of a member at its group. Default: 1,000. */
  readonly groupCheckMs: number
  /** A process whose connection the server has ended is given up after this time. Default: 3,000. */
  readonly goneMs: number
  /** A process that does not answer is given up after this time. Default: 15,000. */
  readonly silentMsMax: number
  /** Members of one group. Default: 256. */
  readonly membersPerGroupMax: number
}

/** Options with everything that was left out. */
export interface NatsSettings {
  readonly servers: readonly string[]
  readonly prefix: string
  readonly replicas: number
  readonly sync: 'always' | 'unknown'
  readonly monitorUrl: string | undefined
  readonly connection: NonNullable<NatsBusOptions['connection']>
  readonly limits: NatsBusLimits
  readonly report: (line: string) => void
}

const LIMITS_DEFAULT: NatsBusLimits = {
  messageBytesMax: BUS_LIMITS_DEFAULT.messageBytesMax,
  partitionsPerTopicMax: BUS_LIMITS_DEFAULT.partitionsPerTopicMax,
  inFlightMax: 1024,
  inFlightBytesMax: 8 * 1024 * 1024,
  pendingBytesMax: 64 * 1024 * 1024,
  prefetchMax: 512,
  prefetchBytesMax: 2 * 1024 * 1024,
  duplicateWindowMs: 120_000,
  acknowledgeMsMax: 5_000,
  publishMsMax: 30_000,
  requestMsMax: 10_000,
  groupCheckMs: 1_000,
  goneMs: 3_000,
  silentMsMax: 15_000,
  membersPerGroupMax: BUS_LIMITS_DEFAULT.membersPerGroupMax,
}

const PREFIX = /^[a-z0-9_]{1,20}$/

/** @throws CONFIGURATION_INVALID */
export function settingsOf(options: NatsBusOptions): NatsSettings {
  const { servers, prefix = 'millrace', replicas = 1, sync = 'unknown', connection = {} } = options
  const limits = { ...LIMITS_DEFAULT, ...options.limits }
  if (!PREFIX.test(prefix)) invalid('prefix', JSON.stringify(prefix), '1 to 20 of a-z, 0-9 and "_"')
  if (!Number.isInteger(replicas) || replicas < 1 || replicas > 5)
    invalid('replicas', String(replicas), '1 to 5')
  for (const [name, value] of Object.entries(limits)) {
    if (!(value > 0)) invalid(`limits.${name}`, String(value), 'a number above 0')
  }
  // What is sent again later than the server remembers keys would be written twice.
  if (limits.publishMsMax > limits.duplicateWindowMs / 2) {
    invalid('limits.publishMsMax', String(limits.publishMsMax), 'at most half of duplicateWindowMs')
  }
  return {
    servers: typeof servers === 'string' ? [servers] : servers,
    prefix,
    replicas,
    sync,
    monitorUrl: options.monitorUrl,
    connection,
    limits,
    report: options.report ?? (() => undefined),
  }
}

function invalid(path: string, seen: string, expected: string): never {
  throw millraceError('CONFIGURATION_INVALID', { path, seen, expected })
}
