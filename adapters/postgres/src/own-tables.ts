import { storeFunctions } from './store-functions.ts'
import type { TableNames } from './table-names.ts'

/** The version of the adapter's own tables and functions. */
export const STORE_VERSION = 1

/** The statements that make what every store has, whatever it declares. */
export function ownTables(names: TableNames, hasSchema: boolean): string {
  // Whoever may not make a schema is not asked to, if somebody has made it.
  return `${hasSchema ? '' : `CREATE SCHEMA ${names.schema};\n\n`}CREATE TABLE ${names.own('_store')} (
  version integer NOT NULL
);

CREATE TABLE ${names.positions} (
  processor text COLLATE "C" NOT NULL,
  topic text COLLATE "C" NOT NULL,
  partition integer NOT NULL,
  "offset" bigint NOT NULL,
  changed_at bigint NOT NULL,
  PRIMARY KEY (processor, topic, partition)
);

CREATE TABLE ${names.streams} (
  tenant text COLLATE "C" NOT NULL,
  stream text COLLATE "C" NOT NULL,
  stream_type text COLLATE "C",
  version bigint NOT NULL,
  state text NOT NULL,
  created_at bigint NOT NULL,
  changed_at bigint NOT NULL,
  PRIMARY KEY (tenant, stream)
);

-- CACHE 1: positions are given in the order in which they are asked for, whoever asks.
CREATE SEQUENCE ${names.eventPositions} AS bigint CACHE 1;

CREATE TABLE ${names.events} (
  position bigint NOT NULL PRIMARY KEY,
  tenant text COLLATE "C" NOT NULL,
  stream text COLLATE "C",
  stream_type text COLLATE "C",
  version bigint NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  text text NOT NULL,
  topic text COLLATE "C",
  recorded_at bigint NOT NULL,
  correlation_id text,
  causation_id text,
  is_archived boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX "_events_of_stream" ON ${names.events} (tenant, stream, version) WHERE stream IS NOT NULL;
CREATE INDEX "_events_to_publish" ON ${names.events} (position) WHERE topic IS NOT NULL;

${storeFunctions(names)}

INSERT INTO ${names.own('_store')} (version) VALUES (${STORE_VERSION});`
}
