import type { RecordedEvent } from '@millrace/event-store'
import { formatTime, millraceError, toJsonObject } from '@millrace/kernel'
import * as z from 'zod'
import {
  type AppendRequest,
  appendBody,
  appendRequest,
  type StreamEventBody,
  streamBody,
  streamEventListBody,
} from '../api-shapes.ts'
import type { Backbone } from '../running-app.ts'
import type { RouteContext, TypedApi } from './http-server.ts'

const tags = ['streams']
const params = z.object({ stream: z.string() })

/** Streams of events in the store. */
export function streamRoutes(api: TypedApi, { backbone }: RouteContext): void {
  const { events } = backbone
  api.get(
    '/streams/:stream',
    { schema: { summary: 'What is known about a stream', tags, params, response: { 200: streamBody } } },
    async ({ params: { stream }, url }) => {
      const info = await events.streamInfo(stream)
      if (info === undefined) throw millraceError('API_NOT_FOUND', { path: url })
      const { streamType, version, state, createdAtMs, changedAtMs } = info
      return {
        stream,
        version,
        state,
        createdAt: formatTime(createdAtMs),
        changedAt: formatTime(changedAtMs),
        ...(streamType === undefined ? {} : { streamType }),
      }
    },
  )
  api.get(
    '/streams/:stream/events',
    {
      schema: {
        summary: 'Events of a stream, in order',
        tags,
        params,
        querystring: z.object({
          from: z.coerce.number().int().min(1).optional().describe('A version'),
          direction: z.enum(['forwards', 'backwards']).default('forwards'),
          limit: z.coerce.number().int().min(1).max(1000).default(100),
        }),
        response: { 200: streamEventListBody },
      },
    },
    async ({ params: { stream }, query: { from, direction, limit } }) => {
      const found = await events
        .readStream(stream, { direction, limit, ...(from === undefined ? {} : { fromVersion: from }) })
        .toArray()
      return { events: found.map(toEventBody) }
    },
  )
  api.post(
    '/streams/:stream/events',
    {
      schema: {
        summary: 'Appends events of declared types; answers when they are durable',
        tags,
        params,
        body: appendRequest,
        response: { 201: appendBody },
      },
    },
    async ({ params: { stream }, body }, reply) => reply.code(201).send(await append(backbone, stream, body)),
  )
}

/** In a session, so that inline projections are part of the unit. */
async function append({ definition, store }: Backbone, stream: string, request: AppendRequest) {
  const types = new Map((definition.streams?.events ?? []).map((type) => [type.type, type]))
  const drafts = request.events.map(({ type: name, data, subject }) => {
    const type = types.get(name)
    if (type === undefined) {
      throw millraceError('API_REQUEST_INVALID', {
        seen: `the event type ${JSON.stringify(name)}, which is not declared for streams`,
        expected: `one of ${[...types.keys()].map((each) => JSON.stringify(each)).join(', ') || 'streams.events'}`,
      })
    }
    const options = subject === undefined ? {} : { subject }
    return type.draft(dataOf(type, data), options)
  })
  await using session = store.session()
  const { expectedVersion, streamType, publish } = request
  const appended = session.events.append(stream, drafts, {
    publish,
    ...(expectedVersion === undefined ? {} : { expectedVersion }),
    ...(streamType === undefined ? {} : { streamType }),
  })
  await session.saveChanges()
  return { stream, version: appended.version ?? 0, position: appended.position ?? 0 }
}

/** The data as the type's schema gives it back. */
function dataOf(
  type: NonNullable<NonNullable<Backbone['definition']['streams']>['events']>[number],
  data: unknown,
): unknown {
  const probe = { id: '-', type: type.type, source: '/api', time: '1970-01-01T00:00:00Z', data }
  return type.parse(probe).data
}

function toEventBody(event: RecordedEvent): StreamEventBody {
  const { position, version, recordedAtMs, correlationId, causationId } = event
  return {
    position,
    version,
    recordedAt: formatTime(recordedAtMs),
    event: toJsonObject(event),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(causationId === undefined ? {} : { causationId }),
  }
}
