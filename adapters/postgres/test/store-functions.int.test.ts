import { compareValues, equalJson, type JsonValue, wordsOf } from '@millrace/documents'
import { openPostgres } from '@millrace/postgres'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isWholeInKey, sortKey } from '../src/sort-key.ts'
import { postgresServers, sql, usePostgres, versionText } from './postgres-server.ts'

/** Texts as PostgreSQL stores them: no zero characters, no halves of pairs. */
const text = fc.string({ unit: 'binary', maxLength: 100 }).filter((each) => !each.includes('\0'))
const number = fc.double({ noNaN: true, noDefaultInfinity: true })
const single = fc.oneof(text, number, fc.boolean(), fc.constant(null), fc.integer())

describe.each(postgresServers.map((program) => [versionText(program), program] as const))(
  'on PostgreSQL %s',
  (_, program) => {
    const postgres = usePostgres(program)

    test('sort keys are those of this package, and their order by bytes is the order across types', async () => {
      const url = await postgres().newDatabase()
      const property = fc.asyncProperty(
        fc.array(single, { minLength: 2, maxLength: 200 }),
        async (values) => {
          const rows = await sql(
            url,
            `SELECT millrace._sort_key_1(value) AS key FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS listed(value, nth) ORDER BY nth`,
            [JSON.stringify(values)],
          )
          expect(rows.map(({ key }) => key)).toEqual(values.map(sortKey))
          const [left, right] = values as [(typeof values)[number], (typeof values)[number]]
          const order = Buffer.compare(Buffer.from(sortKey(left)), Buffer.from(sortKey(right)))
          const expected = Math.sign(compareValues(left, right))
          if (isWholeInKey(left) || isWholeInKey(right)) expect(order).toBe(expected)
          else expect([0, expected]).toContain(order)
        },
      )
      await fc.assert(property, { numRuns: 60 })
    })

    test('the words of every character there is are those of core, in any locale', async () => {
      const locales = ["TEMPLATE template0 LOCALE 'C'"]
      if (program.version[0] >= 15) {
        // One in which case and order are those of a language.
        locales.push("TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR' LOCALE 'C'")
      }
      const points = Array.from({ length: 0x11_0000 }, (_, point) => point).filter((point) => {
        return point > 0 && !(point >= 0xd800 && point <= 0xdfff)
      })
      for (const locale of locales) {
        const url = await postgres().emptyDatabase(locale)
        await using database = await openPostgres({ url })
        await database.read([{ kind: 'feed-end' }])
        for (let at = 0; at < points.length; at += 100_000) {
          // Between characters that are no letters, so that each stands for itself.
          const all = points.slice(at, at + 100_000).map((point) => String.fromCodePoint(point))
          const [row] = await sql(url, 'SELECT millrace._words_1(ARRAY[to_jsonb($1::text)]) AS words', [
            all.join(' '),
          ])
          const words = row?.words as string[]
          expect(new Set(words)).toEqual(new Set(wordsOf(all.join(' '))))
        }
      }
    })

    test('the words of any texts are those of core', async () => {
      const url = await postgres().newDatabase()
      const letters = fc.constantFrom(...'aAbBzZ09 _-äÄßẞıİſΣσςΩЯя漢字ｱñÑǅǆ😀\n\'"\\')
      const mixed = fc.string({ unit: letters, maxLength: 60 })
      const property = fc.asyncProperty(fc.array(fc.oneof(mixed, text), { maxLength: 20 }), async (texts) => {
        const [row] = await sql(url, 'SELECT millrace._words_1(ARRAY[$1::jsonb]) AS words', [
          JSON.stringify(texts),
        ])
        expect(new Set(row?.words as string[])).toEqual(new Set(texts.flatMap(wordsOf)))
      })
      await fc.assert(property, { numRuns: 100 })
    })

    test('JSON values are equal to PostgreSQL where they are to core', async () => {
      const url = await postgres().newDatabase()
      const json = fc.jsonValue({ maxDepth: 3 }).filter((each) => !JSON.stringify(each).includes('\\u'))
      const property = fc.asyncProperty(json, json, async (left, right) => {
        const pairs = [
          [left, right],
          [left, JSON.parse(JSON.stringify(left))],
        ] as const
        for (const [one, other] of pairs) {
          const [row] = await sql(url, 'SELECT $1::jsonb = $2::jsonb AS equal', [
            JSON.stringify(one),
            JSON.stringify(other),
          ])
          const [a, b] = [one, other].map((each) => JSON.parse(JSON.stringify(each)) as JsonValue)
          expect(row?.equal).toBe(equalJson(a as JsonValue, b as JsonValue))
        }
      })
      await fc.assert(property, { numRuns: 100 })
    })
  },
)
