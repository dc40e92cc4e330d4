import { wordsOf } from '@millrace/documents'
import type { TableNames } from './table-names.ts'

/**
 * `words` cuts the texts of values into words as `wordsOf` of core does, in any locale: the characters of words and
 * their small letters stand in it, asked of `wordsOf` one by one. `word_vector` is what searches look into.
 */
export function wordsFunction(names: TableNames): string {
  const { ranges, capitals, smalls, longer } = alphabet()
  const replaced = longer.reduce(
    (text, [capital, small]) => `replace(${text}, '${capital}', '${small}')`,
    `translate(word, '${capitals}', '${smalls}')`,
  )
  return `CREATE FUNCTION ${names.function('words')}(property_values jsonb[]) RETURNS text[]
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  value jsonb; texts text := ''; found text[];
BEGIN
  FOREACH value IN ARRAY property_values LOOP
    IF jsonb_typeof(value) = 'string' THEN
      texts := texts || E'\\n' || (value #>> '{}');
    ELSIF jsonb_typeof(value) = 'array' THEN
      texts := texts || coalesce((SELECT string_agg(E'\\n' || (item #>> '{}'), '')
        FROM jsonb_array_elements(value) AS listed(item) WHERE jsonb_typeof(item) = 'string'), '');
    END IF;
  END LOOP;
  IF octet_length(texts) = length(texts) THEN
    SELECT coalesce(array_agg(DISTINCT lower(part COLLATE "C")), '{}') INTO found
      FROM regexp_split_to_table(texts COLLATE "C", '[^a-zA-Z0-9]+') AS parts(part) WHERE part <> '';
    RETURN found;
  END IF;
  SELECT coalesce(array_agg(DISTINCT ${replaced}), '{}') INTO found
    FROM (SELECT (regexp_matches(texts COLLATE "C", '[${ranges}]+', 'g'))[1] AS word) AS words;
  RETURN found;
END $$;

-- A lexeme has at most 2,046 bytes: of a longer word it is the beginning and a hash of the whole.
CREATE FUNCTION ${names.function('word_vector')}(property_values jsonb[]) RETURNS tsvector
  LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT array_to_tsvector(coalesce(array_agg(CASE WHEN length(word) > ${LEXEME_CHARACTERS}
    THEN left(word, ${LEXEME_CHARACTERS}) || '=' || md5(word) ELSE word END), '{}'))
  FROM unnest(${names.function('words')}(property_values)) AS listed(word) $$;`
}

/** Code points of a word that stand in its lexeme. */
export const LEXEME_CHARACTERS = 400

interface Alphabet {
  /** The inside of a bracket of a regular expression. */
  readonly ranges: string
  readonly capitals: string
  readonly smalls: string
  /** Characters whose small letter has more than one code point. */
  readonly longer: readonly (readonly [string, string])[]
}

function alphabet(): Alphabet {
  const ranges: string[] = []
  const pairs: [string, string][] = []
  const longer: [string, string][] = []
  let start: number | undefined
  for (let point = 0; point <= 0x11_0000; point += 1) {
    const [word] = isCharacter(point) ? wordsOf(String.fromCodePoint(point)) : []
    if (word !== undefined) {
      const character = String.fromCodePoint(point)
      if (word !== character) ([...word].length === 1 ? pairs : longer).push([character, word])
      start ??= point
    } else if (start !== undefined) {
      ranges.push(`${escaped(start)}-${escaped(point - 1)}`)
      start = undefined
    }
  }
  const [capitals, smalls] = [
    pairs.map(([capital]) => capital).join(''),
    pairs.map(([, small]) => small).join(''),
  ]
  return { ranges: ranges.join(''), capitals, smalls, longer }
}

function isCharacter(point: number): boolean {
  return point <= 0x10_ffff && !(point >= 0xd800 && point <= 0xdfff)
}

function escaped(point: number): string {
  return `\\U${point.toString(16).padStart(8, '0')}`
}
