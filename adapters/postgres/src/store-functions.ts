import { OWN_STATE } from './own-state.ts'
import { patchFunction } from './patch-function.ts'
import { KEY_RANK, KEY_TEXT_CHARACTERS } from './sort-key.ts'
import type { StoreFunction, TableNames } from './table-names.ts'
import { wordsFunction } from './words-function.ts'

const HEX = '0123456789abcdef'
const XEH = [...HEX].reverse().join('')

/** Statements that install the functions; none of them changes one that is there. */
export function storeFunctions(names: TableNames): string {
  return [
    sortFunctions(names),
    wordsFunction(names),
    patchFunction(names),
    documentRefusals(names),
    otherRefusals(names),
    feedMark(names),
  ].join('\n\n')
}

/**
 * Expressions, so that the planner puts them in the place of their calls: indexes and queries that name them compare
 * what they mean. `sort_key` is `sortKey` of this package.
 */
function sortFunctions(names: TableNames): string {
  const number = `CASE WHEN value::float8 >= 0
      THEN '${KEY_RANK.number}1' || encode(float8send(value::float8 + 0), 'hex')
      ELSE '${KEY_RANK.number}0' || translate(encode(float8send(value::float8), 'hex'), '${HEX}', '${XEH}') END`
  const text = `value #>> '{}'::text[]`
  const isLong = `jsonb_typeof(value) = 'string' AND length(${text}) > ${KEY_TEXT_CHARACTERS}`
  return [
    define(
      names,
      'sort_key',
      `CASE jsonb_typeof(value)
    WHEN 'string' THEN '${KEY_RANK.text}' || left(${text}, ${KEY_TEXT_CHARACTERS})
    WHEN 'number' THEN ${number}
    WHEN 'boolean' THEN CASE WHEN value = 'true'::jsonb THEN '${KEY_RANK.true}' ELSE '${KEY_RANK.false}' END
    WHEN 'object' THEN '${KEY_RANK.other}'
    WHEN 'array' THEN '${KEY_RANK.other}'
    ELSE '${KEY_RANK.null}' END`,
    ),
    // What of a text a sort key does not hold, for orders.
    define(
      names,
      'sort_tail',
      `CASE WHEN ${isLong} THEN substr(${text}, ${KEY_TEXT_CHARACTERS + 1}) ELSE '' END`,
    ),
    // And for unique indexes, whose entries are limited.
    define(names, 'unique_tail', `CASE WHEN ${isLong} THEN md5(${text}) ELSE '' END`),
  ].join('\n')
}

function define(names: TableNames, name: StoreFunction, expression: string): string {
  return `CREATE FUNCTION ${names.function(name)}(value jsonb) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT ${expression} $$;`
}

/** Each ends the transaction with an error that says what was found. They look anew, so they see what is committed. */
function documentRefusals(names: TableNames): string {
  const head = headOf(names)
  return `-- The first of the documents that was not changed, and the revision that it has; 0 for none, or a marked one.
${head('refuse_documents', 'documents regclass, tenant text, ids text[], expected bigint[], done text[]')}
DECLARE at int; revision bigint;
BEGIN
  SELECT place INTO at FROM unnest(ids) WITH ORDINALITY AS listed(id, place)
    WHERE id <> ALL (done) ORDER BY place LIMIT 1;
  EXECUTE format('SELECT revision FROM %s WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL', documents)
    INTO revision USING tenant, ids[at];
  RAISE EXCEPTION 'document conflict' USING ERRCODE = '${OWN_STATE.documentConflict}', DETAIL = jsonb_build_object(
    'id', ids[at], 'seen', coalesce(revision, 0), 'expected', expected[at])::text;
END $$;

-- Refuses unless the document is missing or marked.
${head('refuse_live', 'documents regclass, tenant text, id text')}
DECLARE revision bigint;
BEGIN
  EXECUTE format('SELECT revision FROM %s WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL', documents)
    INTO revision USING tenant, id;
  IF revision IS NULL THEN RETURN 0; END IF;
  RAISE EXCEPTION 'document conflict' USING ERRCODE = '${OWN_STATE.documentConflict}',
    DETAIL = jsonb_build_object('id', id, 'seen', revision, 'expected', 0)::text;
END $$;

-- Refuses unless the document is missing or marked, and keeps it so until the transaction ends: a row that is put in and
-- taken out again makes whoever wants to put one in wait.
${head('expect_absent', 'documents regclass, tenant text, id text')}
DECLARE revision bigint; marked bigint;
BEGIN
  EXECUTE format('INSERT INTO %s (tenant, id, revision, body, created_at, changed_at)
    VALUES ($1, $2, 0, ''{}'', 0, 0) ON CONFLICT (tenant, id) DO NOTHING RETURNING 0', documents)
    INTO revision USING tenant, id;
  IF revision IS NOT NULL THEN
    EXECUTE format('DELETE FROM %s WHERE tenant = $1 AND id = $2', documents) USING tenant, id;
    RETURN 0;
  END IF;
  EXECUTE format('SELECT revision, deleted_at FROM %s WHERE tenant = $1 AND id = $2 FOR SHARE', documents)
    INTO revision, marked USING tenant, id;
  IF revision IS NULL OR marked IS NOT NULL THEN RETURN 0; END IF;
  RAISE EXCEPTION 'document conflict' USING ERRCODE = '${OWN_STATE.documentConflict}',
    DETAIL = jsonb_build_object('id', id, 'seen', revision, 'expected', 0)::text;
END $$;

-- LOCK TABLE by itself wants a transaction that was begun by BEGIN.
${head('lock_writes', 'locked regclass', 'void')}
BEGIN
  EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', locked);
END $$;

${head('refuse_changes', 'seen bigint')}
BEGIN
  RAISE EXCEPTION 'too many changes' USING ERRCODE = '${OWN_STATE.tooManyChanges}', DETAIL = to_jsonb(seen)::text;
END $$;`
}

function otherRefusals(names: TableNames): string {
  const head = headOf(names)
  return `${head('refuse_stream', 'of_tenant text, of_stream text, expected bigint')}
DECLARE found record;
BEGIN
  SELECT version, state INTO found FROM ${names.streams} WHERE tenant = of_tenant AND stream = of_stream;
  RAISE EXCEPTION 'stream refused' USING ERRCODE = '${OWN_STATE.streamRefused}', DETAIL = jsonb_build_object(
    'stream', of_stream, 'seen', coalesce(found.version, 0), 'state', found.state, 'expected', expected)::text;
END $$;

${head('refuse_position', 'of_processor text, of_topic text, of_partition integer, expected bigint')}
DECLARE seen bigint;
BEGIN
  SELECT "offset" INTO seen FROM ${names.positions}
    WHERE processor = of_processor AND topic = of_topic AND partition = of_partition;
  RAISE EXCEPTION 'position conflict' USING ERRCODE = '${OWN_STATE.positionConflict}',
    DETAIL = jsonb_build_object('seen', coalesce(seen, 0), 'expected', expected)::text;
END $$;`
}

function headOf(names: TableNames) {
  return (name: StoreFunction, parameters: string, returns = 'bigint') =>
    `CREATE FUNCTION ${names.function(name)}(${parameters}) RETURNS ${returns} LANGUAGE plpgsql VOLATILE AS $$`
}

/**
 * What is needed to tell how far the feed is complete; see `FeedMark`. The order of the statements is the proof, and each
 * looks anew: first the last position that was given to anybody, then who holds the lock of those that write events.
 */
function feedMark(names: TableNames): string {
  return `CREATE FUNCTION ${names.function('feed_mark')}(decided bigint, OUT given bigint, OUT writers text[], OUT contiguous bigint)
  LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  SELECT CASE WHEN is_called THEN last_value ELSE 0 END INTO given FROM ${names.eventPositions};
  SELECT coalesce(array_agg(DISTINCT virtualtransaction), '{}') INTO writers FROM pg_locks
    WHERE locktype = 'relation' AND relation = '${names.events.replaceAll("'", "''")}'::regclass AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND mode = 'RowExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid();
  contiguous := decided;
  IF cardinality(writers) > 0 AND given > decided THEN
    SELECT coalesce(max(position), decided) INTO contiguous FROM (
      SELECT position, row_number() OVER (ORDER BY position) AS nth
      FROM (SELECT position FROM ${names.events} WHERE position > decided ORDER BY position LIMIT 1000) AS next
    ) AS numbered WHERE position = decided + nth;
  END IF;
END $$;`
}
