import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FrameReader } from '../src/mqtt/frame-reader.ts'

/** A packet with a body of this many bytes. */
function packet(bodyBytes: number): number[] {
  const length: number[] = []
  let left = bodyBytes
  do {
    length.push((left % 128) | (left >= 128 ? 0x80 : 0))
    left = Math.floor(left / 128)
  } while (left > 0)
  return [0x30, ...length, ...Array.from({ length: bodyBytes }, (_, index) => index % 251)]
}

test('packets come out whole and in order, however the stream is cut', () => {
  const bodies = fc.array(fc.constantFrom(0, 1, 127, 128, 300, 17_000), { maxLength: 6 })
  const cuts = fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(bodies, cuts, (sizes, pieces) => {
      const packets = sizes.map(packet)
      const stream = Uint8Array.from(packets.flat())
      const reader = new FrameReader(20_000)
      const copies: Buffer[] = []
      const views: Uint8Array[] = []
      for (let at = 0, turn = 0; at < stream.length; turn += 1) {
        const length = pieces[turn % pieces.length] ?? 1
        reader.push(stream.slice(at, at + length))
        at += length
        for (let next = reader.next(); next.kind === 'frame'; next = reader.next()) {
          copies.push(Buffer.from(next.bytes))
          views.push(next.bytes)
        }
      }
      expect(copies.map(({ length }) => length)).toEqual(packets.map(({ length }) => length))
      expect(Buffer.concat(copies).equals(stream)).toBe(true)
      // A packet stays what it was while later ones are read.
      expect(Buffer.concat(views).equals(stream)).toBe(true)
    }),
    { numRuns: 100 },
  )
})

test('a packet that is too large is known by its first bytes', () => {
  const reader = new FrameReader(1_000)
  reader.push(Uint8Array.of(0x30, 0xff))
  expect(reader.next()).toEqual({ kind: 'incomplete' })
  reader.push(Uint8Array.of(0xff, 0x7f))
  expect(reader.next()).toEqual({ kind: 'oversize', seenBytes: 2_097_155 })
})

test('a length of more than four bytes is malformed [MQTT-1.5.5-1]', () => {
  const reader = new FrameReader(1_000)
  reader.push(Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0xff))
  expect(reader.next()).toMatchObject({ kind: 'malformed' })
})
