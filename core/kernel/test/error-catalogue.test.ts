import { describe, expect, test } from 'vitest'
import {
  catalogue,
  type ErrorCode,
  type ErrorEntry,
  errorText,
  isMillraceError,
  MillraceError,
  millraceError,
} from '../src/index.ts'

const entries = Object.entries(catalogue) as [ErrorCode, ErrorEntry][]

function placeholdersOf({ seen, expected, remedy }: ErrorEntry): string[] {
  return [...`${seen} ${expected} ${remedy}`.matchAll(/\{(\w*)\}/g)].map(([, name]) => String(name))
}

describe('every error of the catalogue', () => {
  test.each(entries)(
    '%s says what was seen, what was expected, what to do, and whether to try again',
    (code, entry) => {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/)
      expect(entry.seen).toMatch(/^[A-Z{].*[^.\s]$/)
      expect(entry.expected).toMatch(/^\S.*[^.\s]$/)
      expect(entry.remedy).toMatch(/^[A-Z{].*\.$/)
      expect(typeof entry.retryable).toBe('boolean')
      expect(Object.keys(entry).sort()).toEqual(['expected', 'remedy', 'retryable', 'seen'])
    },
  )

  test.each(entries)(
    '%s has its placeholders filled by its parameters, and no braces left over',
    (code, entry) => {
      const parameters = Object.fromEntries(placeholdersOf(entry).map((name) => [name, `<${name}>`]))
      const error = new MillraceError(code, parameters as never)
      for (const text of Object.values(parameters)) expect(error.message).toContain(text)
      expect(error.message).not.toMatch(/[{}]/)
      expect(error.message).toBe(`${error.seen}. Expected ${error.expected}. ${error.remedy} [${code}]`)
    },
  )
})

describe('an error', () => {
  test('carries its code, its parameters, whether to try again, and what caused it', () => {
    const cause = new Error('below')
    const error = millraceError('DISK_FULL', { path: 'data/0.log' }, { cause })
    expect(error).toMatchObject({ name: 'MillraceError', code: 'DISK_FULL', retryable: true, cause })
    expect(error.parameters).toEqual({ path: 'data/0.log' })
    expect(isMillraceError(error)).toBe(true)
    expect(isMillraceError(error, 'DISK_FULL')).toBe(true)
    expect(isMillraceError(error, 'BUS_CLOSED')).toBe(false)
    expect(isMillraceError(cause)).toBe(false)
  })

  test('quotes input at a bounded length, and quotes what looks like a placeholder as it is', () => {
    const error = millraceError('API_NOT_FOUND', { path: `{path}{seen}${'x'.repeat(1_000_000)}` })
    expect(error.message.length).toBeLessThan(2_000)
    expect(error.seen).toContain('{path}{seen}xxx')
    expect(error.seen.endsWith('…')).toBe(true)
  })
})

test.each([
  ['an error', new Error('its message'), 'its message'],
  ['a text', 'just text', 'just text'],
  ['undefined', undefined, 'undefined'],
  ['a symbol', Symbol('odd'), 'Symbol(odd)'],
  ['an object without a prototype', Object.create(null), 'a thrown object that has no text'],
  [
    'an object that fails to say what it is',
    {
      toString: () => {
        throw new Error('no')
      },
    },
    'a thrown object that has no text',
  ],
])('The text of %s can be had without failing', (_, thrown: unknown, text) => {
  expect(errorText(thrown)).toBe(text)
})
