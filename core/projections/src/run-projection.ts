import type { Bus } from '@millrace/bus'
import { type Database, type Identified, readOne, storeSchema } from '@millrace/documents'
import { type Processor, type ProcessorEnvironment, startProcessor } from '@millrace/processing'
import type { Projection } from './projection.ts'
import { ProjectionStep } from './projection-step.ts'

/** What a projection needs from outside. */
export interface ProjectionEnvironment extends ProcessorEnvironment {
  /** Where the documents and the positions are. */
  readonly database: Database
}

/**
 * Starts a projection: events of its types, from the oldest that is retained on, become documents. Resolves when it
 * listens; its collection and its topics exist then. Documents and positions commit together, so after a crash it goes
 * on where it stood, and no event counts twice (promise EffectAndCheckpointTogether). Events of one key apply in the
 * order of the bus. One that cannot be read, that does not fit its schema, or whose result does not fit the
 * collection's, goes to the dead letters and holds up nothing.
 *
 * @throws COLLECTION_NAME_INVALID, CONFIGURATION_INVALID (a projection without cases), and what bus and database throw
 */
export async function runProjection<Document extends Identified>(
  projection: Projection<Document>,
  { database, ...environment }: ProjectionEnvironment,
): Promise<Processor> {
  const { name, collection, cases } = projection
  const topics = [...new Set(cases.map(({ type }) => type.topic))]
  await database.prepare(storeSchema({ collections: [collection] }))
  await createMissingTopics(environment.bus, topics)
  const step = new ProjectionStep(projection, database)
  const checkpoint = { load: (processor: string) => readOne(database, { kind: 'positions', processor }) }
  return startProcessor({ name, topics, step, checkpoint }, environment)
}

/** Leaves topics that exist as they are, with whatever settings they have. */
async function createMissingTopics(bus: Bus, topics: readonly string[]): Promise<void> {
  const existing = new Set((await bus.listTopics()).map(({ name }) => name))
  for (const topic of topics) if (!existing.has(topic)) await bus.createTopic(topic)
}
