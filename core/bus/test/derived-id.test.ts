import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { derivedId } from '../src/index.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('a derived id', () => {
  test('is the same for ever: these ids are on disks already', () => {
    expect(derivedId('0190b5a0-0000-7000-8000-000000000000', 'too-hot', 0)).toBe(
      'b9da6d7f-642f-8888-8f77-cbe457900d47',
    )
    expect(derivedId('', '', 0)).toBe('e8ca2bd5-1293-864a-a58f-a06d61809d26')
  })

  test('is a UUID of version 8', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.nat(), (cause, processor, index) => {
        expect(UUID.exec(derivedId(cause, processor, index))?.[1]).toBe('8')
      }),
    )
  })

  test('differs as soon as one part differs, also where parts run into each other', () => {
    const part = fc.string({ unit: fc.constantFrom('1', ':', 'a'), maxLength: 4 })
    const parts = fc.tuple(part, part, fc.nat(20))
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        expect(derivedId(...one) === derivedId(...other)).toBe(JSON.stringify(one) === JSON.stringify(other))
      }),
      { numRuns: 1_000 },
    )
  })
})
