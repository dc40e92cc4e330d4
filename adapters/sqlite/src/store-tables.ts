/** 'MILL': tells our files from those of others. Source: https://sqlite.org/pragma.html#pragma_application_id */
export const APPLICATION_ID = 0x4d494c4c

/** Of the tables here. Raise it with every change that an older Millrace could not live with. */
export const SCHEMA_VERSION = 2

/** Offsets of processors. */
const POSITIONS = `CREATE TABLE _positions (
  processor TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL,
  "offset" INTEGER NOT NULL, changed_at INTEGER NOT NULL,
  PRIMARY KEY (processor, topic, partition)
) STRICT, WITHOUT ROWID`

/** A stream's version is that of its last event; of a tombstoned one, which has none, it is `ended_version`. */
const STREAMS = `CREATE TABLE _streams (
  tenant TEXT NOT NULL, stream TEXT NOT NULL, type TEXT, state TEXT NOT NULL, created_at INTEGER NOT NULL,
  ended_at INTEGER, ended_version INTEGER,
  PRIMARY KEY (tenant, stream)
) STRICT, WITHOUT ROWID`

/**
 * Events of streams and published ones, in the order of the whole store. `stream_type` is that of the stream, and
 * `archived` whether it has been archived, so that the feed need not look the stream up for each event. The text is
 * last: what only looks at the rest does not read it.
 */
const EVENTS = `CREATE TABLE _events (
  position INTEGER PRIMARY KEY, tenant TEXT NOT NULL, stream TEXT, stream_type TEXT, version INTEGER NOT NULL,
  id TEXT NOT NULL, type TEXT NOT NULL, topic TEXT, recorded_at INTEGER NOT NULL,
  correlation_id TEXT, causation_id TEXT, archived INTEGER NOT NULL DEFAULT 0, text TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX "_events.stream" ON _events (tenant, stream, version) WHERE stream IS NOT NULL;
CREATE INDEX "_events.topic" ON _events (position) WHERE topic IS NOT NULL`

/**
 * What has been declared, as JSON. `has_marks`: documents may be marked as deleted. `filled`: the full-text properties
 * whose words have been gathered.
 */
const DECLARED = `CREATE TABLE _declared (
  kind TEXT NOT NULL, name TEXT NOT NULL, definition TEXT NOT NULL,
  has_marks INTEGER NOT NULL DEFAULT 0, filled TEXT,
  PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID`

/**
 * `declarations` grows whenever `_declared` changes, so that other connections notice. No event has been given a
 * position beyond `positions_used` that is not in `_events` any more.
 */
const NUMBERS = `CREATE TABLE _numbers (name TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO _numbers (name, value) VALUES ('declarations', 0), ('positions_used', 0)`

/** All tables that do not depend on what is declared; ANALYZE makes the table of statistics. */
export const CREATE_TABLES = [POSITIONS, STREAMS, EVENTS, DECLARED, NUMBERS, 'ANALYZE _numbers'].join(';\n')

/** To be run where `declared` was changed. */
export const COUNT_DECLARATION = `UPDATE _numbers SET value = value + 1 WHERE name = 'declarations'`
