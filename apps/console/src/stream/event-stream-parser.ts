/** One event of a stream of server-sent events (WHATWG HTML, section 9.2). */
export interface StreamEvent {
  readonly name: string
  readonly data: string
  /** The last id that the stream has given, '' if none. */
  readonly id: string
}

/** Is told what a stream says. */
export interface StreamObserver {
  event(event: StreamEvent): void
  /** The server asks for this delay before a reconnect. */
  retry?(delayMs: number): void
  /** An event was longer than `eventCharsMax` and has been left out. */
  oversized?(): void
}

/** Turns the text of a stream, in pieces cut anywhere, into events. */
export interface EventStreamParser {
  feed(text: string): void
}

/** Longest event that is read, in characters, all its lines together. */
export const EVENT_CHARS_MAX = 4 * 1024 * 1024

export function createEventStreamParser(
  observer: StreamObserver,
  eventCharsMax: number = EVENT_CHARS_MAX,
): EventStreamParser {
  let rest = ''
  let begun = false
  let endedWithReturn = false
  let lastId = ''
  let name = ''
  let lines: string[] = []
  let chars = 0
  let oversized = false

  const dispatch = () => {
    if (oversized) observer.oversized?.()
    else if (lines.length > 0) observer.event({ name: name || 'message', data: lines.join('\n'), id: lastId })
    name = ''
    lines = []
    chars = 0
    oversized = false
  }

  const field = (key: string, value: string) => {
    if (key === 'data') lines.push(value)
    else if (key === 'event') name = value
    else if (key === 'id' && !value.includes('\0')) lastId = value
    else if (key === 'retry' && /^\d{1,9}$/.test(value)) observer.retry?.(Number(value))
  }

  const line = (text: string) => {
    if (text === '') return dispatch()
    chars += text.length
    if (chars > eventCharsMax) {
      oversized = true
      lines = []
    }
    const colon = text.indexOf(':')
    if (colon === 0 || oversized) return
    if (colon < 0) return field(text, '')
    field(text.slice(0, colon), text.slice(text[colon + 1] === ' ' ? colon + 2 : colon + 1))
  }

  return {
    feed(piece) {
      let text = piece
      if (!begun && text !== '') {
        begun = true
        if (text.startsWith('\uFEFF')) text = text.slice(1)
      }
      // A line end CR LF may be cut in the middle: the CR has ended the line, the LF belongs to it.
      if (endedWithReturn && text.startsWith('\n')) text = text.slice(1)
      if (piece !== '') endedWithReturn = text.endsWith('\r')
      const ended = (rest + text).split(/\r\n|\r|\n/)
      rest = ended.pop() ?? ''
      for (const each of ended) line(each)
      if (rest.length > eventCharsMax) {
        // Never hold more of a line than an event may have; what is left of it is ignored as one long line.
        oversized = true
        lines = []
        rest = ':'
      }
    },
  }
}
