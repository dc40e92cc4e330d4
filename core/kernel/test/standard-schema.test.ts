import type { StandardSchemaV1 } from '@standard-schema/spec'
import { expect, expectTypeOf, test } from 'vitest'
import * as z from 'zod'
import { checkSchema, type Schema, type SchemaOutput } from '../src/index.ts'

test('our copy of Standard Schema and the original are each assignable to the other', () => {
  expectTypeOf<StandardSchemaV1<string, number>>().toExtend<Schema<number>>()
  expectTypeOf<Schema<number>>().toExtend<StandardSchemaV1<unknown, number>>()
  expectTypeOf<Schema<number>>().not.toExtend<StandardSchemaV1<unknown, string>>()
})

test('the type of what a schema gives is known to the compiler', () => {
  const schema = z.object({ celsius: z.coerce.number() })
  expectTypeOf<SchemaOutput<typeof schema>>().toEqualTypeOf<{ celsius: number }>()
  const result = checkSchema(schema, { celsius: '21' })
  expect(result).toEqual({ ok: true, value: { celsius: 21 } })
})
