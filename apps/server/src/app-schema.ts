import { type StoreSchema, storeSchema } from '@millrace/documents'
import { EVENT_STORE_SCHEMA, RELAY_SCHEMA } from '@millrace/event-store'
import { type AnyProjection, type DaemonProjection, daemonSchema } from '@millrace/projections'
import type { AppDefinition } from './app-definition.ts'
import { Fleet } from './fleet.ts'

/** Everything that an application needs of its database: its own, and what Millrace keeps beside it. */
export function schemaOfApp(definition: AppDefinition): StoreSchema {
  const { streams } = definition
  const own = storeSchema({ collections: collectionsOf(definition), tables: definition.tables ?? [] })
  const parts = [
    own,
    EVENT_STORE_SCHEMA,
    ...(streams === undefined
      ? []
      : [RELAY_SCHEMA, daemonSchema(backgroundOf(definition)), inlineSchema(definition)]),
  ]
  // A collection that a projection names by itself is declared in full by its owner, who comes first.
  const collections = new Map(
    parts
      .flatMap((part) => part.collections)
      .reverse()
      .map((each) => [each.name, each]),
  )
  const tables = new Map(parts.flatMap(({ tables: some = [] }) => some).map((each) => [each.name, each]))
  return { collections: [...collections.values()].reverse(), tables: [...tables.values()] }
}

/** The collections that people know: of projections, and those that the application declares beside them. */
export function collectionsOf({ collections = [], projections = [], streams }: AppDefinition) {
  const { projections: background = [], inline = [] } = streams ?? {}
  const folded = [...background.map(projectionOf), ...inline].flatMap((each) =>
    each.kind === 'projection' ? [each.collection] : [],
  )
  const all = [Fleet, ...collections, ...projections.map(({ collection }) => collection), ...folded]
  return [...new Map(all.map((each) => [each.name, each])).values()]
}

/** The projections that a daemon runs. */
export function backgroundOf({ streams }: AppDefinition): readonly AnyProjection[] {
  return (streams?.projections ?? []).map(projectionOf)
}

function inlineSchema({ streams }: AppDefinition): StoreSchema {
  const { collections, tables = [] } = daemonSchema(streams?.inline ?? [])
  // Nothing is rebuilt side by side that is never behind.
  return { collections: collections.filter(({ name }) => !name.endsWith('--rebuild')), tables }
}

function projectionOf(each: AnyProjection | DaemonProjection): AnyProjection {
  return 'projection' in each ? each.projection : each
}
