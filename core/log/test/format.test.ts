import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { decodeFrameHeader, FRAME_HEADER_BYTES, isBodyIntact } from '../src/frame.ts'
import { encodedBytesMax, FrameBuilder } from '../src/frame-builder.ts'
import { FrameMemory } from '../src/frame-memory.ts'
import { RecordReader } from '../src/record-codec.ts'
import { decodeSegmentHeader, encodeSegmentHeader } from '../src/segment-header.ts'
import { hex, makeVectors } from './format-vectors.ts'

const page = readFileSync(new URL('../../../docs/reference/log-format.md', import.meta.url), 'utf8')

/** The bytes of an example in the reference, so that it never says anything else than the code. */
function example(name: string): Uint8Array {
  const hex = new RegExp(`\`\`\`hex ${name}\n([^\`]+)\`\`\``).exec(page)?.[1] ?? ''
  return Uint8Array.from(hex.trim().split(/\s+/), (byte) => Number.parseInt(byte, 16))
}

const bytes = (text: string) => new TextEncoder().encode(text)
const TIME = Date.parse('2026-01-01T00:00:00Z')

describe('the format', () => {
  test('of a segment header is what the reference shows, in both directions', () => {
    const header = {
      version: 1,
      id: Uint8Array.from({ length: 16 }, (_, index) => index),
      baseOffset: 42,
      createdAtMs: TIME,
      isRecycled: false,
      compactedEndOffset: undefined,
      predecessor: { salt: 0xa3a2a1a0, idRest: 0xa7a6a5a4, endOffset: 42, dataBytes: 4096 },
    }
    expect(encodeSegmentHeader(header)).toEqual(example('segment-header'))
    expect(decodeSegmentHeader(example('segment-header'))).toEqual(header)
  })

  test('of a frame is what the reference shows, in both directions', () => {
    const records = [
      { timestampMs: TIME, key: bytes('k'), value: bytes('hello') },
      { timestampMs: TIME - 10, key: undefined, value: bytes('hi') },
    ]
    const builder = new FrameBuilder(new FrameMemory())
    const appended = records.map(({ key, ...rest }) => (key === undefined ? rest : { ...rest, key }))
    const waiter = { resolve: () => {}, reject: () => {} }
    builder.add(appended, encodedBytesMax(appended), { nowMs: 0, durability: 'disk', waiter })
    const frame = example('frame')
    expect(builder.seal({ baseOffset: 42, salt: 0x03020100, unsyncedBefore: 0 })).toEqual(frame)

    const header = decodeFrameHeader(frame, 0)
    expect(header).toMatchObject({ baseOffset: 42, count: 2, firstTimestampMs: TIME, maxTimestampMs: TIME })
    expect(header && isBodyIntact(frame, header)).toBe(true)
    const reader = new RecordReader({
      baseOffset: 42,
      count: 2,
      firstTimestampMs: TIME,
      isSparse: false,
      body: frame.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + 14),
    })
    expect([reader.next(), reader.next()]).toEqual(
      records.map((record, index) => ({ offset: 42 + index, ...record })),
    )
    expect([reader.next(), reader.damagedOffset]).toEqual([undefined, undefined])
  })

  test('of a frame of a compacted segment is what the reference shows', () => {
    const frame = example('sparse-frame')
    const header = decodeFrameHeader(frame, 0)
    expect(header).toMatchObject({ baseOffset: 100, count: 20, isSparse: true, maxTimestampMs: TIME + 5 })
    expect(header && isBodyIntact(frame, header)).toBe(true)
    const body = frame.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + (header?.bodyBytes ?? 0))
    const reader = new RecordReader({
      baseOffset: 100,
      count: 20,
      firstTimestampMs: TIME,
      isSparse: true,
      body,
    })
    expect([reader.next(), reader.next(), reader.next()]).toEqual([
      { offset: 103, timestampMs: TIME, key: bytes('k'), value: bytes('latest') },
      { offset: 117, timestampMs: TIME + 5, key: bytes('gone'), value: bytes('') },
      undefined,
    ])
  })

  test('of a whole log is what the reference shows, and what this code writes', async () => {
    const { logs } = await makeVectors()
    const [log] = logs
    const segment = log?.files.find(({ name }) => name.endsWith('.seg'))
    const mark = log?.files.find(({ name }) => name === 'mark')
    const shown = hex(example('log-segment'))
    expect(segment?.bytes).toBe(shown.length / 2)
    // The vectors leave zeros at the end away.
    expect(segment?.parts).toMatchObject([{ at: 0 }])
    expect(segment?.parts[0]?.hex.padEnd(shown.length, '0')).toBe(shown)
    expect(mark).toEqual({ name: 'mark', bytes: 8192, parts: [{ at: 4096, hex: hex(example('log-mark')) }] })
    const position = (text: string) => Buffer.from(example('log-segment')).indexOf(text)
    expect([position('MRF1'), position('hello'), example('log-segment').length]).toEqual([64, 116, 200])
    expect(Buffer.from(example('log-segment')).lastIndexOf('MRF1')).toBe(136)
  })

  test('notices every flipped bit of a header and of a frame', () => {
    for (let bit = 0; bit < example('segment-header').length * 8; bit += 1) {
      const header = example('segment-header')
      header[bit >> 3] = (header[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(decodeSegmentHeader(header)).toBeUndefined()
    }
    for (let bit = 0; bit < example('frame').length * 8; bit += 1) {
      const frame = example('frame')
      frame[bit >> 3] = (frame[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const header = decodeFrameHeader(frame, 0)
      expect(header !== undefined && isBodyIntact(frame, header)).toBe(false)
    }
  })
})
