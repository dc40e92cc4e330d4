import { collection, openStore } from '@millrace/documents'
import { manualRuntime, type Schema } from '@millrace/kernel'
import { memoryDatabase } from '@millrace/memory'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { codeOf } from './greenhouse.ts'

interface Anything {
  readonly id: string
  readonly [name: string]: unknown
}

/** Whether a query may name a path in documents of this schema. */
async function knows(schema: Schema<unknown>, path: readonly string[]): Promise<unknown> {
  const Things = collection('things', schema as Schema<Anything>)
  const store = await openStore({
    database: memoryDatabase(),
    collections: [Things],
    runtime: manualRuntime(),
  })
  const code = await codeOf(() => store.query(Things).where({ kind: 'exists', path }))
  return code === 'no error'
}

/** A schema whose library offers this JSON Schema, or throws this error. */
function ofJsonSchema(output: unknown): Schema<unknown> {
  const jsonSchema = {
    output: () => {
      if (output instanceof TypeError) throw output
      return output
    },
  }
  const validate = (value: unknown) => ({ value })
  return { '~standard': { version: 1, vendor: 'own', validate, jsonSchema } as never }
}

const id = z.string()

describe('what a schema tells of its properties', () => {
  const circle = z.object({
    id,
    get next() {
      return circle.optional()
    },
  })
  const cases: readonly [string, Schema<unknown>, readonly string[], boolean][] = [
    ['a property', z.object({ id, a: z.number() }), ['a'], true],
    ['one that is not there', z.object({ id, a: z.number() }), ['b'], false],
    [
      'one that is optional, nullable, or has a default',
      z.object({ id, a: z.object({ b: z.number().default(0) }).nullish() }),
      ['a', 'b'],
      true,
    ],
    [
      'one that is not there inside such',
      z.object({ id, a: z.object({ b: z.number() }).nullish() }),
      ['a', 'c'],
      false,
    ],
    ['a property of a text', z.object({ id, a: z.string() }), ['a', 'length'], false],
    ['a property of an array', z.object({ id, a: z.array(z.object({ b: z.string() })) }), ['a', 'b'], false],
    [
      'any property of a record',
      z.object({ id, a: z.record(z.string(), z.object({ b: z.string() })) }),
      ['a', 'x', 'b'],
      true,
    ],
    [
      'what values of a record do not have',
      z.object({ id, a: z.record(z.string(), z.object({ b: z.string() })) }),
      ['a', 'x', 'c'],
      false,
    ],
    ['any property of an object that takes more', z.looseObject({ id }), ['x', 'y'], true],
    [
      'what one of several shapes has',
      z.union([z.object({ id, a: z.string() }), z.object({ id, b: z.string() })]),
      ['b'],
      true,
    ],
    [
      'what none of several shapes has',
      z.union([z.object({ id, a: z.string() }), z.object({ id, b: z.string() })]),
      ['c'],
      false,
    ],
    [
      'what one part of an intersection has',
      z.intersection(z.object({ id }), z.object({ a: z.string() })),
      ['a'],
      true,
    ],
    ['anything in what may be anything', z.object({ id, a: z.unknown() }), ['a', 'b', 'c'], true],
    ['anything in what has no JSON Schema', z.object({ id, a: z.custom<object>() }), ['a', 'b'], true],
    ['a shape inside itself, as deep as one likes', circle, ['next', 'next', 'next', 'id'], true],
    ['what it does not have, as deep as one likes', circle, ['next', 'next', 'nowhere'], false],
    ['properties beside a date', z.object({ id, at: z.date(), n: z.bigint() }), ['elsewhere'], false],
    [
      'nothing, if it is not asked for JSON Schema',
      { '~standard': { version: 1, vendor: 'own', validate: (value) => ({ value }) } },
      ['x'],
      true,
    ],
    ['nothing, if the library gives none', ofJsonSchema(undefined), ['x'], true],
    [
      'nothing, if the library refuses',
      ofJsonSchema(new TypeError('a date has no JSON Schema')),
      ['x'],
      true,
    ],
    [
      'a reference',
      ofJsonSchema({
        $ref: '#/$defs/a~1b',
        $defs: { 'a/b': { type: 'object', properties: { c: {} }, additionalProperties: false } },
      }),
      ['d'],
      false,
    ],
    ['nothing, behind a reference that leads nowhere', ofJsonSchema({ $ref: '#/$defs/x' }), ['d'], true],
    [
      'nothing, behind a reference to elsewhere',
      ofJsonSchema({ $ref: 'https://example.com/a.json' }),
      ['d'],
      true,
    ],
    ['nothing, behind references in a circle', ofJsonSchema({ $ref: '#' }), ['d'], true],
    [
      'properties by pattern',
      ofJsonSchema({
        type: 'object',
        properties: {},
        additionalProperties: false,
        patternProperties: { '^x': {} },
      }),
      ['xy'],
      true,
    ],
    [
      'nothing of an object without a list of its properties',
      ofJsonSchema({ type: ['object', 'null'] }),
      ['x'],
      true,
    ],
    [
      'elements by their place',
      ofJsonSchema({
        type: 'object',
        properties: { a: { type: 'array', prefixItems: [{ type: 'string' }] } },
        additionalProperties: false,
      }),
      ['a', 'x'],
      false,
    ],
  ]
  test.each(cases)('%s', async (_, schema, path, isKnown) => {
    expect(await knows(schema, path)).toBe(isKnown)
  })

  test('is asked for once, and only when somebody wants to know', async () => {
    let asked = 0
    const schema = ofJsonSchema({})
    const counted = {
      '~standard': {
        ...schema['~standard'],
        jsonSchema: {
          output: () => {
            asked += 1
            return { type: 'object' }
          },
        },
      },
    }
    const Things = collection('things', counted as Schema<Anything>, {
      indexes: [{ kind: 'property', properties: ['a'] }],
    })
    expect(asked).toBe(0)
    const store = await openStore({
      database: memoryDatabase(),
      collections: [Things],
      runtime: manualRuntime(),
    })
    store.query(Things).where('a', 'exists').where('b', 'exists')
    expect(asked).toBe(1)
  })
})
