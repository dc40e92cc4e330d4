import type { IncomingMessage, ServerResponse } from 'node:http'
import fastifyStatic from '@fastify/static'
import fastifySwagger from '@fastify/swagger'
import { millraceError } from '@millrace/kernel'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  LogController,
  type RawServerDefault,
} from 'fastify'
import { jsonSchemaTransform, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { pino } from 'pino'
import type { Backbone } from '../running-app.ts'
import { VERSION } from '../version.ts'
import { requireToken } from './authentication.ts'
import { commandRoutes } from './command-routes.ts'
import { deadLetterRoutes } from './dead-letter-routes.ts'
import { deviceRoutes } from './device-routes.ts'
import { documentRoutes } from './document-routes.ts'
import { type LiveFeed, openLiveFeed } from './live-feed.ts'
import { liveRoutes } from './live-routes.ts'
import { PROBLEM_JSON, toProblem } from './problems.ts'
import { projectionRoutes } from './projection-routes.ts'
import { statusOf, statusRoutes } from './status-routes.ts'
import { streamRoutes } from './stream-routes.ts'
import { topicRoutes } from './topic-routes.ts'

/** A request's body may not be larger. */
const BODY_BYTES_MAX = 1_048_576

/** Fastify whose handlers get their types from the zod schemas of the route. */
export type TypedApi = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>

/** Answers that were errors, since the start. */
export interface HttpCounters {
  requestsRefused: number
  requestsFailed: number
}

/** What every group of routes is given. */
export interface RouteContext {
  readonly backbone: Backbone
  readonly live: LiveFeed
  readonly counters: Readonly<HttpCounters>
  readonly httpAddress: () => { readonly host: string; readonly port: number }
}

export interface HttpServerOptions {
  readonly apiToken: string
  readonly consoleDirectory: string | undefined
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
}

export interface HttpServer {
  readonly url: string
  /** Ends live streams, lets other requests finish, and closes the port. */
  close(): Promise<void>
}

/**
 * Serves the API under /api (every call needs the token), /openapi.json, /healthz, and the console.
 *
 * @throws LISTENER_ADDRESS_IN_USE
 */
export async function startHttpServer(backbone: Backbone, options: HttpServerOptions): Promise<HttpServer> {
  const { host, port } = backbone.settings.http
  const server = Fastify({
    bodyLimit: BODY_BYTES_MAX,
    loggerInstance: pino(
      { level: options.logLevel, redact: ['req.headers.authorization'] },
      pino.destination(2),
    ),
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
  }) as unknown as FastifyInstance
  server.setValidatorCompiler(validatorCompiler)
  // Answers are ours: a test holds them against their schemas, so that readers do not pay for it at every request.
  server.setSerializerCompiler(() => (body) => JSON.stringify(body))
  const counters: HttpCounters = { requestsRefused: 0, requestsFailed: 0 }
  answerWithProblems(server, counters, options.consoleDirectory !== undefined)
  await describe(server)
  const live = openLiveFeed(backbone, () => statusOf(context))
  const context: RouteContext = { backbone, live, counters, httpAddress: () => addressOf(server, host) }
  server.get('/healthz', { schema: { hide: true } }, async () => ({ status: 'ok' }))
  await server.register((api) => registerApi(api, context, options.apiToken), { prefix: '/api' })
  server.get('/openapi.json', { schema: { hide: true } }, async () => server.swagger())
  if (options.consoleDirectory !== undefined) await serveConsole(server, options.consoleDirectory)
  await listen(server, host, port)
  const address = addressOf(server, host)
  return {
    url: `http://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`,
    close: async () => {
      await live.close()
      await server.close()
    },
  }
}

async function registerApi(api: FastifyInstance, context: RouteContext, apiToken: string): Promise<void> {
  api.addHook('onRequest', requireToken(apiToken))
  const typed = api.withTypeProvider<ZodTypeProvider>()
  for (const routes of [
    statusRoutes,
    deviceRoutes,
    commandRoutes,
    topicRoutes,
    deadLetterRoutes,
    documentRoutes,
    streamRoutes,
    projectionRoutes,
    liveRoutes,
  ]) {
    routes(typed, context)
  }
}

function answerWithProblems(server: FastifyInstance, counters: HttpCounters, hasConsole: boolean): void {
  const send = (reply: FastifyReply, error: unknown) => {
    const problem = toProblem(error)
    if (problem.status >= 500) {
      counters.requestsFailed += 1
      reply.log.error(error)
    } else counters.requestsRefused += 1
    if (problem.status === 401) reply.header('www-authenticate', 'Bearer')
    return reply.code(problem.status).type(PROBLEM_JSON).send(JSON.stringify(problem))
  }
  server.setErrorHandler((error, _request, reply) => send(reply, error))
  server.setNotFoundHandler((request, reply) => {
    const path = pathOf(request.url)
    // The console finds its own pages (/topics/greenhouse.reading); /api and /assets have nothing to find.
    if (hasConsole && request.method === 'GET' && !/^\/(api|assets)\//.test(path))
      return reply.sendFile('index.html')
    return send(reply, millraceError('API_NOT_FOUND', { path }))
  })
}

function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? url
}

async function describe(server: FastifyInstance): Promise<void> {
  await server.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Millrace',
        version: VERSION,
        description:
          'Devices, commands, topics, streams, documents, projections and dead letters of one application.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
  })
}

/** Styles are set by script in the console's component library, hence 'unsafe-inline' for styles and nothing else. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'"

async function serveConsole(server: FastifyInstance, directory: string): Promise<void> {
  await server.register(fastifyStatic, {
    root: directory,
    setHeaders: (response, path) => {
      response.header('content-security-policy', CONTENT_SECURITY_POLICY)
      response.header('x-content-type-options', 'nosniff')
      response.header('referrer-policy', 'no-referrer')
      const isHashed = path.includes('/assets/')
      response.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache')
    },
    cacheControl: false,
  })
}

async function listen(server: FastifyInstance, host: string, port: number): Promise<void> {
  try {
    await server.listen({ host, port })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw millraceError('LISTENER_ADDRESS_IN_USE', {
      address: `${host}:${port}`,
      purpose: 'the HTTP API',
      setting: 'http.port',
    })
  }
}

function addressOf(server: FastifyInstance, host: string): { host: string; port: number } {
  const address = server.server.address()
  return { host, port: typeof address === 'object' && address !== null ? address.port : 0 }
}
