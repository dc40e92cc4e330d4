import { readFileSync, writeFileSync } from 'node:fs'
import { crc32c } from '@millrace/kernel'
import { describe, expect, test } from 'vitest'
import { decodeSlot } from '../src/durable-mark.ts'
import { decodeFrameHeader, FRAME_HEADER_BYTES, isBodyIntact } from '../src/frame.ts'
import { RecordReader } from '../src/record-codec.ts'
import { decodeSegmentHeader } from '../src/segment-header.ts'
import { hex, makeVectors, unhex } from './format-vectors.ts'

const FILE = new URL('../../../docs/reference/log-format-vectors.json', import.meta.url)
const vectors = await makeVectors()
// After a change of the format that is meant: UPDATE_VECTORS=1 npx vitest run --project unit core/log/test/format-vectors
if (process.env.UPDATE_VECTORS === '1') writeFileSync(FILE, `${JSON.stringify(vectors, undefined, 2)}\n`)
const written = JSON.parse(readFileSync(FILE, 'utf8')) as typeof vectors

describe('the vectors of the format', () => {
  test('are what this code writes', () => {
    expect(written).toEqual(JSON.parse(JSON.stringify(vectors)))
  })

  test('of checksums are what this code computes', () => {
    for (const { name, bytes, seed, crc } of written.crc32c)
      expect([name, crc32c(unhex(bytes), seed)]).toEqual([name, crc])
    expect(written.crc32c[0]?.crc).toBe(0xe3069283)
  })

  test('of segment headers are decoded to their fields', () => {
    for (const { name, bytes, header } of written.segmentHeaders) {
      const decoded = decodeSegmentHeader(unhex(bytes))
      const fields = decoded && {
        ...decoded,
        id: hex(decoded.id),
        compactedEndOffset: decoded.compactedEndOffset ?? null,
        predecessor: decoded.predecessor ?? null,
      }
      expect([name, fields]).toEqual([name, header])
    }
  })

  test('of frames are decoded to their fields and records', () => {
    for (const { name, bytes, header, records } of written.frames) {
      const frame = unhex(bytes)
      const decoded = decodeFrameHeader(frame, 0)
      expect([name, decoded]).toEqual([name, header])
      expect([name, isBodyIntact(frame, header)]).toEqual([name, true])
      const body = frame.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + header.bodyBytes)
      const reader = new RecordReader({ ...header, body })
      for (const { offset, timestampMs, key, value } of records) {
        const record = reader.next()
        expect([name, record]).toEqual([
          name,
          { offset, timestampMs, key: key === null ? undefined : unhex(key), value: unhex(value) },
        ])
      }
      expect([name, reader.next(), reader.damagedOffset]).toEqual([name, undefined, undefined])
    }
  })

  test('of the mark are decoded to their fields', () => {
    for (const { name, bytes, slot } of written.markSlots)
      expect([name, decodeSlot(unhex(bytes))]).toEqual([name, { ...slot, place: slot.place ?? undefined }])
  })
})
