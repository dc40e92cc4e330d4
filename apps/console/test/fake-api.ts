import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { CommandRequest, ProblemBody, PublishRequest } from '@millrace/server/api-shapes'
import { siteDirectory } from '../site.js'
import { FakeBackbone } from './fake-backbone.ts'

/** How the fake API misbehaves; may be changed at any time. */
export interface FakeSwitches {
  /** Every answer waits this long, in milliseconds. */
  slowMs: number
  /** Paths that are answered with 503 and a problem. */
  failing: RegExp | undefined
  /** Live streams are cut, and new ones refused with 503. */
  liveDown: boolean
}

export interface FakeApi extends AsyncDisposable {
  readonly address: string
  readonly token: string
  readonly backbone: FakeBackbone
  readonly switches: FakeSwitches
  cutLive(): void
}

export interface FakeApiOptions {
  readonly devices?: number
  readonly pastSeconds?: number
  readonly port?: number
  /** Between two rounds of readings. */
  readonly tickMs?: number
}

/** The policy that the real server sends as well. */
const POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}
const TOKEN = 'mr_test_token'

interface Call {
  readonly backbone: FakeBackbone
  readonly path: readonly string[]
  readonly query: URLSearchParams
  readonly body: unknown
}
type Answer = { readonly status: number; readonly body: unknown }

/** Serves the API's shapes from memory, and the built console, on 127.0.0.1. */
export async function startFakeApi(options: FakeApiOptions = {}): Promise<FakeApi> {
  const backbone = new FakeBackbone({
    devices: options.devices ?? 40,
    pastSeconds: options.pastSeconds ?? 240,
    seed: 8231,
  })
  const switches: FakeSwitches = { slowMs: 0, failing: undefined, liveDown: false }
  const streams = new Set<ServerResponse>()
  const server = createServer((request, response) => {
    answer(request, response, backbone, switches, streams).catch((error: unknown) => {
      response.writeHead(500).end(String(error))
    })
  })
  const ticking = setInterval(() => backbone.tick(), options.tickMs ?? 1_000)
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const cutLive = () => {
    for (const stream of streams) stream.destroy()
  }
  return {
    address: `http://127.0.0.1:${port}`,
    token: TOKEN,
    backbone,
    switches,
    cutLive,
    async [Symbol.asyncDispose]() {
      clearInterval(ticking)
      cutLive()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  backbone: FakeBackbone,
  switches: FakeSwitches,
  streams: Set<ServerResponse>,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://fake')
  if (!url.pathname.startsWith('/api/')) return sendFile(url.pathname, response)
  if (switches.slowMs > 0) await pause(switches.slowMs)
  const path = url.pathname.split('/').slice(2).map(decodeURIComponent)
  const live = path.at(-1) === 'live'
  const send = ({ status, body }: Answer) => {
    const type = status < 400 ? 'application/json' : 'application/problem+json'
    response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body))
  }
  if (request.headers.authorization !== `Bearer ${TOKEN}`) {
    return send(problem(401, 'API_UNAUTHORIZED', 'No API token', 'Send the token of .millrace/api-token.'))
  }
  if (switches.failing?.test(url.pathname) || (live && switches.liveDown)) {
    return send({ ...problem(503, 'BUS_CLOSED', 'The bus is closing', 'Wait until the server is up again.') })
  }
  if (live) return stream(response, { backbone, path, query: url.searchParams, body: undefined }, streams)
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += chunk
  send(
    route(request.method ?? 'GET', {
      backbone,
      path,
      query: url.searchParams,
      body: body ? JSON.parse(body) : {},
    }),
  )
}

function route(method: string, call: Call): Answer {
  const { backbone, path, query } = call
  const [area, name = '', what] = path
  if (area === 'status') return ok(backbone.status())
  if (area === 'devices') return method === 'POST' ? sendCommand(call) : devices(call)
  if (area === 'topics') return method === 'POST' ? publish(call) : topics(call)
  if (area === 'dead-letters') return deadLetters(method, call)
  if (area === 'collections' && what === 'documents') {
    if (!backbone.status().collections.some((each) => each.name === name))
      return unknown('COLLECTION_UNKNOWN', name)
    const all = name === 'benches' ? [...backbone.documents.values()] : []
    if (path[3] !== undefined) {
      const document = all.find((each) => each.id === path[3])
      return document ? ok(document) : unknown('API_NOT_FOUND', path[3])
    }
    const { items, next } = page(all, query)
    return ok({ documents: items, next })
  }
  return unknown('API_NOT_FOUND', path.join('/'))
}

function devices({ backbone, path, query }: Call): Answer {
  const [, id, what] = path
  if (id === undefined) {
    const { items, next } = page(backbone.devices(), query)
    return ok({ devices: items, total: backbone.devices().length, next })
  }
  const device = backbone.device(id)
  if (!device) return unknown('DEVICE_UNKNOWN', id)
  return ok(what === 'commands' ? { commands: backbone.commandsOf(id) } : device)
}

function sendCommand({ backbone, path, body }: Call): Answer {
  const id = path[1] ?? ''
  if (!backbone.device(id)) return unknown('DEVICE_UNKNOWN', id)
  const request = body as CommandRequest
  if (request.name === 'refuse') {
    return problem(
      429,
      'COMMAND_QUEUE_FULL',
      `100 commands wait for ${id}`,
      'Wait until the device has taken some of them.',
    )
  }
  return { status: 201, body: backbone.send(id, request) }
}

function topics({ backbone, path, query }: Call): Answer {
  const [, name] = path
  if (name === undefined) return ok({ topics: [...backbone.topics.values()].map((topic) => topic.body()) })
  const partition = Number(query.get('partition') ?? 0)
  const read = backbone.topics
    .get(name)
    ?.read(partition, Number(query.get('from') ?? 0), Number(query.get('limit') ?? 50))
  return read ? ok(read) : unknown('TOPIC_UNKNOWN', name)
}

function publish({ backbone, path, body }: Call): Answer {
  const topic = backbone.topics.get(path[1] ?? '')
  if (!topic) return unknown('TOPIC_UNKNOWN', path[1] ?? '')
  const { data, subject, id } = body as PublishRequest
  if (topic.name === 'greenhouse.reading' && typeof (data as { celsius?: unknown })?.celsius !== 'number') {
    return problem(422, 'EVENT_SCHEMA_MISMATCH', 'data.celsius is missing', 'Send a number as data.celsius.')
  }
  const { partition, offset, event } = backbone.publish(topic, data, subject, id)
  return { status: 201, body: { id: event?.id, topic: topic.name, partition, offset, duplicate: false } }
}

function deadLetters(method: string, { backbone, path, query, body }: Call): Answer {
  const [, topic, what] = path
  if (method === 'POST' && topic !== undefined && what === 'replay') {
    return ok({ replayed: backbone.replay(topic, (body as { offsets?: readonly number[] }).offsets) })
  }
  if (topic === undefined) {
    const waiting = backbone.letters.filter((letter) => !letter.replayed).length
    const replayed = backbone.letters.length - waiting
    return ok({ topics: waiting + replayed > 0 ? [{ topic: 'greenhouse.reading', waiting, replayed }] : [] })
  }
  const from = Number(query.get('from') ?? 0)
  const letters = backbone.letters
    .filter((letter) => letter.topic === topic && letter.offset >= from)
    .slice(0, Number(query.get('limit') ?? 50))
  return ok({ letters, next: (letters.at(-1)?.offset ?? from - 1) + 1 })
}

function stream(response: ServerResponse, call: Call, streams: Set<ServerResponse>): void {
  const { backbone, path, query } = call
  const topic = path[0] === 'topics' ? backbone.topics.get(path[1] ?? '') : undefined
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  const say = (name: string, body: unknown, id?: number) =>
    response.write(
      `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(body)}\n\n`,
    )
  response.write(': welcome\n\n')
  streams.add(response)
  const partition = Number(query.get('partition') ?? 0)
  const stop = topic
    ? topic.watch((message) => message.partition === partition && say('message', message, message.offset))
    : backbone.listen((name, body) => say(name, body))
  const status = topic ? undefined : setInterval(() => say('status', backbone.status()), 2_000)
  if (!topic) say('status', backbone.status())
  response.once('close', () => {
    stop()
    clearInterval(status)
    streams.delete(response)
  })
}

const ok = (body: unknown): Answer => ({ status: 200, body })

function problem(status: number, code: string, title: string, remedy: string): Answer {
  const detail = 'Expected otherwise.'
  const body: ProblemBody = {
    type: `urn:millrace:error:${code}`,
    title,
    status,
    detail,
    code,
    remedy,
    retryable: status >= 500,
  }
  return { status, body }
}

const unknown = (code: string, name: string) => problem(404, code, `There is no "${name}"`, 'Check the name.')

function page<Item extends { readonly id: string }>(all: readonly Item[], query: URLSearchParams) {
  const after = query.get('after')
  const limit = Number(query.get('limit') ?? 100)
  const sorted = [...all]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .filter((item) => after === null || item.id > after)
  const items = sorted.slice(0, limit)
  return { items, next: sorted.length > limit ? items.at(-1)?.id : undefined }
}

async function sendFile(path: string, response: ServerResponse): Promise<void> {
  const wanted = TYPES[extname(path)] === undefined || path.includes('..') ? 'index.html' : path.slice(1)
  const file = await readFile(new URL(wanted, siteDirectory)).catch(() => undefined)
  const type = TYPES[extname(wanted)] ?? 'application/octet-stream'
  response.writeHead(file ? 200 : 404, { 'content-type': type, 'content-security-policy': POLICY }).end(file)
}
