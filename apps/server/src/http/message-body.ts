import { type Message, messageToEvent } from '@millrace/bus'
import { encodeBase64, formatTime, toJsonObject } from '@millrace/kernel'
import type { MessageBody } from '../api-shapes.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** A message as the API shows it. */
export function toMessageBody(message: Message): MessageBody {
  const { topic, partition, offset, timestampMs } = message
  return { topic, partition, offset, acceptedAt: formatTime(timestampMs), ...toContentBody(message) }
}

/** What a message carries: the event if it is one, else its value as text if it is text, else as base64. */
export function toContentBody(message: Pick<Message, 'key' | 'headers' | 'value'>) {
  const key = message.key === undefined ? {} : { key: message.key }
  return { ...key, headers: { ...message.headers }, ...contentOf(message) }
}

function contentOf({
  headers,
  value,
}: Pick<Message, 'headers' | 'value'>): Pick<MessageBody, 'event' | 'text' | 'base64'> {
  try {
    const place = { topic: '', partition: 0, offset: 0, timestampMs: 0, key: undefined }
    return { event: toJsonObject(messageToEvent({ ...place, headers, value })) }
  } catch {
    // Not an event: shown as what it is.
  }
  try {
    return { text: utf8.decode(value) }
  } catch {
    return { base64: encodeBase64(value) }
  }
}
