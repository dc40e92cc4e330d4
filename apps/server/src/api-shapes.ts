import * as z from 'zod'

/**
 * What the HTTP API takes and says: one schema a body, from which come the types (for the command line and the
 * console), the checks of requests, and /openapi.json. Times are RFC 3339 texts; names that end in `Ms` are milliseconds.
 */
const time = z.iso.datetime()
const count = z.int().min(0)
const json = z.unknown()

const addressBody = z.object({ host: z.string(), port: z.int() })
export type AddressBody = z.infer<typeof addressBody>

const processorBody = z.object({
  name: z.string(),
  kind: z.enum(['actor', 'projection']),
  state: z.string(),
  topics: z.array(z.string()),
  handled: count,
  retried: count,
  deadLettered: count,
  inFlight: count,
  lag: count.describe('Messages of its topics that it has not finished'),
  lastError: z.object({ code: z.string(), message: z.string(), at: time }).optional(),
})
export type ProcessorBody = z.infer<typeof processorBody>

const collectionBody = z.object({ name: z.string(), documents: count })
export type CollectionBody = z.infer<typeof collectionBody>

/** `GET /api/status` */
export const statusBody = z.object({
  application: z.string(),
  version: z.string(),
  startedAt: time,
  uptimeMs: count,
  memoryBytes: count,
  engines: z.object({ bus: z.string(), store: z.string(), durable: z.boolean() }),
  listeners: z.object({ mqtt: addressBody.optional(), http: addressBody }),
  devices: z.object({ known: count, connected: count }),
  counters: z.record(z.string(), count),
  processors: z.array(processorBody),
  collections: z.array(collectionBody),
})
export type StatusBody = z.infer<typeof statusBody>

/** One device: `GET /api/devices/{device}`, and the items of `GET /api/devices`. */
export const deviceBody = z.object({
  id: z.string(),
  connected: z.boolean(),
  protocol: z.enum(['mqtt-3.1.1', 'mqtt-5']).optional(),
  remoteAddress: z.string().optional(),
  connectedAt: time.optional(),
  disconnectedAt: time.optional(),
  disconnectReason: z.string().optional(),
  lastSeenAt: time.optional(),
  last: z
    .record(z.string(), z.object({ time: z.string(), data: json }))
    .describe('The newest event of each type'),
  commandsPending: count,
})
export type DeviceBody = z.infer<typeof deviceBody>

/** Sorted by id; `next` is the `after` of the next page. */
export const deviceListBody = z.object({
  devices: z.array(deviceBody),
  total: count,
  next: z.string().optional(),
})
export type DeviceListBody = z.infer<typeof deviceListBody>

/** A command and where it stands. */
export const commandBody = z.object({
  id: z.string(),
  device: z.string(),
  name: z.string(),
  data: json,
  state: z.enum(['queued', 'sent', 'acknowledged', 'done', 'failed', 'expired']),
  createdAt: time,
  deadlineAt: time,
  changedAt: time,
  idempotencyKey: z.string().optional(),
  outcome: json.optional(),
})
export type CommandBody = z.infer<typeof commandBody>
export const commandListBody = z.object({ commands: z.array(commandBody) })
export type CommandListBody = z.infer<typeof commandListBody>

export const commandRequest = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9._-]{1,100}$/, '1 to 100 of a-z, A-Z, 0-9, ".", "_" and "-"'),
  data: json.optional(),
  deadlineMs: z
    .int()
    .min(1)
    .max(31_536_000_000)
    .optional()
    .describe('Until it may no longer be executed; default 60,000'),
  idempotencyKey: z.string().min(1).max(200).optional(),
})
export type CommandRequest = z.infer<typeof commandRequest>

/** A topic as it is. `system`: a topic of Millrace itself (`millrace.…`, `….dead-letters`). */
export const topicBody = z.object({
  name: z.string(),
  exclusive: z.boolean(),
  messages: count,
  bytes: count,
  partitions: z.array(z.object({ partition: count, startOffset: count, endOffset: count, bytes: count })),
  system: z.boolean(),
})
export type TopicBody = z.infer<typeof topicBody>
export const topicListBody = z.object({ topics: z.array(topicBody) })

/** One message: the event in structured form if it is one, otherwise its value as text or base64. */
export const messageBody = z.object({
  topic: z.string(),
  partition: count,
  offset: count,
  acceptedAt: time,
  key: z.string().optional(),
  headers: z.record(z.string(), z.string()),
  event: z.record(z.string(), json).optional(),
  text: z.string().optional(),
  base64: z.string().optional(),
})
export type MessageBody = z.infer<typeof messageBody>

/** `next` is the `from` of the next page. */
export const messageListBody = z.object({
  messages: z.array(messageBody),
  startOffset: count,
  endOffset: count,
  next: count,
})
export type MessageListBody = z.infer<typeof messageListBody>

export const publishRequest = z.strictObject({
  data: json,
  type: z.string().optional().describe('The event type; by default the name of the topic'),
  subject: z.string().min(1).max(200).optional(),
  id: z.string().min(1).max(100).optional().describe('Publishing the same id again is recognised'),
})
export type PublishRequest = z.infer<typeof publishRequest>

export const publishBody = z.object({
  id: z.string(),
  topic: z.string(),
  partition: count,
  offset: z.int(),
  duplicate: z.boolean(),
})
export type PublishBody = z.infer<typeof publishBody>

export const deadLetterTopicBody = z.object({ topic: z.string(), waiting: count, replayed: count })
export type DeadLetterTopicBody = z.infer<typeof deadLetterTopicBody>
export const deadLetterTopicListBody = z.object({ topics: z.array(deadLetterTopicBody) })

export const deadLetterBody = z.object({
  topic: z.string(),
  offset: count,
  diedAt: time,
  group: z.string(),
  code: z.string(),
  reason: z.string(),
  attempts: count,
  replayed: z.boolean(),
  message: messageBody.omit({ topic: true, partition: true, offset: true, acceptedAt: true }),
})
export type DeadLetterBody = z.infer<typeof deadLetterBody>
export const deadLetterListBody = z.object({ letters: z.array(deadLetterBody), next: count })

export const replayRequest = z.strictObject({ offsets: z.array(count).min(1).max(1000).optional() })
export const replayBody = z.object({ replayed: count })
export type ReplayBody = z.infer<typeof replayBody>

export const documentBody = z.object({
  id: z.string(),
  revision: count,
  document: z.record(z.string(), json),
})
export type DocumentBody = z.infer<typeof documentBody>
export const documentListBody = z.object({ documents: z.array(documentBody), next: z.string().optional() })
export type DocumentListBody = z.infer<typeof documentListBody>

/**
 * A reading on `GET /api/live` (server-sent events). Its event names: `device` (DeviceBody, at most twice a second a
 * device), `reading` (LiveReading), `command` (CommandBody), `status` (StatusBody, every 2 s). `?device=ID` limits it to
 * one device. A reader that is too slow gets an event `lost` with { count }.
 * `GET /api/topics/{topic}/live` streams `message` (MessageBody); the id is the offset, and Last-Event-ID goes on behind it.
 */
export const liveReading = z.object({ device: z.string(), type: z.string(), time: z.string(), data: json })
export type LiveReading = z.infer<typeof liveReading>

/** Every error: Problem Details (RFC 9457), media type application/problem+json. */
export const problemBody = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  remedy: z.string(),
  retryable: z.boolean(),
})
export type ProblemBody = z.infer<typeof problemBody>

/** A projection that is fed from the streams. */
const projectionBody = z.object({
  name: z.string(),
  kind: z.string(),
  version: count,
  state: z.enum(['running', 'paused', 'stopped', 'outdated', 'new']),
  position: count.describe('Every event up to here is part of its documents'),
  feedEnd: count.describe('The position up to which the store is complete'),
  behind: count.describe('Positions between the two; events are fewer, since positions have holes'),
  eventsPerSecond: count,
  deadLetters: count,
  shards: count,
  error: z.object({ code: z.string(), message: z.string() }).optional(),
  rebuild: z
    .object({
      state: z.string(),
      done: z.number().describe('From 0 to 1'),
      eventsPerSecond: count,
      error: z.object({ code: z.string(), message: z.string() }).optional(),
    })
    .optional(),
})
export type ProjectionBody = z.infer<typeof projectionBody>
export const projectionListBody = z.object({ projections: z.array(projectionBody) })
export type ProjectionListBody = z.infer<typeof projectionListBody>

/** The way of stored events to the bus: `GET /api/relay`. */
export const relayBody = z.object({
  state: z.enum(['standby', 'running', 'retrying', 'stopping', 'stopped', 'failed']),
  position: count.describe('Everything up to here is on the bus'),
  endPosition: count.describe('The end of the store, when it was last looked at'),
  lagMs: count,
  published: count,
  recognised: count.describe('Repeats that were published before'),
  refused: count.describe('Events that the bus does not take'),
  failures: count,
  lastError: z.object({ code: z.string(), message: z.string(), at: time }).optional(),
})
export type RelayBody = z.infer<typeof relayBody>

export const waitRequest = z.strictObject({ timeoutMs: z.int().min(1).max(600_000).default(10_000) })

export const projectionLetterListBody = z.object({
  letters: z.array(z.record(z.string(), json)),
  total: count,
})
export type ProjectionLetterListBody = z.infer<typeof projectionLetterListBody>

/** A stream: `GET /api/streams/{stream}`. */
export const streamBody = z.object({
  stream: z.string(),
  streamType: z.string().optional(),
  version: count.describe('The number of its events'),
  state: z.enum(['open', 'archived', 'tombstoned']),
  createdAt: time,
  changedAt: time,
})
export type StreamBody = z.infer<typeof streamBody>

/** An event of a stream, in structured form. */
const streamEventBody = z.object({
  position: count,
  version: count,
  recordedAt: time,
  correlationId: z.string().optional(),
  causationId: z.string().optional(),
  event: z.record(z.string(), json),
})
export type StreamEventBody = z.infer<typeof streamEventBody>
export const streamEventListBody = z.object({ events: z.array(streamEventBody) })
export type StreamEventListBody = z.infer<typeof streamEventListBody>

export const appendRequest = z.strictObject({
  events: z
    .array(
      z.strictObject({
        type: z.string(),
        data: json,
        subject: z.string().min(1).max(200).optional(),
      }),
    )
    .min(1)
    .max(1000),
  expectedVersion: z
    .int()
    .min(0)
    .optional()
    .describe('Only if the stream has this version; 0: only if it is not there'),
  streamType: z.string().min(1).max(100).optional(),
  publish: z.boolean().default(false).describe('The relay also publishes them, each on its topic'),
})
export type AppendRequest = z.infer<typeof appendRequest>
export const appendBody = z.object({ stream: z.string(), version: count, position: count })
export type AppendBody = z.infer<typeof appendBody>

/** `POST /api/collections/{collection}/query`; what the trees mean stands in docs/reference/queries.md. */
export const queryRequest = z.strictObject({
  where: z.record(z.string(), json).optional().describe('A filter tree'),
  orderBy: z
    .array(z.strictObject({ path: z.array(z.string()), direction: z.enum(['ascending', 'descending']) }))
    .optional(),
  limit: z.int().min(0).max(1000).default(100),
  offset: z.int().min(0).default(0),
  select: z.record(z.string(), z.array(z.string())).optional().describe('Parts by name; default: all'),
  withTotal: z.boolean().default(false),
})
export type QueryRequest = z.infer<typeof queryRequest>
export const queryBody = z.object({ documents: z.array(documentBody), total: count.optional() })
export type QueryBody = z.infer<typeof queryBody>
