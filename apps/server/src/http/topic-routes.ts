import { eventToMessage, type TopicInfo } from '@millrace/bus'
import { type Event, formatTime, millraceError, newId } from '@millrace/kernel'
import * as z from 'zod'
import {
  messageListBody,
  type PublishRequest,
  publishBody,
  publishRequest,
  type TopicBody,
  topicListBody,
} from '../api-shapes.ts'
import type { Backbone } from '../running-app.ts'
import type { RouteContext, TypedApi } from './http-server.ts'
import { toMessageBody } from './message-body.ts'

const tags = ['topics']
const params = z.object({ topic: z.string() })

/** Topics: what there is, what is in them, and publishing one event. */
export function topicRoutes(api: TypedApi, { backbone }: RouteContext): void {
  api.get(
    '/topics',
    { schema: { summary: 'All topics, by name', tags, response: { 200: topicListBody } } },
    async () => ({ topics: (await backbone.bus.listTopics()).map(toTopicBody) }),
  )
  api.get(
    '/topics/:topic/messages',
    {
      schema: {
        summary: 'Messages of one partition, in order',
        tags,
        params,
        querystring: z.object({
          partition: z.coerce.number().int().min(0).default(0),
          from: z.coerce.number().int().default(0).describe('An offset; negative: that many before the end'),
          limit: z.coerce.number().int().min(1).max(1000).default(50),
        }),
        response: { 200: messageListBody },
      },
    },
    ({ params: { topic }, query }) => readMessages(backbone, topic, query),
  )
  api.post(
    '/topics/:topic/messages',
    {
      schema: {
        summary: 'Publishes one event of a declared type; answers when it is durable',
        tags,
        params,
        body: publishRequest,
        response: { 201: publishBody },
      },
    },
    async ({ params: { topic }, body }, reply) => reply.code(201).send(await publish(backbone, topic, body)),
  )
}

/** A topic as the API shows it. */
export function toTopicBody({ name, exclusive, partitions }: TopicInfo): TopicBody {
  return {
    name,
    exclusive,
    messages: partitions.reduce((sum, { startOffset, endOffset }) => sum + endOffset - startOffset, 0),
    bytes: partitions.reduce((sum, { bytes }) => sum + bytes, 0),
    partitions: partitions.map(({ partition, startOffset, endOffset, bytes }) => ({
      partition,
      startOffset,
      endOffset,
      bytes,
    })),
    system: name.startsWith('millrace.') || name.endsWith('.dead-letters'),
  }
}

/** The partition as it is now; TOPIC_UNKNOWN or PARTITION_UNKNOWN. */
export async function partitionOf({ bus }: Backbone, topic: string, partition: number) {
  const info = (await bus.listTopics()).find(({ name }) => name === topic)
  if (info === undefined) throw millraceError('TOPIC_UNKNOWN', { topic })
  const found = info.partitions.find((candidate) => candidate.partition === partition)
  if (found === undefined) {
    throw millraceError('PARTITION_UNKNOWN', { topic, partition, last: info.partitions.length - 1 })
  }
  return found
}

async function readMessages(
  backbone: Backbone,
  topic: string,
  query: { partition: number; from: number; limit: number },
) {
  const { partition, from, limit } = query
  const { startOffset, endOffset } = await partitionOf(backbone, topic, partition)
  const wanted = from < 0 ? endOffset + from : from
  const offset = Math.min(endOffset, Math.max(startOffset, wanted))
  const found = await backbone.bus.read({ topic, partition, offset }, { countMax: limit })
  const messages = found.map(toMessageBody)
  return { messages, startOffset, endOffset, next: (messages.at(-1)?.offset ?? offset - 1) + 1 }
}

async function publish({ eventTypes, runtime, bus }: Backbone, topic: string, request: PublishRequest) {
  const name = request.type ?? topic
  const type = eventTypes.get(name)
  if (type === undefined || type.topic !== topic) {
    throw millraceError('API_REQUEST_INVALID', {
      seen: `the event type ${JSON.stringify(name)}, which is not declared for the topic ${JSON.stringify(topic)}`,
      expected: `one of ${[...eventTypes.keys()].map((name) => JSON.stringify(name)).join(', ')}`,
    })
  }
  const event: Event = type.parse({
    id: request.id ?? newId(runtime),
    type: name,
    source: '/api',
    time: formatTime(runtime.clock.now()),
    ...(request.subject === undefined ? {} : { subject: request.subject }),
    data: request.data,
  })
  const [placement] = await bus.publish(topic, [eventToMessage(event)])
  const { partition = 0, offset = -1, duplicate = false } = placement ?? {}
  return { id: event.id, topic, partition, offset, duplicate }
}
