import type { GroupInfo, Position, TopicInfo } from '@millrace/bus'
import { type Database, readOne } from '@millrace/documents'
import { formatTime } from '@millrace/kernel'
import { type CollectionBody, type ProcessorBody, type StatusBody, statusBody } from '../api-shapes.ts'
import type { Backbone, RunningProcessor } from '../running-app.ts'
import { VERSION } from '../version.ts'
import type { RouteContext, TypedApi } from './http-server.ts'

/** `GET /api/status`: how the application is doing. */
export function statusRoutes(api: TypedApi, context: RouteContext): void {
  api.get(
    '/status',
    { schema: { summary: 'How the application is doing', tags: ['status'], response: { 200: statusBody } } },
    () => statusOf(context),
  )
}

/** The status right now. */
export async function statusOf({ backbone, counters, httpAddress }: RouteContext): Promise<StatusBody> {
  const { definition, bus, database, devices, fleet, runtime, startedAtMs } = backbone
  return {
    application: definition.name,
    version: VERSION,
    startedAt: formatTime(startedAtMs),
    uptimeMs: Math.max(0, runtime.clock.now() - startedAtMs),
    memoryBytes: process.memoryUsage.rss(),
    engines: {
      bus: bus.supports.engine,
      store: database.supports.engine,
      durable: bus.supports.durable && database.supports.durable,
    },
    listeners: { mqtt: devices.address, http: httpAddress() },
    devices: await fleet.counts(),
    counters: { ...devices.counters, ...counters },
    processors: await processorBodies(backbone),
    collections: await collectionBodies(backbone),
  }
}

async function collectionBodies({ definition, database }: Backbone): Promise<CollectionBody[]> {
  const names = (definition.projections ?? []).map(({ collection }) => collection.name)
  const counts = await Promise.all(
    names.map((collection) => readOne(database, { kind: 'count', collection })),
  )
  return names.map((name, index) => ({ name, documents: counts[index] ?? 0 }))
}

async function processorBodies({ bus, database, processors }: Backbone): Promise<ProcessorBody[]> {
  const [topics, groups] = await Promise.all([bus.listTopics(), bus.listGroups()])
  return Promise.all(
    processors.map(async (running) => {
      const { name } = running.processor
      const stored = running.kind === 'projection' ? await positionsIn(database, name) : undefined
      return bodyOf(running, lagOf(running.topics, topics, stored ?? positionsOf(groups, name)))
    }),
  )
}

function positionsIn(database: Database, processor: string) {
  return readOne(database, { kind: 'positions', processor })
}

function positionsOf(groups: readonly GroupInfo[], name: string): readonly Position[] {
  return groups.find(({ group }) => group === name)?.positions ?? []
}

/** Messages between the positions and the ends of the topics. */
function lagOf(
  names: readonly string[],
  topics: readonly TopicInfo[],
  positions: readonly Position[],
): number {
  let lag = 0
  for (const { name, partitions } of topics) {
    if (!names.includes(name)) continue
    for (const { partition, startOffset, endOffset } of partitions) {
      const position = positions.find(
        (candidate) => candidate.topic === name && candidate.partition === partition,
      )
      lag += endOffset - Math.min(endOffset, Math.max(startOffset, position?.offset ?? startOffset))
    }
  }
  return lag
}

function bodyOf({ kind, topics, processor }: RunningProcessor, lag: number): ProcessorBody {
  const { state, handled, retried, deadLettered, inFlight, lastError } = processor.stats
  return {
    name: processor.name,
    kind,
    state,
    topics: [...topics],
    handled,
    retried,
    deadLettered,
    inFlight,
    lag,
    ...(lastError && {
      lastError: { code: lastError.code, message: lastError.message, at: formatTime(lastError.atMs) },
    }),
  }
}
