import { loadPeer, peerVersion } from '../../log/stores/peer-packages.ts'
import {
  BATCH_EVENTS,
  DOCUMENTS,
  type OpenContender,
  type ProjectionContender,
  reading,
  type StorePlan,
  zoneOf,
} from '../store-plan.ts'
import { connectPg } from './pg-client.ts'

interface PeerEvent {
  readonly type: string
  readonly data: object
}

/** As much of Emmett and Pongo as is used here. */
interface Emmett {
  getPostgreSQLEventStore(url: string): {
    appendToStream(stream: string, events: readonly PeerEvent[]): Promise<unknown>
    close(): Promise<void>
  }
  pongoSingleStreamProjection(options: object): object
  postgreSQLEventStoreConsumer(options: object): {
    projector(options: object): unknown
    start(): Promise<void>
    stop(): Promise<void>
    close(): Promise<void>
  }
}
interface PongoCollection {
  insertMany(documents: readonly object[]): Promise<unknown>
  replaceOne(filter: object, document: object): Promise<unknown>
  findOne(filter: object): Promise<object | null>
  find(filter: object): Promise<readonly object[]>
}
interface Pongo {
  pongoClient(url: string): {
    db(): { collection(name: string): PongoCollection }
    close(): Promise<void>
  }
}
const PACKAGE = '@event-driven-io/emmett-postgresql'
const LOOK_MS = 20

/** Emmett's event store and Pongo's documents, as their documentation shows them. */
export function emmettPlan(): StorePlan {
  const version = peerVersion(PACKAGE) ?? ''
  return {
    id: 'emmett',
    name: 'Emmett + Pongo',
    engine: 'postgres',
    role: 'peer',
    settings: `emmett-postgresql ${version}, pongo ${peerVersion('@event-driven-io/pongo') ?? ''}, defaults; consumer batchSize 500; a GIN index on data, which its "@> … OR jsonb_path_exists" cannot use`,
    open: (_directory, url) => openEmmett(url),
  }
}

async function openEmmett(url: string): Promise<OpenContender> {
  const emmett = loadPeer<Emmett>(PACKAGE)
  const store = emmett.getPostgreSQLEventStore(url)
  const pongo = loadPeer<Pongo>('@event-driven-io/pongo').pongoClient(url)
  const documents = pongo.db().collection('documents')
  const client = await connectPg(url)
  const append = async (stream: string, turn: number, count: number) => {
    await store.appendToStream(
      stream,
      Array.from({ length: count }, (_, index) => ({ type: 'reading', data: reading(turn + index) })),
    )
    return count
  }
  await documents.insertMany(Array.from({ length: DOCUMENTS }, (_, turn) => documentOf(turn)))
  await client.query(`CREATE INDEX ON documents USING gin (data jsonb_path_ops)`)
  await client.query('ANALYZE')
  return {
    steps: {
      'append one': (turn) => append(`s-${turn % 100}`, turn, 1),
      'append batch': (turn) => append(`b-${turn % 100}`, turn, BATCH_EVENTS),
      'store document': async (turn) => {
        await documents.replaceOne({ _id: `d-${turn % DOCUMENTS}` }, documentOf(turn))
        return 1
      },
      'load document': async (turn) => {
        await documents.findOne({ _id: `d-${(turn * 31) % DOCUMENTS}` })
        return 1
      },
      'query index': async (turn) => ((await documents.find({ zone: zoneOf(turn) })).length > 0 ? 1 : 0),
    },
    projections: projections(emmett, url, append, client),
    [Symbol.asyncDispose]: async () => {
      await client.end()
      await pongo.close()
      await store.close()
    },
  }
}

function projections(
  emmett: Emmett,
  url: string,
  append: (stream: string, turn: number, count: number) => Promise<number>,
  client: { query(text: string): Promise<{ rows: readonly Record<string, unknown>[] }> },
): ProjectionContender {
  let wanted = 0
  let runs = 0
  const total = async () => {
    const { rows } = await client.query(
      `SELECT sum((data ->> 'count')::bigint) AS total FROM counted_${runs}`,
    )
    return Number(rows[0]?.total ?? 0)
  }
  const project = async () => {
    runs += 1
    const projection = emmett.pongoSingleStreamProjection({
      collectionName: `counted_${runs}`,
      canHandle: ['reading'],
      evolve: (document: { count: number } | null, event: PeerEvent) => ({
        ...document,
        ...event.data,
        count: (document?.count ?? 0) + 1,
      }),
    })
    const consumer = emmett.postgreSQLEventStoreConsumer({
      connectionString: url,
      pulling: { batchSize: 500 },
    })
    // Without a condition to stop, this version's projector ends by itself at once.
    consumer.projector({ projection, processorId: `counted_${runs}`, stopAfter: () => false })
    const ended = consumer.start()
    while ((await total().catch(() => 0)) < wanted) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    await consumer.stop()
    await ended
    await consumer.close()
  }
  return {
    fill: async (events, streams) => {
      const each = Math.ceil(events / streams)
      for (let stream = 0; stream < streams; stream += 1) await append(`f-${stream}`, stream, each)
      const { rows } = await client.query(`SELECT count(*) AS count FROM emt_messages`)
      wanted = Number(rows[0]?.count)
    },
    project,
    total,
  }
}

function documentOf(turn: number) {
  return { _id: `d-${turn % DOCUMENTS}`, ...reading(turn) }
}
