import { describe, expect, test } from 'vitest'
import { Suspects } from '../src/suspects.ts'

describe('suspects', () => {
  test('are keys that were given up while others succeeded, until they succeed themselves', () => {
    const suspects = new Suspects()
    suspects.failed('bad')
    suspects.succeeded('good')
    expect(suspects.isSuspect('bad')).toBe(false)
    suspects.gaveUp('bad')
    expect(suspects.isSuspect('bad')).toBe(true)
    suspects.failed('bad')
    expect(suspects.isSuspect('bad')).toBe(true)
    suspects.succeeded('bad')
    expect(suspects.isSuspect('bad')).toBe(false)
    expect(suspects.isSuspect('good')).toBe(false)
  })

  test('are nobody while nothing succeeds, and never messages without a key', () => {
    const suspects = new Suspects()
    suspects.succeeded('good')
    for (const key of ['bad', undefined]) {
      suspects.failed(key)
      suspects.gaveUp(key)
    }
    expect(suspects.isSuspect('bad')).toBe(false)
    suspects.succeeded(undefined)
    expect(suspects.isSuspect('bad')).toBe(true)
    expect(suspects.isSuspect(undefined)).toBe(false)
  })

  test('are forgotten, the oldest first, when there are too many', () => {
    const suspects = new Suspects()
    const keys = Array.from({ length: 10_001 }, (_, index) => `key-${index}`)
    for (const key of keys) suspects.failed(key)
    for (const key of keys) suspects.gaveUp(key)
    suspects.succeeded('good')
    expect(keys.filter((key) => suspects.isSuspect(key))).toEqual(keys.slice(1))
  })
})
