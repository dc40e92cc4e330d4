import { listDeadLetters, readDeadLetters, replayDeadLetters } from '@millrace/bus'
import { formatTime } from '@millrace/kernel'
import * as z from 'zod'
import { deadLetterListBody, deadLetterTopicListBody, replayBody, replayRequest } from '../api-shapes.ts'
import type { RouteContext, TypedApi } from './http-server.ts'
import { toContentBody } from './message-body.ts'

const tags = ['dead letters']
const params = z.object({ topic: z.string() })

/** Messages that were given up: which, why, and trying them again. */
export function deadLetterRoutes(api: TypedApi, { backbone: { bus } }: RouteContext): void {
  api.get(
    '/dead-letters',
    {
      schema: { summary: 'Topics that have dead letters', tags, response: { 200: deadLetterTopicListBody } },
    },
    async () => ({ topics: [...(await listDeadLetters(bus))] }),
  )
  api.get(
    '/dead-letters/:topic',
    {
      schema: {
        summary: 'Dead letters of a topic with their causes, oldest first',
        tags,
        params,
        querystring: z.object({
          from: z.coerce.number().int().min(0).default(0),
          limit: z.coerce.number().int().min(1).max(1000).default(50),
        }),
        response: { 200: deadLetterListBody },
      },
    },
    async ({ params: { topic }, query: { from, limit } }) => {
      const { letters, nextOffset } = await readDeadLetters(bus, topic, { fromOffset: from, limit })
      const bodies = letters.map(({ offset, diedAtMs, cause, replayed, message }) => ({
        topic,
        offset,
        diedAt: formatTime(diedAtMs),
        ...cause,
        replayed,
        message: toContentBody(message),
      }))
      return { letters: bodies, next: nextOffset }
    },
  )
  api.post(
    '/dead-letters/:topic/replay',
    {
      schema: {
        summary: 'Gives dead letters back to the group that gave up; each at most once',
        tags,
        params,
        body: replayRequest,
        response: { 200: replayBody },
      },
    },
    async ({ params: { topic }, body: { offsets } }) =>
      replayDeadLetters(bus, topic, offsets === undefined ? {} : { offsets }),
  )
}
