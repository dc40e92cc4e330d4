import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Bus, messageToEvent, openLogBus } from '@millrace/bus'
import { collection, type Database, openStore, type SaveHook, type Store } from '@millrace/documents'
import { openEventStore, type Relay, startRelay } from '@millrace/event-store'
import { errorText, event, isMillraceError, type Random, randomInteger, seededRandom } from '@millrace/kernel'
import { nodeFiles, nodeRuntime } from '@millrace/node'
import { openPostgres } from '@millrace/postgres'
import { type Daemon, inlineProjections, projection, rows, startDaemon } from '@millrace/projections'
import { openSqlite } from '@millrace/sqlite'
import * as z from 'zod'
import { liveByPlan, reporter } from '../process/started-process.ts'
import { CHAIN_START, chained } from './fold-chain.ts'
import { EVENTS_MAX, STREAMS, STREAMS_A_WRITER, type StorePlan, streamName } from './store-plan.ts'
import type { FoundEvent, FoundFold, StoreReport, UnitName } from './store-report.ts'

/** The program that is killed: one life of a store. */

const report = reporter<StoreReport>()

const Step = event('step', z.object({ unit: z.string(), index: z.number(), events: z.number() }))
const Units = collection('units', z.object({ id: z.string(), stream: z.string(), events: z.number() }), {
  indexes: [{ kind: 'property', name: 'by-stream', properties: ['stream'] }],
})
const Counters = collection('counters', z.object({ id: z.string(), events: z.number() }))
const foldSchema = z.object({ id: z.string(), events: z.number(), chain: z.string() })
const Inline = collection('inline', foldSchema)
const Background = collection('background', foldSchema)

const folded = (name: string, folds: typeof Inline) =>
  projection(name, folds).on(Step, (fold, { stream = '', data }) => ({
    id: stream,
    events: (fold?.events ?? 0) + 1,
    chain: chained(fold?.chain ?? CHAIN_START, data.unit, data.index),
  }))
const unitRows = rows('unit-rows', {
  name: 'unit_rows',
  columns: { unit: 'text', stream: 'text', events: 'number' },
  key: ['unit'],
}).on(Step, ({ stream = '', data }) => ({
  kind: 'put-row',
  key: { unit: data.unit },
  set: { stream },
  add: { events: 1 },
}))

/** The next life of this node takes the leases of the last one over at once. */
const NODE = 'torture'
/** How long the projections and the relay may take to come to the end of the store. */
const END_MS_MAX = 25_000
/** How long a server that was taken down may need, and how often it is asked. */
const UNREACHABLE_MS_MAX = 20_000
const UNREACHABLE_PAUSE_MS = 20

async function live(plan: StorePlan): Promise<void> {
  const startMs = performance.now()
  mkdirSync(plan.root, { recursive: true })
  const runtime = nodeRuntime()
  await using open = new AsyncDisposableStack()
  const bus = open.use(await openLogBus({ files: nodeFiles(join(plan.root, 'bus')), runtime }))
  if (!(await bus.listTopics()).some(({ name }) => name === Step.topic)) await bus.createTopic(Step.topic)
  const database = open.use(await patiently(() => openDatabase(plan)))
  const hooks: SaveHook[] = [inlineProjections([folded('inline', Inline), unitRows])]
  const store = await patiently(() =>
    openStore({
      database,
      runtime,
      collections: [Units, Counters, Inline, Background],
      tables: [unitRows.table],
      hooks,
    }),
  )
  report({ kind: 'opened', openMs: Math.round(performance.now() - startMs) })
  const daemon = open.use(
    await patiently(() =>
      startDaemon({ database, runtime, node: NODE, projections: [folded('background', Background)] }),
    ),
  )
  const relay = open.use(startRelay({ database, bus, runtime, holder: NODE }))
  if (plan.workMs === 0) await finish(daemon, relay, database)
  await tellFound(store, bus)
  await new Work(store, plan).run()
  report({ kind: 'closing' })
  await open.disposeAsync()
  report({ kind: 'closed' })
}

function openDatabase({ root, postgres }: StorePlan): Promise<Database> {
  if (postgres === undefined) return openSqlite({ file: join(root, 'store.db') })
  return openPostgres({ url: postgres.url, schema: postgres.schema })
}

/** Somebody may be killing our connections, and a server that recovers takes its time. */
async function patiently<Result>(act: () => Promise<Result>): Promise<Result> {
  const endMs = performance.now() + UNREACHABLE_MS_MAX
  for (;;) {
    try {
      return await act()
    } catch (error) {
      if (performance.now() > endMs || !isMillraceError(error, 'DATABASE_UNREACHABLE')) throw error
      await new Promise((resolve) => setTimeout(resolve, UNREACHABLE_PAUSE_MS))
    }
  }
}

/** Brings projections and the relay to the end of the store. */
async function finish(daemon: Daemon, relay: Relay, database: Database): Promise<void> {
  await patiently(() => daemon.waitForNonStale(undefined, { timeoutMs: END_MS_MAX }))
  const endMs = performance.now() + END_MS_MAX
  const [end] = await patiently(() => database.read([{ kind: 'feed-end' }]))
  while (relay.progress.position < end) {
    if (performance.now() > endMs) throw new Error(`the relay is at ${relay.progress.position} of ${end}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  report({ kind: 'complete' })
}

/** Everything that is there, so that it can be compared outside. */
async function tellFound(store: Store, bus: Bus): Promise<void> {
  const events = await patiently(() => openEventStore({ database: store.database, runtime: store.runtime }))
  const published = await publishedOn(bus)
  for (const stream of STREAMS) {
    // What the daemon and the relay do meanwhile shows more events, never fewer: folds first, then the stream.
    const [background, inline] = await Promise.all([
      patiently(() => store.load(Background, stream)),
      patiently(() => store.load(Inline, stream)),
    ])
    const found = await patiently(() => events.readStream(stream).toArray())
    const isOrdered = found.every(({ version }, index) => version === index + 1)
    if (!isOrdered) report({ kind: 'failed', what: `${stream} has versions out of order` })
    const units = await patiently(() =>
      store.query(Units).where('stream', 'eq', stream).limit(10_000).toArray(),
    )
    const counter = await patiently(() => store.load(Counters, stream))
    report({
      kind: 'found',
      stream,
      events: found.map((each) => placeOf(Step.parse(each).data)),
      documents: Object.fromEntries(units.map(({ id, events }) => [id, events])),
      rows: await rowsOf(store, stream),
      counter: counter?.events ?? 0,
      inline: foldOf(inline),
      background: foldOf(background),
      published: published.get(stream) ?? [],
    })
  }
}

const placeOf = ({ unit, index }: { unit: string; index: number }): FoundEvent => [unit, index]
const foldOf = (fold: FoundFold | undefined): FoundFold => ({
  events: fold?.events ?? 0,
  chain: fold?.chain ?? CHAIN_START,
})

async function rowsOf(store: Store, stream: string): Promise<Record<string, number>> {
  const sql =
    store.database.supports.engine === 'sqlite'
      ? 'SELECT unit, events FROM unit_rows WHERE stream = ?'
      : 'SELECT unit, events FROM unit_rows WHERE stream = $1'
  const found = await patiently(() => store.database.raw(sql, [stream]))
  return Object.fromEntries(found.map(({ unit, events }) => [String(unit), Number(events)]))
}

/** What the relay has brought to the bus, by stream; a repeat that the bus did not recognise would stand there twice. */
async function publishedOn(bus: Bus): Promise<Map<string, FoundEvent[]>> {
  const streams = new Map<string, FoundEvent[]>()
  const topic = (await bus.listTopics()).find(({ name }) => name === Step.topic)
  for (const { partition, startOffset, endOffset } of topic?.partitions ?? []) {
    for (let next = startOffset; next < endOffset; ) {
      const messages = await bus.read({ topic: Step.topic, partition, offset: next })
      if (messages.length === 0) break
      for (const message of messages) {
        const found = Step.parse(messageToEvent(message))
        next = message.offset + 1
        const stream = String(found.subject)
        streams.set(stream, [...(streams.get(stream) ?? []), placeOf(found.data)])
      }
    }
  }
  return streams
}

class Work {
  readonly #store: Store
  readonly #plan: StorePlan
  readonly #random: Random
  readonly #endMs: number

  constructor(store: Store, plan: StorePlan) {
    this.#store = store
    this.#plan = plan
    this.#random = seededRandom(plan.seed)
    this.#endMs = performance.now() + plan.workMs
  }

  async run(): Promise<void> {
    const { workMs, writers } = this.#plan
    if (workMs === 0) return
    await Promise.all(Array.from({ length: writers }, (_, writer) => this.#write(writer)))
  }

  /** One unit after the other, each at the end of one of the writer's own streams. */
  async #write(writer: number): Promise<void> {
    const versions = new Map<string, number>()
    for (let number = 0; performance.now() < this.#endMs; number += 1) {
      const stream = streamName(writer, randomInteger(this.#random, 0, STREAMS_A_WRITER))
      const version = versions.get(stream) ?? (await patiently(() => this.#versionOf(stream)))
      const name = {
        unit: `${this.#plan.life}-${writer}-${number}`,
        stream,
        events: randomInteger(this.#random, 1, EVENTS_MAX + 1),
      }
      const isSaved = await this.#save(name, version)
      // After a failure nobody knows the version: it is read again.
      if (isSaved) versions.set(stream, version + name.events)
      else versions.delete(stream)
    }
  }

  async #versionOf(stream: string): Promise<number> {
    const [infos] = await this.#store.database.read([{ kind: 'stream-info', streams: [stream] }])
    return infos[0]?.version ?? 0
  }

  async #save(name: UnitName, expectedVersion: number): Promise<boolean> {
    const { unit, stream, events } = name
    await using session = this.#store.session()
    const drafts = Array.from({ length: events }, (_, index) =>
      Step.draft({ unit, index, events }, { subject: stream }),
    )
    session.events.append(stream, drafts, { expectedVersion, publish: true })
    session.insert(Units, { id: unit, stream, events })
    if (expectedVersion === 0) session.store(Counters, { id: stream, events })
    else session.patch(Counters, stream).increment('events', events)
    report({ kind: 'saving', ...name })
    if (this.#plan.isLying) report({ kind: 'saved', unit })
    try {
      await session.saveChanges()
    } catch (error) {
      const isUnknown = isMillraceError(error, 'DATABASE_UNREACHABLE')
      report(isUnknown ? { kind: 'unknown', unit } : { kind: 'failed', what: errorText(error) })
      return false
    }
    if (!this.#plan.isLying) report({ kind: 'saved', unit })
    return true
  }
}

await liveByPlan(live)
