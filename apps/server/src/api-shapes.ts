/**
 * What the HTTP API says, as types: shared by the server that sends it and the command line and the console that
 * read it. Times are RFC 3339 texts; `…Ms` are milliseconds.
 */

/** `GET /api/status` */
export interface StatusBody {
  readonly application: string
  readonly version: string
  readonly startedAt: string
  readonly uptimeMs: number
  readonly memoryBytes: number
  readonly engines: { readonly bus: string; readonly store: string; readonly durable: boolean }
  readonly listeners: { readonly mqtt?: AddressBody; readonly http: AddressBody }
  readonly devices: { readonly known: number; readonly connected: number }
  readonly counters: Readonly<Record<string, number>>
  readonly processors: readonly ProcessorBody[]
  readonly collections: readonly CollectionBody[]
}

export interface AddressBody {
  readonly host: string
  readonly port: number
}

export interface ProcessorBody {
  readonly name: string
  readonly kind: 'actor' | 'projection'
  readonly state: string
  readonly topics: readonly string[]
  readonly handled: number
  readonly retried: number
  readonly deadLettered: number
  readonly inFlight: number
  /** Messages of its topics that it has not finished. */
  readonly lag: number
  readonly lastError?: { readonly code: string; readonly message: string; readonly at: string }
}

export interface CollectionBody {
  readonly name: string
  readonly documents: number
}

/** One device: `GET /api/devices/{id}`, and the items of `GET /api/devices`. */
export interface DeviceBody {
  readonly id: string
  readonly connected: boolean
  readonly protocol?: 'mqtt-3.1.1' | 'mqtt-5'
  readonly remoteAddress?: string
  readonly connectedAt?: string
  readonly disconnectedAt?: string
  readonly disconnectReason?: string
  readonly lastSeenAt?: string
  /** The newest event of each type. */
  readonly last: Readonly<Record<string, { readonly time: string; readonly data: unknown }>>
  readonly commandsPending: number
}

/** `GET /api/devices?connected=true|false&after=ID&limit=100` sorted by id; `next` is the `after` of the next page. */
export interface DeviceListBody {
  readonly devices: readonly DeviceBody[]
  readonly total: number
  readonly next?: string
}

/**
 * `POST /api/devices/{id}/commands` (201) with {@link CommandRequest}; `GET /api/commands/{id}`; and the items of
 * `GET /api/devices/{id}/commands` ({ commands }, newest first).
 */
export interface CommandBody {
  readonly id: string
  readonly device: string
  readonly name: string
  readonly data: unknown
  readonly state: 'queued' | 'sent' | 'acknowledged' | 'done' | 'failed' | 'expired'
  readonly createdAt: string
  readonly deadlineAt: string
  readonly changedAt: string
  readonly idempotencyKey?: string
  readonly outcome?: unknown
}

export interface CommandRequest {
  readonly name: string
  readonly data?: unknown
  /** Milliseconds until it may no longer be executed. Default: 60,000. */
  readonly deadlineMs?: number
  readonly idempotencyKey?: string
}

/** `GET /api/topics` gives { topics }. */
export interface TopicBody {
  readonly name: string
  readonly exclusive: boolean
  readonly messages: number
  readonly bytes: number
  readonly partitions: readonly {
    readonly partition: number
    readonly startOffset: number
    readonly endOffset: number
    readonly bytes: number
  }[]
  /** True for topics of Millrace itself (`millrace.…`, `….dead-letters`). */
  readonly system: boolean
}

/** One message: items of `GET /api/topics/{topic}/messages?partition=0&from=OFFSET&limit=50`. */
export interface MessageBody {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly acceptedAt: string
  readonly key?: string
  readonly headers: Readonly<Record<string, string>>
  /** The event in structured form if it is one; otherwise the value as text or base64. */
  readonly event?: Readonly<Record<string, unknown>>
  readonly text?: string
  readonly base64?: string
}

/** `from` may be negative: that many before the end. `next` is the `from` of the next page. */
export interface MessageListBody {
  readonly messages: readonly MessageBody[]
  readonly startOffset: number
  readonly endOffset: number
  readonly next: number
}

/** `POST /api/topics/{topic}/messages` (201): publishes one event of a declared type; answers its place and id. */
export interface PublishRequest {
  readonly data: unknown
  readonly subject?: string
  readonly id?: string
}

export interface PublishBody {
  readonly id: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly duplicate: boolean
}

/** `GET /api/dead-letters` gives { topics }. */
export interface DeadLetterTopicBody {
  readonly topic: string
  readonly waiting: number
  readonly replayed: number
}

/** Items of `GET /api/dead-letters/{topic}?from=0&limit=50` ({ letters, next }). */
export interface DeadLetterBody {
  readonly topic: string
  readonly offset: number
  readonly diedAt: string
  readonly group: string
  readonly code: string
  readonly reason: string
  readonly attempts: number
  readonly replayed: boolean
  readonly message: Omit<MessageBody, 'topic' | 'partition' | 'offset' | 'acceptedAt'>
}

/** `POST /api/dead-letters/{topic}/replay` with { offsets? } gives { replayed }. */
export interface ReplayBody {
  readonly replayed: number
}

/** `GET /api/collections/{name}/documents?limit=100&after=ID` gives { documents, next }. `GET …/documents/{id}` gives one. */
export interface DocumentBody {
  readonly id: string
  readonly revision: number
  readonly document: Readonly<Record<string, unknown>>
}

/**
 * `GET /api/live`, server-sent events. Event names: `device` ({@link DeviceBody}, at most twice a second a device),
 * `reading` ({@link LiveReading}), `command` ({@link CommandBody}), `status` ({@link StatusBody}, every 2 s).
 * `?device=ID` limits readings and commands to one device. A reader that is too slow gets an event `lost` with { count }.
 * `GET /api/topics/{topic}/live?from=end` streams `message` ({@link MessageBody}); its id is the offset, and
 * Last-Event-ID goes on behind it.
 */
export interface LiveReading {
  readonly device: string
  readonly type: string
  readonly time: string
  readonly data: unknown
}

/** Every error: Problem Details (RFC 9457), media type application/problem+json. */
export interface ProblemBody {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly remedy: string
  readonly retryable: boolean
}
