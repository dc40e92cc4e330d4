import { describe, expect, test } from 'vitest'
import { createEventStreamParser, type StreamEvent } from '../src/stream/event-stream-parser.ts'

function read(pieces: readonly string[], eventCharsMax?: number) {
  const events: StreamEvent[] = []
  const retries: number[] = []
  let oversized = 0
  const parser = createEventStreamParser(
    {
      event: (event) => events.push(event),
      retry: (ms) => retries.push(ms),
      oversized: () => {
        oversized += 1
      },
    },
    eventCharsMax,
  )
  for (const piece of pieces) parser.feed(piece)
  return { events, retries, oversized }
}

const STREAM =
  '\uFEFF: hello\r\nevent: reading\r\nid: 7\r\ndata: {"a":\r\ndata: 1}\r\n\r\nretry: 250\ndata:no space\n\nevent:only a name\n\rid\rdata\r\r'
const EXPECTED = [
  { name: 'reading', data: '{"a":\n1}', id: '7' },
  { name: 'message', data: 'no space', id: '7' },
  { name: 'message', data: '', id: '' },
]

describe('the parser of server-sent events', () => {
  test('reads names, ids, several data lines, comments, a byte order mark and all three line ends', () => {
    const { events, retries } = read([STREAM])
    expect(events).toEqual(EXPECTED)
    expect(retries).toEqual([250])
  })

  test('gives the same events wherever the stream is cut in two or into single characters', () => {
    for (let cut = 0; cut <= STREAM.length; cut += 1) {
      expect(read([STREAM.slice(0, cut), '', STREAM.slice(cut)]).events, `cut at ${cut}`).toEqual(EXPECTED)
    }
    expect(read([...STREAM]).events).toEqual(EXPECTED)
  })

  test('does not hand over an event whose end has not come', () => {
    expect(read(['data: half\n']).events).toEqual([])
  })

  test('ignores an id with a NUL and a retry that is no number', () => {
    const { events, retries } = read(['id: a\0b\nretry: soon\ndata: x\n\n'])
    expect(events).toEqual([{ name: 'message', data: 'x', id: '' }])
    expect(retries).toEqual([])
  })

  test('leaves out an event longer than the limit, says so, and reads the next one', () => {
    const long = `data: ${'x'.repeat(200)}`
    for (const pieces of [[`${long}\n\ndata: next\n\n`], [long, 'yyy', '\n', '\ndata: next\n\n']]) {
      const { events, oversized } = read(pieces, 100)
      expect(events.map((event) => event.data)).toEqual(['next'])
      expect(oversized).toBe(1)
    }
  })
})
