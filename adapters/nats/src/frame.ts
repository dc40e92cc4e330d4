import type { Message, NewMessage } from '@millrace/bus'
import { millraceError } from '@millrace/kernel'
import { headers, type MsgHdrs } from '@nats-io/nats-core'
import { MESSAGE_ID } from './message-form.ts'

/** How many messages are in a frame; 0 in the record by which a writer opens. */
const COUNT = 'mr-frame'
/** The writer's epoch: the sequence of its opening record; in that record itself it is absent. */
const EPOCH = 'mr-epoch'
/** The lengths of what is said about a message, and of its value. */
const LENGTH_BYTES = 8

/** What is said about a message beside its value. */
interface Meta {
  readonly key?: string
  readonly headers: Readonly<Record<string, string>>
  readonly id?: string
}

/** A message of a frame, with the key by which a repetition is recognised. */
export interface FramedMessage {
  readonly message: Message
  readonly idempotencyKey: string | undefined
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** All messages of one append as one message of NATS: two lengths (32 bits, big end first), JSON, the value; and so on. */
export function encodeFrame(messages: readonly NewMessage[]): Uint8Array {
  const parts = messages.map(({ key, headers: texts, idempotencyKey, value }) => {
    const meta: Meta = {
      headers: texts,
      ...(key === undefined ? {} : { key }),
      ...(idempotencyKey === undefined ? {} : { id: idempotencyKey }),
    }
    return { meta: encoder.encode(JSON.stringify(meta)), value }
  })
  const bytes = parts.reduce((sum, { meta, value }) => sum + LENGTH_BYTES + meta.length + value.length, 0)
  const frame = new Uint8Array(bytes)
  const view = new DataView(frame.buffer)
  let position = 0
  for (const { meta, value } of parts) {
    view.setUint32(position, meta.length)
    view.setUint32(position + 4, value.length)
    frame.set(meta, position + LENGTH_BYTES)
    frame.set(value, position + LENGTH_BYTES + meta.length)
    position += LENGTH_BYTES + meta.length + value.length
  }
  return frame
}

/** The messages of a frame; a frame that is damaged, or of a foreign writer, is one message that says so. */
export function decodeFrame(
  place: Pick<Message, 'topic' | 'partition' | 'offset' | 'timestampMs'>,
  wire: MsgHdrs | undefined,
  payload: Uint8Array,
): readonly FramedMessage[] {
  const count = frameEnd(wire)
  if (count === 0) return []
  try {
    return readFrame(place, payload, count)
  } catch {
    const message = { ...place, key: undefined, headers: { mr_undecodable: 'frame' }, value: payload }
    return [{ message, idempotencyKey: undefined }]
  }
}

function readFrame(
  place: Pick<Message, 'topic' | 'partition' | 'offset' | 'timestampMs'>,
  payload: Uint8Array,
  count: number,
): FramedMessage[] {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  let position = 0
  return Array.from({ length: count }, (_, index) => {
    const metaStart = position + LENGTH_BYTES
    const valueStart = metaStart + view.getUint32(position)
    const valueEnd = valueStart + view.getUint32(position + 4)
    if (valueEnd > payload.length)
      throw millraceError('MESSAGE_UNDECODABLE', {
        seen: 'a frame that ends early',
        expected: 'all that it says',
      })
    const meta = JSON.parse(decoder.decode(payload.subarray(metaStart, valueStart))) as Meta
    position = valueEnd
    const message: Message = {
      ...place,
      offset: place.offset + index,
      key: meta.key,
      headers: meta.headers,
      value: payload.subarray(valueStart, valueEnd),
    }
    return { message, idempotencyKey: meta.id }
  })
}

/** Headers of a frame of `count` messages; without `epoch` those of an opening record. */
export function frameHeaders(count: number, id: string, epoch?: number): MsgHdrs {
  const wire = headers()
  wire.set(COUNT, String(count))
  wire.set(MESSAGE_ID, id)
  if (epoch !== undefined) wire.set(EPOCH, String(epoch))
  return wire
}

/** How many offsets a frame takes. A message that is no frame takes one, so that somebody sees it. */
export function frameEnd(wire: MsgHdrs | undefined): number {
  const text = wire?.get(COUNT) ?? ''
  return /^\d+$/.test(text) ? Number(text) : 1
}

/** The epoch of the writer that wrote the record at `sequence`. */
export function epochOf(wire: MsgHdrs | undefined, sequence: number): number {
  const text = wire?.get(EPOCH) ?? ''
  return /^\d+$/.test(text) ? Number(text) : sequence
}
