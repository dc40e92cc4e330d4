import type { Bus } from '@millrace/bus'
import { type Database, openStore, type SaveHook } from '@millrace/documents'
import { openEventStore, type Relay, snapshotErasure, startRelay } from '@millrace/event-store'
import type { Runtime } from '@millrace/kernel'
import { type Daemon, inlineProjections, startDaemon } from '@millrace/projections'
import type { AppDefinition } from './app-definition.ts'
import { collectionsOf, schemaOfApp } from './app-schema.ts'
import type { Settings } from './settings.ts'

/** What follows from the streams of an application. */
export interface RunningStreams {
  readonly daemon: Daemon
  readonly relay: Relay
}

interface StoreParts {
  readonly definition: AppDefinition
  readonly settings: Settings
  readonly database: Database
  readonly runtime: Runtime
}

/** Everything that the application declares is there on return; under `migrate: 'check'` it has to be there before. */
export async function openAppStore({ definition, settings, database, runtime }: StoreParts) {
  const { inline = [], upcasters } = definition.streams ?? {}
  await database.prepare(schemaOfApp(definition), { checkOnly: settings.store.migrate === 'check' })
  const hooks: SaveHook[] = [snapshotErasure, ...(inline.length === 0 ? [] : [inlineProjections(inline)])]
  const store = await openStore({
    database,
    runtime,
    hooks,
    collections: collectionsOf(definition),
    tables: definition.tables ?? [],
    prepare: false,
  })
  const events = await openEventStore({
    database,
    runtime,
    ...(upcasters === undefined ? {} : { upcasters }),
  })
  return { store, events }
}

interface StreamParts {
  readonly definition: AppDefinition
  /** A node that comes back under its name need not wait for its own leases. */
  readonly nodeId: string
  readonly database: Database
  readonly bus: Bus
  readonly runtime: Runtime
}

/** The daemon and the relay of an application that has streams; `opening` stops them before the bus and the database. */
export async function startStreams(
  { definition: { streams }, nodeId, database, bus, runtime }: StreamParts,
  opening: AsyncDisposableStack,
): Promise<RunningStreams | undefined> {
  if (streams === undefined) return undefined
  const { projections = [], upcasters } = streams
  const daemon = opening.use(
    await startDaemon({
      database,
      runtime,
      node: nodeId,
      projections,
      ...(upcasters === undefined ? {} : { upcasters }),
    }),
  )
  const relay = opening.use(startRelay({ database, bus, runtime, holder: nodeId }))
  return { daemon, relay }
}
