import { newId } from '@millrace/kernel'
import * as z from 'zod'
import type { Backbone } from '../running-app.ts'
import type { RouteContext, TypedApi } from './http-server.ts'
import { endsOf } from './live-feed.ts'
import { toMessageBody } from './message-body.ts'
import { SseStream } from './sse-stream.ts'
import { partitionOf } from './topic-routes.ts'

const tags = ['live']

/** Streams of server-sent events. They end when the reader goes or the server closes. */
export function liveRoutes(api: TypedApi, { backbone, live }: RouteContext): void {
  api.get(
    '/live',
    {
      schema: {
        summary: 'What happens, as server-sent events: device, reading, command, status, lost',
        tags,
        produces: ['text/event-stream'],
        querystring: z.object({ device: z.string().optional() }),
      },
    },
    ({ query }, reply) => {
      reply.hijack()
      live.add(new SseStream(reply.raw), query.device)
    },
  )
  api.get(
    '/topics/:topic/live',
    {
      schema: {
        summary: 'Messages of one partition as they come, as server-sent events; the id is the offset',
        tags,
        produces: ['text/event-stream'],
        params: z.object({ topic: z.string() }),
        querystring: z.object({
          partition: z.coerce.number().int().min(0).default(0),
          from: z.union([z.literal('end'), z.coerce.number().int().min(0)]).default('end'),
        }),
      },
    },
    async ({ params: { topic }, query: { partition, from }, headers }, reply) => {
      const { startOffset, endOffset } = await partitionOf(backbone, topic, partition)
      const lastSeen = Number(headers['last-event-id'] ?? Number.NaN)
      const wanted = Number.isInteger(lastSeen) ? lastSeen + 1 : from === 'end' ? endOffset : from
      const offset = Math.min(endOffset, Math.max(startOffset, wanted))
      reply.hijack()
      void streamTopic(backbone, new SseStream(reply.raw), { topic, partition, offset })
    },
  )
}

/** A group of its own with explicit positions, so that it commits nothing and leaves nothing behind. */
async function streamTopic(
  { bus, runtime }: Backbone,
  stream: SseStream,
  position: { readonly topic: string; readonly partition: number; readonly offset: number },
): Promise<void> {
  const gone = new AbortController()
  stream.onClose(() => gone.abort())
  try {
    const group = `millrace.tail.${newId(runtime)}`
    const others = endsOf(await bus.listTopics(), [position.topic]).filter(
      ({ partition }) => partition !== position.partition,
    )
    await using subscription = await bus.subscribe({
      group,
      topics: [position.topic],
      positions: [position, ...others],
    })
    subscription.pause(others)
    while (stream.isOpen) {
      for (const message of await subscription.next({ signal: gone.signal, countMax: 200 })) {
        stream.send('message', toMessageBody(message), String(message.offset))
      }
    }
  } catch {
    stream.close() // The reader has gone, or the bus is closing.
  }
}
