import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ErrorCode, MillraceError, millraceError } from '@millrace/kernel'
import type { ProblemBody } from '@millrace/server'

/** How long an answer may take, in milliseconds. */
const ANSWER_MS_MAX = 30_000

/** What a running server leaves in its data directory so that commands beside it find it. */
export interface ServerFile {
  readonly url: string
  readonly mqtt: { readonly host: string; readonly port: number }
  readonly pid: number
}

export const SERVER_FILE = 'server.json'

/** Where the server is and how to get in. */
export interface ApiOptions {
  readonly url?: string | undefined
  readonly token?: string | undefined
  readonly dataDirectory: string
}

/** One server-sent event. */
export interface ServerSentEvent {
  readonly name: string
  readonly id: string
  readonly data: unknown
}

/** Calls the HTTP API of a running server. */
export interface ApiClient {
  readonly url: string
  get<Body>(path: string): Promise<Body>
  post<Body>(path: string, body: unknown): Promise<Body>
  /** Server-sent events, until `signal` aborts (then it ends quietly) or the server ends. */
  follow(path: string, signal: AbortSignal): AsyncGenerator<ServerSentEvent>
}

/**
 * A client for the server named by `--url` and `MILLRACE_URL`, or else for the one that runs in the data directory.
 *
 * @throws API_UNREACHABLE if nothing says where the server is; later, when it does not answer
 */
export async function apiClient(options: ApiOptions): Promise<ApiClient> {
  const url = (options.url ?? process.env.MILLRACE_URL ?? (await urlFrom(options.dataDirectory))).replace(
    /\/$/,
    '',
  )
  const token = options.token ?? process.env.MILLRACE_TOKEN ?? (await tokenFrom(options.dataDirectory))
  const call = (path: string, init: RequestInit) =>
    answer(url, path, { ...init, headers: headersOf(token, init) })
  return {
    url,
    get: async <Body>(path: string) => (await (await call(path, {})).json()) as Body,
    post: async <Body>(path: string, body: unknown) =>
      (await bodyOf(await call(path, { method: 'POST', body: JSON.stringify(body) }))) as Body,
    follow: (path, signal) =>
      follow(() => call(path, { signal, headers: { accept: 'text/event-stream' } }), signal),
  }
}

function headersOf(token: string | undefined, { headers, body }: RequestInit): Headers {
  const all = new Headers(headers)
  if (token !== undefined) all.set('authorization', `Bearer ${token}`)
  if (body !== undefined && body !== null) all.set('content-type', 'application/json')
  return all
}

/** Undefined of an answer that has none. */
async function bodyOf(response: Response): Promise<unknown> {
  return response.status === 204 ? undefined : response.json()
}

async function answer(url: string, path: string, init: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(ANSWER_MS_MAX), ...init })
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw millraceError('API_UNREACHABLE', { url }, { cause: error })
  }
  if (response.ok) return response
  throw problemError(await response.json().catch(() => undefined), response.status)
}

/** The server's error as the error it was there. */
function problemError(body: unknown, status: number): Error {
  const problem = body as ProblemBody | undefined
  const expected = problem?.detail.replace(/^Expected /, '').replace(/\.$/, '') ?? 'an answer'
  return new ApiProblem(problem?.title ?? `HTTP status ${status}`, expected, problem)
}

/** A problem that the server answered with. */
class ApiProblem extends MillraceError<'API_REQUEST_INVALID'> {
  override readonly remedy: string
  override readonly retryable: boolean
  // The code is the server's own, which may be newer than this client's catalogue.
  declare readonly code: 'API_REQUEST_INVALID'

  constructor(seen: string, expected: string, problem: ProblemBody | undefined) {
    super('API_REQUEST_INVALID', { seen, expected })
    this.remedy = problem?.remedy ?? 'Look at the server’s log.'
    this.retryable = problem?.retryable ?? false
    Object.assign(this, { seen, expected, code: (problem?.code ?? this.code) as ErrorCode })
  }
}

async function* follow(open: () => Promise<Response>, signal: AbortSignal): AsyncGenerator<ServerSentEvent> {
  try {
    const response = await open()
    if (response.body === null) return
    let text = ''
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk
      const frames = text.split('\n\n')
      text = frames.pop() ?? ''
      for (const frame of frames) {
        const event = parseFrame(frame)
        if (event !== undefined) yield event
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

function parseFrame(frame: string): ServerSentEvent | undefined {
  const fields = new Map(
    frame.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  )
  const data = fields.get('data')
  if (data === undefined) return undefined
  return { name: fields.get('event') ?? 'message', id: fields.get('id') ?? '', data: JSON.parse(data) }
}

async function urlFrom(dataDirectory: string): Promise<string> {
  try {
    const { url } = JSON.parse(await readFile(join(dataDirectory, SERVER_FILE), 'utf8')) as ServerFile
    return url
  } catch (error) {
    throw millraceError(
      'API_UNREACHABLE',
      { url: `the address in ${join(dataDirectory, SERVER_FILE)}` },
      { cause: error },
    )
  }
}

async function tokenFrom(dataDirectory: string): Promise<string | undefined> {
  return readFile(join(dataDirectory, 'api-token'), 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  )
}
