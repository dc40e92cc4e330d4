import { millraceError } from '@millrace/kernel'
import type { LogRecord } from '@millrace/log'
import type { DumpedFrame } from '@millrace/log/inspection'

const ENCODINGS = ['text', 'base64', 'hex'] as const
/** How bytes are shown. */
export type Encoding = (typeof ENCODINGS)[number]

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const SUFFIX = { text: '', base64: 'Base64', hex: 'Hex' } as const

/** The encoding an option names; `CONFIGURATION_INVALID` under the option's name for anything else. */
export function parseEncoding(option: string, text: string): Encoding {
  const found = ENCODINGS.find((encoding) => encoding === text)
  if (found !== undefined) return found
  const expected = ENCODINGS.join(', ')
  throw millraceError('CONFIGURATION_INVALID', { path: option, seen: JSON.stringify(text), expected })
}

/** A record as an object for JSON. What was to be text and is none is shown in base64, under another name. */
export function recordLine(
  { offset, timestampMs, key, value }: LogRecord,
  keys: Encoding,
  values: Encoding,
): Record<string, unknown> {
  return {
    offset,
    time: new Date(timestampMs).toISOString(),
    ...(key === undefined ? { key: null } : shown('key', key, keys)),
    ...shown('value', value, values),
  }
}

/** The place and the header of a frame as an object for JSON. */
export function frameLine({ file, position, bytes, header }: DumpedFrame): Record<string, unknown> {
  const { baseOffset, count, bodyBytes, unsyncedBefore, firstTimestampMs, maxTimestampMs, salt } = header
  return {
    segment: file,
    position,
    bytes,
    baseOffset,
    count,
    bodyBytes,
    unsyncedBefore,
    firstTime: new Date(firstTimestampMs).toISOString(),
    maxTime: new Date(maxTimestampMs).toISOString(),
    salt: salt.toString(16).padStart(8, '0'),
  }
}

function shown(name: string, bytes: Uint8Array, encoding: Encoding): Record<string, string> {
  if (encoding !== 'text') return { [name + SUFFIX[encoding]]: encoded(bytes, encoding) }
  try {
    return { [name]: decoder.decode(bytes) }
  } catch {
    return { [name + SUFFIX.base64]: encoded(bytes, 'base64') }
  }
}

function encoded(bytes: Uint8Array, encoding: 'base64' | 'hex'): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding)
}
