import { decodeBinary, type Event } from '@millrace/kernel'
import { Reading, type ReadingData } from '../application.ts'
import type { Content } from './topic-view.ts'

const decoder = new TextDecoder()

/** The reading that a message of its topic carries; undefined if it carries none that fits. */
export function readingIn({ headers, value }: Content): Event<ReadingData> | undefined {
  try {
    const event = decodeBinary({ headers, body: value })
    return Reading.is(event) ? Reading.parse(event) : undefined
  } catch {
    return undefined
  }
}

/** The oracle's name for what a device published, also if it fits no schema. */
export function publicationIdIn({ value }: Content): string | undefined {
  try {
    const { id } = JSON.parse(decoder.decode(value)) as { readonly id?: unknown }
    return typeof id === 'string' ? id : undefined
  } catch {
    return undefined
  }
}
