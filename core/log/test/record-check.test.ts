import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkRecords } from '../src/inspection/record-check.ts'
import { encodeRecord, encodeSparseRecord, RecordReader } from '../src/record-codec.ts'

const FIRST_MS = 1_000

interface Drawn {
  readonly skipped: number
  readonly timeMs: number
  readonly key: Uint8Array | undefined
  readonly value: Uint8Array
}

const drawn: fc.Arbitrary<Drawn> = fc.record({
  skipped: fc.integer({ min: 0, max: 300 }),
  timeMs: fc.integer({ min: 0, max: 2_000_000 }),
  key: fc.option(fc.uint8Array({ maxLength: 200 }), { nil: undefined }),
  value: fc.uint8Array({ maxLength: 300 }),
})

function encode(records: readonly Drawn[], isSparse: boolean) {
  const target = new Uint8Array(records.length * 700)
  let position = 0
  let offset = 7
  for (const { skipped, timeMs, key, value } of records) {
    const record = { offset, timestampMs: timeMs, key, value }
    position = isSparse
      ? encodeSparseRecord(target, position, record, skipped, FIRST_MS)
      : encodeRecord(target, position, key === undefined ? { value } : { key, value }, timeMs, FIRST_MS)
    offset += 1 + (isSparse ? skipped : 0)
  }
  return { body: target.slice(0, position), count: offset - 7 }
}

/** What the reader of the log reads. */
function read(body: Uint8Array, count: number, isSparse: boolean) {
  const reader = new RecordReader({ baseOffset: 7, count, firstTimestampMs: FIRST_MS, isSparse, body })
  let records = 0
  let maxTimestampMs = 0
  for (let record = reader.next(); record !== undefined; record = reader.next()) {
    records += 1
    maxTimestampMs = Math.max(maxTimestampMs, record.timestampMs)
  }
  return { records, maxTimestampMs, damagedOffset: reader.damagedOffset }
}

describe('checking the records of a frame', () => {
  test('finds what the reader of the log reads, in sound bodies and in cut ones', () => {
    fc.assert(
      fc.property(
        fc.array(drawn, { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        fc.nat(),
        (records, isSparse, cut) => {
          const { body, count } = encode(records, isSparse)
          for (const bytes of [body.length, cut % (body.length + 1)]) {
            const part = body.subarray(0, bytes)
            const request = { baseOffset: 7, count, firstTimestampMs: FIRST_MS, isSparse, body: part }
            const { surplusBytes, ...found } = checkRecords(request)
            expect(found).toEqual(read(part, count, isSparse))
            expect(surplusBytes).toBe(0)
          }
        },
      ),
    )
  })

  test('counts bytes that belong to no record', () => {
    const request = { baseOffset: 0, count: 1, firstTimestampMs: 0, isSparse: false }
    expect(checkRecords({ ...request, body: Uint8Array.of(0, 0, 1, 0x61, 9, 9) })).toMatchObject({
      records: 1,
      surplusBytes: 2,
    })
  })
})
