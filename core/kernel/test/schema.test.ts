import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { checkSchema, command, type Event, event, formatIssues, type Schema } from '../src/index.ts'

const Reading = event(
  'greenhouse.reading',
  z.object({ celsius: z.coerce.number(), tags: z.array(z.string()).optional() }),
)
const OpenVent = command('open-vent', z.object({ percent: z.number().max(100) }))

const cause: Event = {
  id: '7',
  type: 'greenhouse.reading',
  source: '/devices/bench-1',
  subject: 'bench-1',
  time: '2026-01-01T00:00:00Z',
  data: { celsius: '21.5' },
}

function schemaOf(validate: Schema['~standard']['validate']): Schema {
  return { '~standard': { version: 1, vendor: 'test', validate } }
}

describe('a schema', () => {
  test('gives back the value as it converts it', () => {
    expect(checkSchema(z.coerce.number(), '4')).toEqual({ ok: true, value: 4 })
  })

  test('says what is wrong and where, for every issue', () => {
    const result = checkSchema(z.object({ rows: z.array(z.object({ a: z.number() })) }), {
      rows: [{ a: 1 }, { a: 'x' }, {}],
    })
    const text = result.ok ? '' : formatIssues(result.issues)
    expect(text).toMatch(/^rows\[1\]\.a: .+; rows\[2\]\.a: .+$/)
    const whole = checkSchema(z.string(), 1)
    expect(whole.ok ? '' : formatIssues(whole.issues)).toMatch(/^Invalid input: expected string/)
  })

  test('that checks asynchronously is refused, and its rejection hurts nobody', async () => {
    const rejecting = schemaOf(() => Promise.reject(new Error('looked up in vain')))
    expect(() => checkSchema(rejecting, 'x')).toThrow(
      expect.objectContaining({ code: 'SCHEMA_ASYNCHRONOUS' }),
    )
    await new Promise((resolve) => setImmediate(resolve))
  })

  test('that throws has found the value wrong', () => {
    const careless = schemaOf(() => {
      throw new TypeError('cannot read x of undefined')
    })
    expect(checkSchema(careless, 1)).toEqual({
      ok: false,
      issues: [{ path: '', message: 'cannot read x of undefined' }],
    })
  })
})

describe('an event type', () => {
  test('makes drafts about the subject of their cause, with its correlation', () => {
    expect(Reading.from(cause, { celsius: 1 })).toEqual({
      kind: 'event-draft',
      type: 'greenhouse.reading',
      subject: 'bench-1',
      extensions: { causationid: '7', correlationid: '7' },
      data: { celsius: 1 },
    })
    const later = Reading.from(
      { ...cause, extensions: { correlationid: 'c' } },
      { celsius: 1 },
      { subject: 'hall', deliverAtMs: 5 },
    )
    expect(later).toMatchObject({ subject: 'hall', deliverAtMs: 5, extensions: { correlationid: 'c' } })
    expect(Reading.draft({ celsius: 1 })).toEqual({
      kind: 'event-draft',
      type: 'greenhouse.reading',
      data: { celsius: 1 },
    })
  })

  test('knows its events and converts their data, or says what does not fit', () => {
    expect(Reading.is(cause)).toBe(true)
    expect(Reading.is({ ...cause, type: 'other' })).toBe(false)
    expect(Reading.parse(cause)).toEqual({ ...cause, data: { celsius: 21.5 } })
    expect(() => Reading.parse({ ...cause, data: { celsius: 1, tags: [1] } })).toThrow(
      expect.objectContaining({
        code: 'EVENT_SCHEMA_MISMATCH',
        parameters: expect.objectContaining({ issues: expect.stringContaining('tags[0]: ') }),
      }),
    )
  })
})

describe('a command type', () => {
  test('makes drafts to a device that know their cause', () => {
    expect(OpenVent.to('bench-1', { percent: 80 }, { deadlineMs: 5, idempotencyKey: 'k', cause })).toEqual({
      kind: 'command-draft',
      device: 'bench-1',
      name: 'open-vent',
      data: { percent: 80 },
      deadlineMs: 5,
      idempotencyKey: 'k',
      causationId: '7',
      correlationId: '7',
    })
  })

  test('refuses data that does not fit', () => {
    expect(() => OpenVent.to('bench-1', { percent: 101 })).toThrow(
      expect.objectContaining({ code: 'COMMAND_INVALID' }),
    )
  })
})
