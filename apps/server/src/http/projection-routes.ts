import type { RelayProgress } from '@millrace/event-store'
import { formatTime, millraceError } from '@millrace/kernel'
import type { Daemon, ProjectionProgress } from '@millrace/projections'
import * as z from 'zod'
import {
  type ProjectionBody,
  projectionLetterListBody,
  projectionListBody,
  type RelayBody,
  relayBody,
  waitRequest,
} from '../api-shapes.ts'
import type { Backbone } from '../running-app.ts'
import type { RouteContext, TypedApi } from './http-server.ts'

const tags = ['projections']
const params = z.object({ projection: z.string() })
const done = { 204: z.null() }

/** Projections that are fed from the streams: how they are, and what people do with them. */
export function projectionRoutes(api: TypedApi, { backbone }: RouteContext): void {
  api.get(
    '/projections',
    {
      schema: { summary: 'How all projections of streams are', tags, response: { 200: projectionListBody } },
    },
    async () => ({ projections: ((await backbone.streams?.daemon.progress()) ?? []).map(toBody) }),
  )
  actions(api, backbone)
  api.post(
    '/projections/:projection/wait',
    {
      schema: {
        summary: 'Answers when its documents hold every event that was there at the call',
        tags,
        params,
        body: waitRequest,
        response: done,
      },
    },
    async ({ params: { projection }, body: { timeoutMs } }, reply) => {
      await daemonOf(backbone).waitForNonStale([projection], { timeoutMs })
      return reply.code(204).send(null)
    },
  )
  oneStream(api, backbone)
  letters(api, backbone)
  api.get(
    '/relay',
    {
      schema: {
        summary: 'How far stored events are on their way to the bus',
        tags,
        response: { 200: relayBody },
      },
    },
    async ({ url }) => {
      if (backbone.streams === undefined) throw millraceError('API_NOT_FOUND', { path: url })
      return toRelayBody(backbone.streams.relay.progress)
    },
  )
}

function oneStream(api: TypedApi, backbone: Backbone): void {
  api.post(
    '/projections/:projection/streams/:stream/rebuild',
    {
      schema: {
        summary: 'Makes the document of one stream again; answers when it is done',
        tags,
        params: params.extend({ stream: z.string() }),
        response: done,
      },
    },
    async ({ params: { projection, stream } }, reply) => {
      await daemonOf(backbone).rebuildStream(projection, stream)
      return reply.code(204).send(null)
    },
  )
}

/** What is said to one projection. */
function actions(api: TypedApi, backbone: Backbone): void {
  const acts = {
    rebuild: {
      summary: 'Begins to make its documents again; the old ones are served meanwhile',
      act: (daemon: Daemon, name: string) => daemon.rebuild(name),
    },
    'cancel-rebuild': {
      summary: 'Gives up a rebuild side by side',
      act: (daemon: Daemon, name: string) => daemon.cancelRebuild(name),
    },
    pause: {
      summary: 'Stops it on every node; answers when nothing is written any more',
      act: (daemon: Daemon, name: string) => daemon.pause(name),
    },
    resume: {
      summary: 'Lets it go on after a pause or an error',
      act: (daemon: Daemon, name: string) => daemon.resume(name),
    },
  }
  for (const [name, { summary, act }] of Object.entries(acts)) {
    api.post(
      `/projections/:projection/${name}`,
      { schema: { summary, tags, params, response: done } },
      async ({ params: { projection } }, reply) => {
        await act(daemonOf(backbone), projection)
        return reply.code(204).send(null)
      },
    )
  }
}

function letters(api: TypedApi, backbone: Backbone): void {
  api.get(
    '/projections/:projection/dead-letters',
    {
      schema: {
        summary: 'Events that it has left out, and why',
        tags,
        params,
        querystring: z.object({
          offset: z.coerce.number().int().min(0).default(0),
          limit: z.coerce.number().int().min(1).max(1000).default(100),
        }),
        response: { 200: projectionLetterListBody },
      },
    },
    async ({ params: { projection }, query }) => {
      const { letters, total } = await daemonOf(backbone).deadLetters({ projection, ...query })
      return { letters: letters.map((letter) => ({ ...letter })), total }
    },
  )
  api.post(
    '/projections/:projection/dead-letters/:letter/replay',
    {
      schema: {
        summary: 'Applies an event that was left out to the documents as they are now',
        tags,
        params: params.extend({ letter: z.string() }),
        response: done,
      },
    },
    async ({ params: { letter } }, reply) => {
      await daemonOf(backbone).replayDeadLetter(letter)
      return reply.code(204).send(null)
    },
  )
}

function daemonOf({ streams }: Backbone): Daemon {
  if (streams !== undefined) return streams.daemon
  throw millraceError('API_NOT_FOUND', { path: '/api/projections: this application declares no streams' })
}

function toBody(progress: ProjectionProgress): ProjectionBody {
  const { name, kind, version, state, error, feedEnd, behind, eventsPerSecond, deadLetters, rebuild } =
    progress
  return {
    name,
    kind,
    version,
    state,
    feedEnd,
    position: Math.min(feedEnd, ...progress.shards.map(({ position }) => position)),
    behind,
    eventsPerSecond: Math.round(eventsPerSecond),
    deadLetters,
    shards: progress.shards.length,
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
    ...(rebuild === undefined
      ? {}
      : {
          rebuild: {
            state: rebuild.state,
            done: rebuild.done,
            eventsPerSecond: Math.round(rebuild.eventsPerSecond),
            ...(rebuild.error === undefined
              ? {}
              : { error: { code: rebuild.error.code, message: rebuild.error.message } }),
          },
        }),
  }
}

function toRelayBody({ lastError, ...progress }: RelayProgress): RelayBody {
  const failure = lastError && {
    lastError: { code: lastError.code, message: lastError.message, at: formatTime(lastError.atMs) },
  }
  return { ...progress, lagMs: Math.round(progress.lagMs), ...failure }
}
