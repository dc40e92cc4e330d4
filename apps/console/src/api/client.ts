import type {
  CommandBody,
  CommandRequest,
  DeadLetterBody,
  DeadLetterTopicBody,
  DeviceBody,
  DeviceListBody,
  DocumentBody,
  MessageListBody,
  PublishBody,
  PublishRequest,
  ReplayBody,
  StatusBody,
  TopicBody,
} from '@millrace/server/api-shapes'
import { problemOfResponse, unreachableProblem } from './problem.ts'
import type { TokenBox } from './token.ts'

/** An answer that takes longer is given up and reported as a problem. */
export const REQUEST_MS_MAX = 15_000

interface Cancellable {
  readonly signal?: AbortSignal | undefined
}

/** The HTTP API. Every method rejects with `ApiProblem`, or with the abort reason of its signal. */
export type Api = ReturnType<typeof createApi>

type Query = Readonly<Record<string, string | number | boolean | undefined>>

/** `path` with its parameters; those that are undefined are left out. */
export function addressOf(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(name, String(value))
  }
  const text = parameters.toString()
  return text === '' ? path : `${path}?${text}`
}

const part = encodeURIComponent

/** Speaks the API with the token in `box`. */
export function createApi(box: TokenBox, send: typeof fetch = fetch.bind(globalThis)) {
  const get = <Body>(path: string, query: Query = {}, options: Cancellable = {}) =>
    request<Body>(box, send, addressOf(path, query), {}, options)
  const post = <Body>(path: string, body: unknown) =>
    request<Body>(
      box,
      send,
      path,
      { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } },
      {},
    )

  return {
    status: (options?: Cancellable) => get<StatusBody>('/api/status', {}, options),
    devices: (query: { after?: string | undefined; limit: number }, options?: Cancellable) =>
      get<DeviceListBody>('/api/devices', query, options),
    device: (id: string, options?: Cancellable) => get<DeviceBody>(`/api/devices/${part(id)}`, {}, options),
    commandsOf: (id: string, options?: Cancellable) =>
      get<{ commands: readonly CommandBody[] }>(`/api/devices/${part(id)}/commands`, {}, options),
    sendCommand: (id: string, command: CommandRequest) =>
      post<CommandBody>(`/api/devices/${part(id)}/commands`, command),
    topics: (options?: Cancellable) => get<{ topics: readonly TopicBody[] }>('/api/topics', {}, options),
    messages: (
      topic: string,
      query: { partition: number; from: number; limit: number },
      options?: Cancellable,
    ) => get<MessageListBody>(`/api/topics/${part(topic)}/messages`, query, options),
    publish: (topic: string, event: PublishRequest) =>
      post<PublishBody>(`/api/topics/${part(topic)}/messages`, event),
    deadLetterTopics: (options?: Cancellable) =>
      get<{ topics: readonly DeadLetterTopicBody[] }>('/api/dead-letters', {}, options),
    deadLetters: (topic: string, query: { from: number; limit: number }, options?: Cancellable) =>
      get<{ letters: readonly DeadLetterBody[]; next: number }>(
        `/api/dead-letters/${part(topic)}`,
        query,
        options,
      ),
    replay: (topic: string, offsets?: readonly number[]) =>
      post<ReplayBody>(`/api/dead-letters/${part(topic)}/replay`, offsets ? { offsets } : {}),
    document: (collection: string, id: string, options?: Cancellable) =>
      get<DocumentBody>(`/api/collections/${part(collection)}/documents/${part(id)}`, {}, options),
    documents: (
      collection: string,
      query: { after?: string | undefined; limit: number },
      options?: Cancellable,
    ) =>
      get<{ documents: readonly DocumentBody[]; next?: string }>(
        `/api/collections/${part(collection)}/documents`,
        query,
        options,
      ),
  }
}

/** The header that carries a token. */
export const authorization = (token: string | undefined): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` }

async function request<Body>(
  box: TokenBox,
  send: typeof fetch,
  address: string,
  init: RequestInit,
  options: Cancellable,
): Promise<Body> {
  const token = box.current()
  const limit = AbortSignal.timeout(REQUEST_MS_MAX)
  const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit
  const headers = { accept: 'application/json', ...authorization(token), ...(init.headers as object) }
  try {
    const response = await send(address, { ...init, headers, signal })
    if (response.ok) return (await response.json()) as Body
    if (response.status === 401) box.reject(token)
    throw await problemOfResponse(response)
  } catch (thrown) {
    if (options.signal?.aborted) throw options.signal.reason
    if (thrown instanceof TypeError || thrown instanceof DOMException) throw unreachableProblem(thrown)
    if (thrown instanceof SyntaxError) throw unreachableProblem(thrown)
    throw thrown
  }
}
