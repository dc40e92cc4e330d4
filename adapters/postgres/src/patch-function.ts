import { documentLimits } from '@millrace/documents'
import { OWN_STATE } from './own-state.ts'
import type { TableNames } from './table-names.ts'

/**
 * The function that applies patches in order, as `applyPatches` of core does, and what it needs. It refuses with a
 * SQLSTATE of our own whose detail is JSON.
 */
export function patchFunction(names: TableNames): string {
  const { documentCharactersMax, documentLevelsMax } = documentLimits
  // No JSON is more than six times as long as it is in the server: a character may become six.
  const sizeUnsuspicious = Math.floor(documentCharactersMax / 6)
  const each = PATCH_EACH.replaceAll('SIZE_UNSUSPICIOUS', String(sizeUnsuspicious))
    .replaceAll('CHARACTERS_OF', names.function('document_characters'))
    .replaceAll('CHARACTERS_MAX', String(documentCharactersMax))
    .replaceAll('TOO_LARGE', OWN_STATE.documentTooLarge)
    .replaceAll('LEVELS_OF', names.function('json_levels'))
    .replaceAll('LEVELS_MAX', String(documentLevelsMax))
  return `${documentCharacters(names)}

${jsonLevels(names)}

CREATE FUNCTION ${names.function('patch')}(body jsonb, patches jsonb, document_id text) RETURNS jsonb
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
${each}  IF pg_column_size(body) > ${sizeUnsuspicious} THEN
    characters := ${names.function('document_characters')}(body);
    IF characters > ${documentCharactersMax} THEN
      RAISE EXCEPTION 'document too large' USING ERRCODE = '${OWN_STATE.documentTooLarge}',
        DETAIL = jsonb_build_object('id', document_id, 'seen', characters)::text;
    END IF;
  END IF;
  RETURN body;
END $$;`
}

/** The length of a document's JSON as JavaScript counts: without blanks, a character beyond U+FFFF as two. */
function documentCharacters(names: TableNames): string {
  const jsonText = `"(?:[^"\\\\]|\\\\.)*"`
  return `CREATE FUNCTION ${names.function('document_characters')}(body jsonb) RETURNS bigint
  LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT length(compact) + length(regexp_replace(compact, '[^\\U00010000-\\U0010FFFF]', '', 'g'))
  FROM (SELECT regexp_replace(body::text, '(${jsonText})|\\s', '\\1', 'g') AS compact) AS written $$;`
}

/** How deep objects and arrays are nested in a value; 0 for one that is neither. */
function jsonLevels(names: TableNames): string {
  return `CREATE FUNCTION ${names.function('json_levels')}(value jsonb) RETURNS integer
  LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  WITH RECURSIVE inside(value, level) AS (
    SELECT value, 1 WHERE jsonb_typeof(value) IN ('object', 'array')
    UNION ALL
    SELECT child.value, level + 1 FROM inside, LATERAL (
      SELECT each.value FROM jsonb_each(
        CASE jsonb_typeof(inside.value) WHEN 'object' THEN inside.value ELSE '{}'::jsonb END) AS each
      UNION ALL
      SELECT item FROM jsonb_array_elements(
        CASE jsonb_typeof(inside.value) WHEN 'array' THEN inside.value ELSE '[]'::jsonb END) AS listed(item)
    ) AS child(value)
    WHERE jsonb_typeof(child.value) IN ('object', 'array') AND level <= ${documentLimits.documentLevelsMax}
  )
  SELECT coalesce(max(level), 0) FROM inside $$;`
}

const PATCH_EACH = `DECLARE
  patch jsonb; kind text; path text[]; target text[]; value jsonb; items jsonb; seen text; expected text;
  at text[]; makes boolean; is_missing boolean; depth int; characters bigint; sum float8; copies int;
BEGIN
  FOR patch IN SELECT each FROM jsonb_array_elements(patches) AS listed(each) LOOP
    kind := patch ->> 'kind';
    path := ARRAY(SELECT jsonb_array_elements_text(patch -> 'path'));
    makes := kind IN ('set', 'increment', 'append', 'append-if-missing', 'insert-at');
    is_missing := false;
    seen := NULL;
    -- The way to the property: objects, made where they are missing if the patch makes something.
    FOR depth IN 1 .. cardinality(path) - 1 LOOP
      value := body #> path[1:depth];
      IF value IS NULL OR value = 'null'::jsonb THEN
        IF NOT makes THEN is_missing := true; EXIT; END IF;
        body := jsonb_set(body, path[1:depth], '{}'::jsonb);
      ELSIF jsonb_typeof(value) <> 'object' THEN
        seen := jsonb_typeof(value); expected := 'an object'; at := path[1:depth];
        EXIT;
      END IF;
    END LOOP;
    IF seen IS NULL THEN
      at := path;
      value := CASE WHEN is_missing THEN NULL ELSE body #> path END;
      CASE kind
      WHEN 'set' THEN
        body := jsonb_set(body, path, patch -> 'value');
      WHEN 'delete' THEN
        IF NOT is_missing THEN body := body #- path; END IF;
      WHEN 'increment' THEN
        IF value IS NULL OR value = 'null'::jsonb THEN value := '0'::jsonb; END IF;
        IF jsonb_typeof(value) <> 'number' THEN
          seen := jsonb_typeof(value); expected := 'a number';
        ELSE
          BEGIN
            sum := value::float8 + (patch -> 'by')::float8;
            body := jsonb_set(body, path, to_jsonb(sum));
          EXCEPTION WHEN numeric_value_out_of_range THEN
            seen := 'a sum that is not finite'; expected := 'a finite sum';
          END;
        END IF;
      WHEN 'append', 'append-if-missing', 'insert-at' THEN
        items := CASE WHEN value IS NULL OR value = 'null'::jsonb THEN '[]'::jsonb ELSE value END;
        IF jsonb_typeof(items) <> 'array' THEN
          seen := jsonb_typeof(items); expected := 'an array';
        ELSE
          value := patch -> 'value';
          IF kind = 'append-if-missing' AND EXISTS (
            SELECT FROM jsonb_array_elements(items) AS listed(item) WHERE item = value
          ) THEN
            NULL;
          ELSIF kind = 'insert-at' AND (patch ->> 'index')::bigint < jsonb_array_length(items) THEN
            items := jsonb_insert(items, ARRAY[patch ->> 'index'], value);
          ELSE
            -- In brackets: an array that is added to an array would be taken apart.
            items := items || jsonb_build_array(value);
          END IF;
          body := jsonb_set(body, path, items);
        END IF;
      WHEN 'remove' THEN
        IF value IS NULL THEN
          NULL;
        ELSIF jsonb_typeof(value) <> 'array' THEN
          seen := jsonb_typeof(value); expected := 'an array';
        ELSE
          SELECT coalesce(jsonb_agg(item ORDER BY place), '[]'::jsonb) INTO items FROM (
            SELECT item, place, item = (patch -> 'value') AS is_equal,
              count(*) FILTER (WHERE item = (patch -> 'value')) OVER (ORDER BY place) AS nth
            FROM jsonb_array_elements(value) WITH ORDINALITY AS listed(item, place)
          ) AS numbered
          WHERE NOT (is_equal AND (patch ->> 'which' = 'all' OR nth = 1));
          body := jsonb_set(body, path, items);
        END IF;
      WHEN 'rename' THEN
        target := path[1:cardinality(path) - 1] || (patch ->> 'to');
        IF value IS NOT NULL AND target <> path THEN
          body := jsonb_set(body #- path, target, value);
        END IF;
      WHEN 'duplicate' THEN
        IF value IS NULL THEN value := 'null'::jsonb; END IF;
        -- Copies of copies would double a document with each patch, long before its length is looked at.
        copies := jsonb_array_length(patch -> 'to');
        IF pg_column_size(value) * copies > SIZE_UNSUSPICIOUS THEN
          characters := CHARACTERS_OF(value) * copies;
          IF characters > CHARACTERS_MAX THEN
            RAISE EXCEPTION 'document too large' USING ERRCODE = 'TOO_LARGE',
              DETAIL = jsonb_build_object('id', document_id, 'seen', characters)::text;
          END IF;
        END IF;
        FOR items IN SELECT each FROM jsonb_array_elements(patch -> 'to') AS listed(each) LOOP
          target := ARRAY(SELECT jsonb_array_elements_text(items));
          -- Each level takes eight bytes at least.
          IF cardinality(target) + pg_column_size(value) / 8 > LEVELS_MAX
            AND cardinality(target) + LEVELS_OF(value) > LEVELS_MAX THEN
            seen := 'a copy nested too deep'; expected := 'at most LEVELS_MAX levels'; at := target;
            EXIT;
          END IF;
          FOR depth IN 1 .. cardinality(target) - 1 LOOP
            IF coalesce(body #> target[1:depth], 'null'::jsonb) = 'null'::jsonb THEN
              body := jsonb_set(body, target[1:depth], '{}'::jsonb);
            ELSIF jsonb_typeof(body #> target[1:depth]) <> 'object' THEN
              seen := jsonb_typeof(body #> target[1:depth]); expected := 'an object'; at := target[1:depth];
              EXIT;
            END IF;
          END LOOP;
          EXIT WHEN seen IS NOT NULL;
          body := jsonb_set(body, target, value);
        END LOOP;
      END CASE;
    END IF;
    IF seen IS NOT NULL THEN
      RAISE EXCEPTION 'patch refused' USING ERRCODE = '${OWN_STATE.patchRefused}', DETAIL = jsonb_build_object(
        'patch', kind, 'id', document_id, 'expected', expected, 'path', array_to_string(at, '.'),
        'seen', CASE seen WHEN 'string' THEN 'a text' WHEN 'number' THEN 'a number' WHEN 'boolean' THEN 'a boolean'
          WHEN 'object' THEN 'an object' WHEN 'array' THEN 'an array' ELSE seen END)::text;
    END IF;
  END LOOP;
`
