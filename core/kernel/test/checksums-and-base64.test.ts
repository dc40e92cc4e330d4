import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32c, decodeBase64, encodeBase64 } from '../src/index.ts'

const bytes = (length: number, of: (index: number) => number) =>
  Uint8Array.from({ length }, (_, index) => of(index))

describe('CRC-32C', () => {
  test.each([
    ['32 bytes of zero', bytes(32, () => 0), 0x8a9136aa],
    ['32 bytes of one bits', bytes(32, () => 0xff), 0x62a8ab43],
    ['32 growing bytes', bytes(32, (index) => index), 0x46dd794e],
    ['32 shrinking bytes', bytes(32, (index) => 31 - index), 0x113fdb5c],
    ['the digits 1 to 9', new TextEncoder().encode('123456789'), 0xe3069283],
    ['nothing', new Uint8Array(0), 0],
  ])('of %s is that of RFC 3720', (_, input, checksum) => {
    expect(crc32c(input)).toBe(checksum)
  })

  test('of pieces is that of the whole, wherever it is cut and however it is aligned', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(64), fc.nat(7), (input, cut, shift) => {
        const aligned = new Uint8Array(input.length + shift).subarray(shift)
        aligned.set(input)
        expect(crc32c(aligned.subarray(cut), crc32c(aligned.subarray(0, cut)))).toBe(crc32c(input))
      }),
    )
  })

  test('of much at once is that of its bytes one by one, however it is aligned and wherever the rest ends', () => {
    const byteByByte = (input: Uint8Array) => {
      let crc = 0xffff_ffff
      for (const byte of input) {
        crc ^= byte
        for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
      }
      return ~crc >>> 0
    }
    const input = bytes(700, (index) => (index * 167 + (index >> 3)) & 255)
    for (let start = 0; start < 20; start += 1) {
      for (const end of [start + 255, start + 256, start + 257, 699 - start, 700]) {
        expect(crc32c(input.subarray(start, end))).toBe(byteByByte(input.subarray(start, end)))
      }
    }
  })

  test('changes with every single bit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.nat(), (input, chance) => {
        const bit = chance % (input.length * 8)
        const flipped = input.slice()
        flipped[bit >> 3]! ^= 1 << (bit & 7)
        expect(crc32c(flipped)).not.toBe(crc32c(input))
      }),
    )
  })
})

describe('base64', () => {
  test.each([
    ['', ''],
    ['f', 'Zg=='],
    ['fo', 'Zm8='],
    ['foo', 'Zm9v'],
    ['foob', 'Zm9vYg=='],
    ['fooba', 'Zm9vYmE='],
    ['foobar', 'Zm9vYmFy'],
  ])('of "%s" is "%s", as RFC 4648 has it', (text, encoded) => {
    const input = new TextEncoder().encode(text)
    expect(encodeBase64(input)).toBe(encoded)
    expect(decodeBase64(encoded)).toEqual(input)
  })

  test('says the same as Node, in both directions', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (input) => {
        const encoded = Buffer.from(input).toString('base64')
        expect(encodeBase64(input)).toBe(encoded)
        expect(decodeBase64(encoded)).toEqual(input)
      }),
    )
  })

  test.each(['A', 'AA', 'AAA', '====', 'A===', 'AA=A', '=AAA', 'AA==AAAA', 'AA A', 'AA-_', 'ÄAAA', 'AAA\n'])(
    'is not "%s"',
    (text) => expect(decodeBase64(text)).toBeUndefined(),
  )

  test('does not mind megabytes', () => {
    expect(decodeBase64('A'.repeat(12_000_000))).toHaveLength(9_000_000)
    expect(decodeBase64(`${'A'.repeat(12_000_000)}!!!!`)).toBeUndefined()
  })
})
